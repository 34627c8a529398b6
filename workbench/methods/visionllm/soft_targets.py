"""Targets of the location slots, and how sharp a slot trained on them can become.

The paper trains on one token (arXiv:2305.11175, section 3.4). On a processor that is slow: our
default is a Gaussian over the neighbouring tokens. Its own entropy is then the least that the
cross-entropy can reach.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

SOFT_WIDTH = 1.5
"""Standard deviation of the soft targets, in location tokens."""


def soft_target(offsets: np.ndarray, reach: int, width: float = SOFT_WIDTH) -> np.ndarray:
    """Probabilities of the 2R + 1 tokens: a Gaussian around the exact offset.

    Args:
        offsets: ``(…)`` in fractions of the side.
        reach: R.
        width: standard deviation in tokens.

    Returns:
        ``(…, 2R + 1)`` float64, summing to 1.
    """
    exact = (np.asarray(offsets, dtype=np.float64) * reach).clip(-reach, reach)
    numbers = np.arange(-reach, reach + 1)
    logits = -0.5 * ((numbers - exact[..., None]) / width) ** 2
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def entropy_nats(probabilities: np.ndarray) -> np.ndarray:
    """Entropy of distributions along the last axis, in nats."""
    plain = np.asarray(probabilities, dtype=np.float64)
    logs = np.log(plain, out=np.zeros_like(plain), where=plain > 0)
    return -(plain * logs).sum(axis=-1)


def count_peaks(probabilities: np.ndarray) -> int:
    """How many separate peaks a distribution has.

    A peak reaches a third of the highest and stands out by half of that.

    Args:
        probabilities: ``(t,)``.
    """
    highest = float(probabilities.max())
    edged = np.pad(np.asarray(probabilities, dtype=np.float64), 1)
    found, _ = find_peaks(edged, height=highest / 3, prominence=highest / 6)
    return len(found)
