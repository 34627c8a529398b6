"""How sure a difference of two shares of successes is."""

from __future__ import annotations

import numpy as np

from workbench.methods.intervals import Interval, interval

REPLICATES = 4_000


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
    return interval(float(gap.mean()), totals / len(gap))
