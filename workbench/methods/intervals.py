"""A number with its 95 % interval, and how the methods find and report one."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from workbench.errors import InputError

CONFIDENCE = 0.95
NORMAL_95 = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
"""Half of a 95 % interval in standard errors: 1.96."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def covers_zero(self) -> bool:
        """Whether no effect at all is among the values that the data allow."""
        return self.low <= 0.0 <= self.high

    def put(self, numbers: MutableMapping[str, Any], name: str, digits: int = 0) -> None:
        """Write it into a summary as ``name``, ``name_low`` and ``name_high``.

        Args:
            numbers: the summary.
            name: of the number.
            digits: digits that matter to be kept; 0 keeps every one.
        """
        for suffix, value in (("", self.mean), ("_low", self.low), ("_high", self.high)):
            numbers[name + suffix] = float(f"{value:.{digits}g}") if digits else value


@dataclass(frozen=True, slots=True)
class Spread:
    """Numbers and the ends of their 95 % intervals, arrays of one shape."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def at(self, *index: int) -> Interval:
        """The interval of one entry."""
        return Interval(float(self.mean[index]), float(self.low[index]), float(self.high[index]))


def interval(mean: float, replicates: np.ndarray) -> Interval:
    """A mean with the 95 % interval of its ``(replicates,)`` resampled values."""
    low, high = interval_ends(replicates)
    return Interval(float(mean), float(low), float(high))


def interval_ends(replicates: np.ndarray, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 95 % intervals of resampled values (percentile bootstrap, Efron 1979).

    Args:
        replicates: resampled values, of any shape.
        axis: along which the resamples lie.
    """
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(replicates, [tail, 100.0 - tail], axis=axis)
    return low, high


def wilson(successes: int, count: int) -> Interval:
    """A share with its score interval, which stays honest at 0 and 1 (Wilson 1927).

    Args:
        successes: from 0 to ``count``.
        count: at least 1.

    Raises:
        InputError: the two do not make a share.
    """
    if count < 1 or not 0 <= successes <= count:
        raise InputError(f"{successes} of {count} is not a share; give 0 to n of at least 1.")
    share = successes / count
    low, high = wilson_ends(np.asarray(share), np.asarray(count))
    return Interval(share, float(low), float(high))


def wilson_ends(share: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the score intervals of shares (Wilson 1927, "Probable inference").

    Args:
        share: of any shape, from 0 to 1.
        count: trials behind each share, at least 1.
    """
    z = NORMAL_95
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    return np.maximum(0.0, centre - reach), np.minimum(1.0, centre + reach)
