"""How well a score foresees an outcome: rank correlation and area under the ROC curve, resampled.

Both are computed for every resample at once, from how often each question was drawn: a question
drawn twice is two tied ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workbench.methods.intervals import Interval, interval
from workbench.methods.teaching.resampling import Resampling


def weighted_ranks(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """``(r, n)`` mid-ranks of n values of which each counts as often as ``times`` says.

    Args:
        values: ``(n,)``; equal ones share the mean of their ranks.
        times: ``(r, n)`` whole numbers.
    """
    _, group = np.unique(values, return_inverse=True)
    weight = _by_group(times, group)
    middle = weight.cumsum(axis=1) - (weight - 1.0) / 2.0
    return middle[:, group]


def spearman(x: np.ndarray, y: np.ndarray, times: np.ndarray) -> np.ndarray:
    """``(r,)`` Spearman's rank correlation in each resample; 0 where one of the two is constant.

    Args:
        x: ``(n,)``.
        y: ``(n,)``.
        times: ``(r, n)`` how often each pair counts.
    """
    total = times.sum(axis=1, keepdims=True)

    def centred(values: np.ndarray) -> np.ndarray:
        ranks = weighted_ranks(values, times)
        return ranks - (ranks * times).sum(axis=1, keepdims=True) / total

    a, b = centred(x), centred(y)
    together = (a * b * times).sum(axis=1)
    apart = np.sqrt((a * a * times).sum(axis=1) * (b * b * times).sum(axis=1))
    return np.where(apart > 1e-9, together / np.where(apart > 1e-9, apart, 1.0), 0.0)


def area_under_curve(score: np.ndarray, is_positive: np.ndarray, times: np.ndarray) -> np.ndarray:
    """``(r,)`` chance that a positive outranks a negative; a half where there are not both.

    Args:
        score: ``(n,)``; ties count a half.
        is_positive: ``(n,)``.
        times: ``(r, n)`` how often each counts.
    """
    _, group = np.unique(score, return_inverse=True)
    positive = _by_group(times * is_positive, group)
    negative = _by_group(times * ~np.asarray(is_positive, dtype=bool), group)
    below = negative.cumsum(axis=1) - negative / 2.0
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return np.where(
        pairs > 0, (positive * below).sum(axis=1) / np.where(pairs > 0, pairs, 1.0), 0.5
    )


def over_runs(
    measure: Callable[..., np.ndarray], runs: Sequence[tuple[np.ndarray, ...]]
) -> Interval:
    """Mean over runs of a measure of their questions, resampling the questions for all at once.

    Args:
        measure: ``(*arrays, times) -> (r,)``.
        runs: arrays of each run, ``(n,)`` each.
    """
    n = len(runs[0][0])
    once = np.ones((1, n), dtype=np.int64)
    times = Resampling(n).times
    point = np.mean([measure(*run, once)[0] for run in runs])
    return interval(float(point), np.mean([measure(*run, times) for run in runs], axis=0))


def _by_group(weights: np.ndarray, group: np.ndarray) -> np.ndarray:
    """``(r, g)`` sums of ``(r, n)`` weights over members of each of g groups, in their order."""
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    return np.add.reduceat(weights[:, order], starts, axis=1).astype(float)
