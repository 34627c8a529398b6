"""What one hint was paid, part by part, and what other coefficients would have paid it.

The reward of arXiv:2302.11520 is a sum: +1 or a penalty for each phrase, the language model's
ROUGE at the end, less beta times the KL to the supervised policy at every action. The parts are
stored before their coefficients, so other coefficients need no new measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.dsp.records import Rollout, TrainingCurve
from workbench.params import Range

TERMINAL = Range(
    0.0,
    10.0,
    1.0,
    "Weight of the summary's ROUGE",
    live=True,
    help="10 in the paper's runs on 1,000 and 2,000 articles, 1 in that on 4,000.",
)
STEP = Range(0.0, 2.0, 0.5, "Weight of the phrases", live=True, help="1 in the paper.")
PENALTY = Range(
    0.0,
    1.0,
    0.2,
    "Penalty of a miss",
    live=True,
    help="0.2 in the paper: a phrase that the reference lacks, or that repeats an earlier one.",
)
BETA = Range(
    0.0,
    0.05,
    0.005,
    "Weight β of the KL",
    live=True,
    help="It starts at 0.005 in the paper and then adapts.",
)


@dataclass(frozen=True)
class Anatomy:
    """Rewards of one rollout at each point of a training, in parts without coefficients.

    Axes: i points of training, t actions. Action t is phrase t; the action after the last phrase
    is stopping; further ones do not exist and hold zeros.

    Args:
        rollouts: i of them.
        is_hit, is_miss: ``(i, t)`` whether the phrase was rewarded, or penalised.
        kl: ``(i, t)`` in nats, of one sample: it may be negative.
        terminal: ``(i,)`` mean ROUGE of the summary, in [0, 1].
        references: reference of each rollout's article, for the eye; empty if unknown.
    """

    rollouts: tuple[Rollout, ...]
    is_hit: np.ndarray
    is_miss: np.ndarray
    kl: np.ndarray
    terminal: np.ndarray
    references: tuple[str, ...] = ()

    @property
    def actions(self) -> int:
        """Most actions of a rollout, stopping included."""
        return self.kl.shape[1]

    def total(self, terminal: float, step: float, penalty: float, beta: float) -> np.ndarray:
        """``(i,)`` reward of each rollout under the given coefficients: the sum of its parts."""
        steps = self.is_hit.sum(axis=1) - penalty * self.is_miss.sum(axis=1)
        return terminal * self.terminal + step * steps - beta * self.kl.sum(axis=1)

    def totals(
        self,
        terminals: Sequence[float],
        steps: Sequence[float],
        penalties: Sequence[float],
        betas: Sequence[float],
    ) -> np.ndarray:
        """``(i, terminals, steps, penalties, betas)`` rewards under every combination."""
        a, b, c, d = np.ix_(terminals, steps, penalties, betas)
        lifted = [x[:, None, None, None, None] for x in self._sums()]
        hits, misses, kl, rouge = lifted
        return a[None] * rouge + b[None] * (hits - c[None] * misses) - d[None] * kl

    def _sums(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        return (
            self.is_hit.sum(axis=1),
            self.is_miss.sum(axis=1),
            self.kl.sum(axis=1),
            self.terminal,
        )


def dissect(curve: TrainingCurve, references: Sequence[str] = ()) -> Anatomy:
    """The parts of the stored rollouts of a training, padded to equal length.

    Args:
        curve: with one rollout at each point.
        references: reference of each rollout's article, if they are to be shown.
    """
    rollouts = curve.rollouts
    longest = max(len(rollout.kl) for rollout in rollouts)
    steps, kl = np.zeros((2, len(rollouts), longest))
    for i, rollout in enumerate(rollouts):
        steps[i, : len(rollout.step_rewards)] = rollout.step_rewards
        kl[i, : len(rollout.kl)] = rollout.kl
    return Anatomy(
        rollouts=rollouts,
        is_hit=steps > 0,
        is_miss=steps < 0,
        kl=kl,
        terminal=np.array([rollout.terminal for rollout in rollouts]),
        references=tuple(references),
    )
