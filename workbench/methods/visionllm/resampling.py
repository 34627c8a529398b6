"""Intervals over scenes: things of one scene are not independent, so whole scenes are drawn."""

from __future__ import annotations

import functools

import numpy as np

from workbench.methods.intervals import Interval, interval, wilson

REPLICATES = 2_000


@functools.lru_cache(maxsize=8)
def times_drawn(scenes: int) -> np.ndarray:
    """How often each scene is drawn in each replicate: ``(REPLICATES, scenes)``."""
    generator = np.random.default_rng(0)
    return generator.multinomial(scenes, np.full(scenes, 1.0 / scenes), REPLICATES)


def mean_over_scenes(values: np.ndarray, scene_of: np.ndarray, scenes: int) -> Interval:
    """Mean of a number that every thing has, by bootstrap over scenes (Efron 1979).

    Args:
        values: ``(m,)`` of each thing; bool counts as 0 and 1.
        scene_of: ``(m,)`` whose each is.
        scenes: how many there are.

    Returns:
        0 with no width when there is nothing to average. Successes without exception, or none at
        all, leave a bootstrap nothing to vary: then Wilson's interval with the scenes as trials.
    """
    if not len(values):
        return Interval(0.0, 0.0, 0.0)
    sums = np.bincount(scene_of, np.asarray(values, dtype=np.float64), scenes)
    counts = np.bincount(scene_of, minlength=scenes)
    if values.dtype == bool and (values.all() or not values.any()):
        trials = int((counts > 0).sum())
        return wilson(trials if values.all() else 0, trials)
    drawn = times_drawn(scenes)
    totals = drawn @ counts
    with_any = totals > 0
    means = (drawn[with_any] @ sums) / totals[with_any]
    return interval(float(sums.sum() / counts.sum()), means)


def difference_over_scenes(values: np.ndarray, others: np.ndarray) -> Interval:
    """Mean difference of two numbers that every scene has, paired.

    Args:
        values: ``(n,)`` of each scene.
        others: ``(n,)``.
    """
    gaps = np.asarray(values, dtype=np.float64) - np.asarray(others, dtype=np.float64)
    return interval(float(gaps.mean()), times_drawn(len(gaps)) @ gaps / len(gaps))
