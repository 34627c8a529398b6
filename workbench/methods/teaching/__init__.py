"""Can language models teach? Saha, Hase and Bansal, NeurIPS 2023, arXiv:2306.09299.

A teacher may explain only some of a student's questions. Which, how, and is it worth its cost?
"""

from workbench.methods.teaching.allocation import ALLOCATION
from workbench.methods.teaching.budget import (
    accuracy_curve,
    anti_oracle_curve,
    oracle_curve,
    qini,
    random_curve,
)
from workbench.methods.teaching.cost import COST
from workbench.methods.teaching.hand import HAND
from workbench.methods.teaching.interventions import intervention_order
from workbench.methods.teaching.misaligned import MISALIGNMENT
from workbench.methods.teaching.simulation import SIMULATION

STUDIES = (ALLOCATION, HAND, SIMULATION, MISALIGNMENT, COST)

__all__ = [
    "ALLOCATION",
    "COST",
    "HAND",
    "MISALIGNMENT",
    "SIMULATION",
    "STUDIES",
    "accuracy_curve",
    "anti_oracle_curve",
    "intervention_order",
    "oracle_curve",
    "qini",
    "random_curve",
]
