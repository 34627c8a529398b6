"""How sure a share of successes, or a difference of two, is."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.95
REPLICATES = 4_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0.0 or self.high < 0.0


def wilson(successes: int, count: int) -> Interval:
    """A share with Wilson's score interval (Wilson 1927), which stays honest at 0 and 1.

    Args:
        successes: from 0 to ``count``.
        count: at least 1.
    """
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share = successes / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = (
        z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    )
    return Interval(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def paired_difference(first: np.ndarray, second: np.ndarray, groups: np.ndarray) -> Interval:
    """Difference of two shares on the same scenes, by bootstrap over the scenes of each task.

    Args:
        first: ``(e,)`` bool, success of one method.
        second: ``(e,)`` bool, success of the other on the same scenes.
        groups: ``(e,)`` int, the task of each scene; every draw keeps the tasks' sizes.
    """
    gap = first.astype(float) - second.astype(float)
    rng = np.random.default_rng(0)
    totals = np.zeros(REPLICATES)
    for group in np.unique(groups):
        own = gap[groups == group]
        totals += own[rng.integers(0, len(own), (REPLICATES, len(own)))].sum(axis=1)
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(totals / len(gap), [tail, 100.0 - tail])
    return Interval(float(gap.mean()), float(low), float(high))
