"""Figures of Generalized Logit Adjustment (Zhu et al. 2023, arXiv:2310.08106)."""
