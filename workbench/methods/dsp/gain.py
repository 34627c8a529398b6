"""What a policy's hints earn beyond random hints of the same articles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.methods.dsp.intervals import Interval, bootstrap
from workbench.methods.dsp.reward_table import RewardTable
from workbench.methods.dsp.training import TrainingSettings


@dataclass(frozen=True)
class RewardGain:
    """Rewards of the policy's likeliest hints beside those of random hints.

    Args:
        gain: mean difference over articles, with its interval.
        same_length: the same against random hints of as many phrases.
        articles: how many.
    """

    gain: Interval
    same_length: Interval
    articles: int

    def named(self, name: str) -> dict[str, float | int]:
        """As named numbers."""
        found: dict[str, float | int] = {f"{name}_articles": self.articles}
        for suffix, one in (("", self.gain), ("_same_length", self.same_length)):
            found |= {
                f"{name}{suffix}": float(f"{one.mean:.6g}"),
                f"{name}{suffix}_low": float(f"{one.low:.6g}"),
                f"{name}{suffix}_high": float(f"{one.high:.6g}"),
            }
        return found


def rewards_of(table: RewardTable, settings: TrainingSettings) -> np.ndarray:
    """``(a, 2^k)`` reward of every hint of every article, without KL."""
    hits = table.hit_counts()
    misses = table.lengths()[None] - hits
    return settings.terminal_coefficient * table.terminal + settings.step_coefficient * (
        hits - settings.penalty * misses
    )


def gain_over_random(
    table: RewardTable, bits: np.ndarray, settings: TrainingSettings
) -> RewardGain:
    """Reward of chosen hints less the mean reward of random ones, paired by article.

    Args:
        table: rewards of every hint.
        bits: ``(a,)`` number of the hint chosen for each article.
        settings: coefficients.

    Returns:
        Against all hints with at least one phrase, and against those of the chosen length; both
        means are exact, no hint is drawn.
    """
    rewards = rewards_of(table, settings)
    rows = np.arange(len(rewards))
    chosen = rewards[rows, bits]
    lengths = table.lengths()
    same = np.array(
        [row[lengths == lengths[b]].mean() for row, b in zip(rewards, bits, strict=True)]
    )
    return RewardGain(
        bootstrap(chosen - rewards[:, 1:].mean(axis=1)).at(),
        bootstrap(chosen - same).at(),
        len(rewards),
    )
