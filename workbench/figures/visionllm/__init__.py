"""Figures of VisionLLM (Wang et al. 2023, arXiv:2305.11175)."""
