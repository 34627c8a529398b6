"""Figures of the attention method (Alman and Song 2023, arXiv:2302.13214)."""

from workbench.figures.attention.error import draw_error
from workbench.figures.attention.heads import draw_heads
from workbench.figures.attention.matrices import draw_matrices
from workbench.figures.attention.peers import (
    draw_peers_by_bound,
    draw_peers_by_budget,
    draw_peers_by_work,
)
from workbench.figures.attention.polynomial import draw_polynomial

__all__ = [
    "draw_error",
    "draw_heads",
    "draw_matrices",
    "draw_peers_by_bound",
    "draw_peers_by_budget",
    "draw_peers_by_work",
    "draw_polynomial",
]
