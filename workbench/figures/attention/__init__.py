"""Figures of the attention method (Alman and Song 2023, arXiv:2302.13214)."""

from workbench.figures.attention.error import draw_error
from workbench.figures.attention.hardness import draw_hidden_pair, draw_margin
from workbench.figures.attention.heads import draw_heads
from workbench.figures.attention.lattice import draw_lattice
from workbench.figures.attention.matrices import draw_matrices
from workbench.figures.attention.microscope import draw_polynomial
from workbench.figures.attention.peers import (
    draw_peers_by_bound,
    draw_peers_by_budget,
    draw_peers_by_work,
)
from workbench.figures.attention.speed import draw_memory, draw_time
from workbench.figures.attention.swap import draw_next_word, draw_texts
from workbench.figures.attention.symmetry_lab import draw_symmetries
from workbench.figures.attention.transition import draw_phase, draw_rank

__all__ = [
    "draw_error",
    "draw_heads",
    "draw_hidden_pair",
    "draw_lattice",
    "draw_margin",
    "draw_matrices",
    "draw_memory",
    "draw_next_word",
    "draw_peers_by_bound",
    "draw_peers_by_budget",
    "draw_peers_by_work",
    "draw_phase",
    "draw_polynomial",
    "draw_rank",
    "draw_symmetries",
    "draw_texts",
    "draw_time",
]
