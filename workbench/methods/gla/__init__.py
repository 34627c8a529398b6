"""Generalized Logit Adjustment: Zhu, Tang, Sun and Zhang, NeurIPS 2023, arXiv:2310.08106.

A zero-shot classifier carries the label prior of its pre-training, a fine-tuned one that of its
training set. GLA takes both out of the logits and adds the two models.
"""

from workbench.methods.gla.accuracy import accuracy_by_group
from workbench.methods.gla.adjust import adjust, wise_ft
from workbench.methods.gla.agreement import agreement
from workbench.methods.gla.benefit import BENEFIT
from workbench.methods.gla.bias import BIAS
from workbench.methods.gla.calibration import reliability
from workbench.methods.gla.decision_map import MAP
from workbench.methods.gla.descent_ascent import descend_ascend, official_learning_rate
from workbench.methods.gla.estimate import estimate_log_prior, fit_log_prior
from workbench.methods.gla.names import NAMES
from workbench.methods.gla.own_task import OWN_TASK
from workbench.methods.gla.planted import PLANTED
from workbench.methods.gla.solver import SOLVER
from workbench.methods.gla.stationary import stationary_log_prior
from workbench.methods.gla.surgery import SURGERY
from workbench.methods.gla.temperature import fit_temperature_and_log_prior, matching_temperature
from workbench.methods.gla.world import WORLD

STUDIES = (BENEFIT, BIAS, SURGERY, NAMES, OWN_TASK, PLANTED, WORLD, MAP, SOLVER)

__all__ = [
    "BENEFIT",
    "BIAS",
    "MAP",
    "NAMES",
    "OWN_TASK",
    "PLANTED",
    "SOLVER",
    "STUDIES",
    "SURGERY",
    "WORLD",
    "accuracy_by_group",
    "adjust",
    "agreement",
    "descend_ascend",
    "estimate_log_prior",
    "fit_log_prior",
    "fit_temperature_and_log_prior",
    "matching_temperature",
    "official_learning_rate",
    "reliability",
    "stationary_log_prior",
    "wise_ft",
]
