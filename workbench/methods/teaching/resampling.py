"""Other questions that could have been asked: the paired bootstrap of budget curves.

Questions are drawn again with replacement, and each resample is ranked anew: a budget of 20 % means
the first 20 % of that resample (Efron 1979, percentile intervals). The same resamples serve every
function, seed and teacher, so that differences are paired.
"""

from __future__ import annotations

import numpy as np

REPLICATES = 2_000


class Resampling:
    """Resamples of n questions.

    Args:
        questions: n.
        replicates: how many resamples.
        seed: of the draws.
    """

    def __init__(self, questions: int, replicates: int = REPLICATES, seed: int = 0) -> None:
        self.questions = questions
        generator = np.random.default_rng(seed)
        self.times = generator.multinomial(
            questions, np.full(questions, 1.0 / questions), replicates
        )
        """``(replicates, n)`` how often each question was drawn."""

    def means(self, values: np.ndarray) -> np.ndarray:
        """``(replicates, …)`` means of ``(n, …)`` numbers over each resample."""
        return self.times @ np.asarray(values, dtype=float) / self.questions

    def curves(
        self, alone: np.ndarray, gains: np.ndarray, order: np.ndarray, counts: np.ndarray
    ) -> np.ndarray:
        """Accuracy in each resample after explaining its first k questions.

        Args:
            alone: ``(n,)`` whether the student is right alone.
            gains: ``(n,)`` Δ, whole numbers.
            order: ``(n,)`` in which the questions are explained.
            counts: ``(m,)`` values of k.

        Returns:
            ``(replicates, m)``.
        """
        n = self.questions
        # a resample keeps the order of the whole, each question as often as it was drawn
        repeated = np.tile(np.asarray(gains)[order].astype(np.int8), len(self.times))
        ranked = np.repeat(repeated, self.times[:, order].ravel()).reshape(len(self.times), n)
        gained = np.cumsum(ranked, axis=1, dtype=np.int32)
        gained = np.concatenate([np.zeros_like(gained[:, :1]), gained], axis=1)[:, counts]
        return self.means(alone)[:, None] + gained / n
