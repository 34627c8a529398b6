"""Directional Stimulus Prompting: Li, Peng, He, Galley, Gao, Yan, NeurIPS 2023, arXiv:2302.11520.

A frozen language model is given, beside its input, a short hint that a small policy wrote. The
policy first learns pseudo-labels, then is reinforced by how good the model's output was.
"""

from workbench.methods.dsp.keywords import pseudo_label_keywords
from workbench.methods.dsp.policy_gradient import (
    adaptive_kl,
    generalized_advantages,
    nlpo_mask,
    ppo_loss,
)
from workbench.methods.dsp.rewards import step_rewards, summary_reward
from workbench.methods.dsp.study_bench import BENCH
from workbench.methods.dsp.study_dialogue import DIALOGUE
from workbench.methods.dsp.study_dose import DOSE
from workbench.methods.dsp.study_hacking import HACKING
from workbench.methods.dsp.study_removal import REMOVAL
from workbench.methods.dsp.study_rewards import REWARDS
from workbench.methods.dsp.study_sources import SOURCES_STUDY
from workbench.methods.dsp.study_training import TRAINING
from workbench.methods.dsp.study_triggers import TRIGGER_CHOICE

STUDIES = (
    SOURCES_STUDY,
    BENCH,
    REMOVAL,
    DOSE,
    TRAINING,
    REWARDS,
    HACKING,
    TRIGGER_CHOICE,
    DIALOGUE,
)

__all__ = [
    "BENCH",
    "DIALOGUE",
    "DOSE",
    "HACKING",
    "REMOVAL",
    "REWARDS",
    "SOURCES_STUDY",
    "STUDIES",
    "TRAINING",
    "TRIGGER_CHOICE",
    "adaptive_kl",
    "generalized_advantages",
    "nlpo_mask",
    "ppo_loss",
    "pseudo_label_keywords",
    "step_rewards",
    "summary_reward",
]
