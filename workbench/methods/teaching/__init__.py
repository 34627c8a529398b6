"""Can language models teach? Saha, Hase and Bansal, NeurIPS 2023, arXiv:2306.09299.

A teacher may explain only some of a student's questions. Which, how, and is it worth its cost?
"""
