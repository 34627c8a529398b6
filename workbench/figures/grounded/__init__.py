"""Figures of Grounded Decoding (Huang et al. 2023, arXiv:2303.00855)."""

from workbench.figures.grounded.beam import draw_beam
from workbench.figures.grounded.cost import draw_cost
from workbench.figures.grounded.execution import draw_execution
from workbench.figures.grounded.kitchen import draw_dialogue, draw_phrases
from workbench.figures.grounded.ledger import draw_ledger
from workbench.figures.grounded.manifold import draw_manifold
from workbench.figures.grounded.mixer import draw_mixed_plans, draw_mixer
from workbench.figures.grounded.photo import draw_photo
from workbench.figures.grounded.success import draw_published, draw_success, draw_tasks
from workbench.figures.grounded.table import draw_table
from workbench.figures.grounded.telling import draw_case, draw_telling
from workbench.figures.grounded.theatre import draw_plans, draw_theatre
from workbench.figures.grounded.trie import draw_trie

__all__ = [
    "draw_beam",
    "draw_case",
    "draw_cost",
    "draw_dialogue",
    "draw_execution",
    "draw_ledger",
    "draw_manifold",
    "draw_mixed_plans",
    "draw_mixer",
    "draw_photo",
    "draw_phrases",
    "draw_plans",
    "draw_published",
    "draw_success",
    "draw_table",
    "draw_tasks",
    "draw_telling",
    "draw_theatre",
    "draw_trie",
]
