"""Every strength of the correction and every weight of the two models, in one pass.

Scores are ``2 (1 - w) (z - τ log π_p) + 2 w (e - τ log π_s)``: w = ½ and τ = 1 is GLA, τ = 0 the
plain ensemble, w = 0 the zero-shot model and w = 1 the fine-tuned one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.gla.accuracy import REPLICATES, Resampling


@dataclass(frozen=True)
class Mixture:
    """Right guesses at every strength and weight; one fine-tuning a seed.

    Args:
        by_class: ``(t, w, k)`` share of each class's pictures guessed right, over the seeds.
        flows: ``(t, w, 3, 3)`` share of the pictures of a third of the classes (first) that are
            given a class of a third (second) and are wrong.
        replicates: ``(t, w, replicates)`` resampled accuracy, paired with those of other methods.
    """

    by_class: np.ndarray
    flows: np.ndarray
    replicates: np.ndarray


@dataclass(frozen=True)
class Answers:
    """Guesses of one fixed method.

    Args:
        by_class: ``(k,)`` share of each class's pictures guessed right, over the seeds.
        flows: ``(3, 3)`` as in ``Mixture``.
        replicates: ``(replicates,)`` resampled accuracy.
    """

    by_class: np.ndarray
    flows: np.ndarray
    replicates: np.ndarray


@dataclass(frozen=True)
class Judge:
    """Counts guesses, always in the same way.

    Args:
        labels: ``(n,)`` sorted, equally many pictures of each class.
        groups: ``(k,)`` 0 head, 1 middle, 2 tail.
        resampling: of the seeds and pictures that will be counted.
    """

    labels: np.ndarray
    groups: np.ndarray
    resampling: Resampling

    def judge(self, guesses: np.ndarray) -> Answers:
        """Count ``(seeds, n)`` guesses of one method."""
        found = self._count(guesses[None])
        return Answers(found.by_class[0, 0], found.flows[0, 0], found.replicates[0, 0])

    def sweep(
        self,
        zero_shot: np.ndarray,
        fine_tuned: Sequence[np.ndarray],
        log_prior_pretrain: np.ndarray,
        log_prior_downstream: Sequence[np.ndarray],
        positions: tuple[Sequence[float], Sequence[float]],
    ) -> Mixture:
        """Count every strength and weight.

        Args:
            zero_shot: ``(n, k)`` logits.
            fine_tuned: one ``(n, k)`` a seed.
            log_prior_pretrain: ``(k,)``.
            log_prior_downstream: one ``(k,)`` a seed.
            positions: strengths τ and weights w.
        """
        strengths, weights = positions
        guesses = np.empty(
            (len(strengths), len(weights), len(fine_tuned), len(self.labels)), dtype=np.int16
        )
        z = zero_shot.astype(np.float32)
        scores = np.empty_like(z)
        for s, (e, log_s) in enumerate(zip(fine_tuned, log_prior_downstream, strict=True)):
            for j, w in enumerate(weights):
                both = np.float32(2.0 * (1.0 - w)) * z + np.float32(2.0 * w) * e.astype(np.float32)
                shift = 2.0 * (1.0 - w) * log_prior_pretrain + 2.0 * w * log_s
                for i, strength in enumerate(strengths):
                    np.subtract(both, (strength * shift).astype(np.float32), out=scores)
                    guesses[i, j, s] = scores.argmax(axis=1)
        shape = guesses.shape[:2]
        found = self._count(guesses.reshape(-1, *guesses.shape[2:]))
        return Mixture(
            found.by_class.reshape(*shape, -1),
            found.flows.reshape(*shape, 3, 3),
            found.replicates.reshape(*shape, REPLICATES),
        )

    def _count(self, guesses: np.ndarray) -> Mixture:
        """Count ``(m, seeds, n)`` guesses."""
        m, seeds, n = guesses.shape
        k = len(self.groups)
        is_right = guesses == self.labels
        by_class = is_right.reshape(m, seeds, k, n // k).mean(axis=(1, 3))
        truth, guessed = self.groups[self.labels], self.groups[guesses]
        flows = np.empty((m, 3, 3))
        for a in range(3):
            of_group = truth == a
            for b in range(3):
                wrong = (guessed[..., of_group] == b) & ~is_right[..., of_group]
                flows[:, a, b] = wrong.mean(axis=(1, 2))
        replicates = self.resampling.replicates(is_right)
        return Mixture(by_class[:, None], flows[:, None], replicates[:, None])
