"""SayCan, the comparison: score every whole skill, value it, and take the best.

Ahn et al. 2022 (arXiv:2204.01691), as Huang et al. 2023 (arXiv:2303.00855, section 4) compare with
it: the most probable skill under p_LLM(skill | l) · V(skill, s), over a closed list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.methods.grounded.cost import every_skill_tokens, shared_tokens
from workbench.methods.grounded.scores import LanguageScores


@dataclass(frozen=True, eq=False)
class SayCan:
    """The skill that SayCan chooses.

    Args:
        skill: its number.
        log_scores: ``(m,)`` log p_LLM + strength · log V of every skill.
        tokens_scored: tokens read when each skill is scored on its own.
        tokens_scored_shared: contexts read when what skills begin with is read once.
    """

    skill: int
    log_scores: np.ndarray
    tokens_scored: int
    tokens_scored_shared: int


def saycan(scores: LanguageScores, affordances: np.ndarray, *, strength: float = 1.0) -> SayCan:
    """Choose the skill with the largest product of probability and value.

    Where nothing has a value above 0, the language model decides alone.

    Args:
        scores: of the language model over m skills.
        affordances: ``(m,)`` value of each skill in [0, 1].
        strength: exponent of the value; 1 is SayCan.
    """
    language = scores.log_skill
    with np.errstate(divide="ignore"):
        value = np.log(np.asarray(affordances, dtype=np.float64))
    total = language + (strength * value if strength else 0.0)
    return SayCan(
        skill=int(np.lexsort((-language, -total))[0]),
        log_scores=total,
        tokens_scored=every_skill_tokens(scores.trie),
        tokens_scored_shared=shared_tokens(scores.trie),
    )
