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
from workbench.methods.teaching.misaligned import MISALIGNED
from workbench.methods.teaching.own import OWN
from workbench.methods.teaching.personal import PERSONAL
from workbench.methods.teaching.rounds import TEACHING_ROUNDS
from workbench.methods.teaching.simulation import SIMULATION
from workbench.methods.teaching.theatre import THEATRE

STUDIES = (
    ALLOCATION,
    HAND,
    THEATRE,
    SIMULATION,
    PERSONAL,
    TEACHING_ROUNDS,
    MISALIGNED,
    COST,
    OWN,
)

__all__ = [
    "ALLOCATION",
    "COST",
    "HAND",
    "MISALIGNED",
    "OWN",
    "PERSONAL",
    "SIMULATION",
    "STUDIES",
    "TEACHING_ROUNDS",
    "THEATRE",
    "accuracy_curve",
    "anti_oracle_curve",
    "intervention_order",
    "oracle_curve",
    "qini",
    "random_curve",
]
