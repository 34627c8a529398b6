"""Scenes of drawn emoji with exact boxes, contours, captions, questions and expressions."""
