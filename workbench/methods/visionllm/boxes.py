"""Boxes and polygons: how much of two of them is shared."""

from __future__ import annotations

import numpy as np


def box_overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of every pair.

    Args:
        boxes: ``(n, 4)`` left, top, right, bottom; an inverted box has no area.
        others: ``(m, 4)``.

    Returns:
        ``(n, m)`` float64 in [0, 1]; 0 where both are without area.
    """
    first, second = (np.asarray(one, dtype=np.float64).reshape(-1, 4) for one in (boxes, others))
    return overlaps(first[:, None], second[None])


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes one by one, ``(…, 4)`` and ``(…, 4)`` broadcast.

    Returns:
        ``(…)`` float64 in [0, 1]; 0 where both are without area.
    """
    first, second = (np.asarray(one, dtype=np.float64) for one in (boxes, others))
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    # two products by hand: a reduction over an axis of two takes ten times as long
    shared = _area(low, high)
    union = _area(first[..., :2], first[..., 2:]) + _area(second[..., :2], second[..., 2:]) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _area(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    sides = (high - low).clip(min=0)
    return sides[..., 0] * sides[..., 1]


def sort_corners(boxes: np.ndarray) -> np.ndarray:
    """Boxes with left below right and top below bottom, ``(n, 4)``.

    Slots are predicted independently of each other, so now and then x1 lies right of x2.
    """
    pairs = np.asarray(boxes).reshape(-1, 2, 2)
    return np.concatenate([pairs.min(axis=1), pairs.max(axis=1)], axis=1)


def box_around(points: np.ndarray) -> np.ndarray:
    """The box around points, ``(…, N, 2)`` → ``(…, 4)``."""
    return np.concatenate([points.min(axis=-2), points.max(axis=-2)], axis=-1)


def box_corners(boxes: np.ndarray) -> np.ndarray:
    """The four corners of boxes one after another, as polygons: ``(n, 4)`` → ``(n, 4, 2)``."""
    left, top, right, bottom = np.asarray(boxes, dtype=np.float64).reshape(-1, 4).T
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return np.stack([np.stack(one, axis=-1) for one in corners], axis=1)


def polygon_mask(points: np.ndarray, side_px: int) -> np.ndarray:
    """Pixels whose centres lie inside a polygon, by the even-odd rule.

    Args:
        points: ``(N, 2)`` x and y in fractions of the side.
        side_px: side of the mask.

    Returns:
        ``(side, side)`` bool.
    """
    centres = (np.arange(side_px) + 0.5) / side_px
    x1, y1 = np.asarray(points, dtype=np.float64).T
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    # A line to the right of a pixel's centre crosses the edges that pass its height.
    row = centres[:, None]
    crosses = (y1 > row) != (y2 > row)  # (side, N)
    slope = np.divide(x2 - x1, y2 - y1, out=np.zeros_like(x1), where=y2 != y1)
    at = x1 + (row - y1) * slope
    right = crosses[:, None, :] & (at[:, None, :] > centres[None, :, None])
    return right.sum(axis=-1) % 2 == 1


def mask_overlap(mask: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two masks; 0 where both are empty."""
    union = int((mask | other).sum())
    return float((mask & other).sum() / union) if union else 0.0
