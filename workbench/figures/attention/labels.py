"""Names beside the ends of curves, moved apart where curves end close together."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression


def spread_labels(places: np.ndarray, *, gap: float, low: float, high: float) -> np.ndarray:
    """Where to put labels: as near to their places as a gap between neighbours allows.

    Args:
        places: ``(k,)`` where each label would stand alone.
        gap: smallest distance between two labels.
        low: lowest place of a label.
        high: highest place of a label; the gap shrinks where they would not fit.

    Returns:
        ``(k,)`` places in the order of ``places``; the sum of squared moves is smallest.
    """
    wanted = np.clip(np.asarray(places, dtype=np.float64), low, high)
    count = len(wanted)
    gap = min(gap, (high - low) / max(count - 1, 1))
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(count)
    placed = np.clip(isotonic_regression(wanted[order] - steps).x, low, high - gap * (count - 1))
    moved = np.empty(count)
    moved[order] = placed + steps
    return moved
