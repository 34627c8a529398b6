"""Figures of Generalized Logit Adjustment (Zhu et al. 2023, arXiv:2310.08106)."""

from workbench.figures.gla.accuracy import draw_accuracy, draw_mixture
from workbench.figures.gla.bias import draw_bias
from workbench.figures.gla.classes import draw_classes, draw_flows, draw_reliability
from workbench.figures.gla.decision_map import draw_map
from workbench.figures.gla.methods import draw_methods
from workbench.figures.gla.names import draw_names, draw_shares
from workbench.figures.gla.own_task import draw_own_task
from workbench.figures.gla.planted import draw_convergence, draw_planted
from workbench.figures.gla.published import draw_published
from workbench.figures.gla.published_tables import draw_published_tables
from workbench.figures.gla.solver import draw_simplex, draw_twenty
from workbench.figures.gla.surgery import draw_surgery
from workbench.figures.gla.world import draw_dependence, draw_plane

__all__ = [
    "draw_accuracy",
    "draw_bias",
    "draw_classes",
    "draw_convergence",
    "draw_dependence",
    "draw_flows",
    "draw_map",
    "draw_methods",
    "draw_mixture",
    "draw_names",
    "draw_own_task",
    "draw_plane",
    "draw_planted",
    "draw_published",
    "draw_published_tables",
    "draw_reliability",
    "draw_shares",
    "draw_simplex",
    "draw_surgery",
    "draw_twenty",
]
