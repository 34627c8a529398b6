"""A contour of N points around a mask: by angle from a centre, or evenly along the edge."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_STEPS_PER_PX = 4


def radial_contour(mask: np.ndarray, points: int) -> np.ndarray:
    """The farthest point of a mask in each of N directions from the centre of its box.

    Directions are 2πk/N, from the right and turning downwards. A shape that is not star-shaped
    around its centre loses its bays: the ceiling of this representation is below 1.

    Args:
        mask: ``(h, w)`` bool, not empty.
        points: N.

    Returns:
        ``(N, 2)`` float64, x and y in pixels; the centre itself where a direction meets nothing.
    """
    height, width = mask.shape
    columns, rows = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
    centre = np.array([columns[0] + columns[-1] + 1, rows[0] + rows[-1] + 1]) / 2
    angles = 2 * np.pi * np.arange(points) / points
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    reach = np.hypot(height, width)
    radii = np.arange(1, int(reach * _STEPS_PER_PX) + 1) / _STEPS_PER_PX
    x, y = np.moveaxis(centre + radii[:, None, None] * directions, -1, 0)
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    hit = np.zeros(inside.shape, dtype=bool)
    hit[inside] = mask[row[inside], column[inside]]
    farthest = (hit * radii[:, None]).max(axis=0)
    return centre + farthest[:, None] * directions


def edge_contour(mask: np.ndarray, points: int) -> np.ndarray:
    """N points evenly spaced along the outer edge of a mask's largest part.

    The walk starts at the top of its leftmost column and keeps the mask on its right.

    Args:
        mask: ``(h, w)`` bool, not empty.
        points: N.

    Returns:
        ``(N, 2)`` float64, x and y in pixels.
    """
    corners = outer_edge(mask)
    closed = np.vstack([corners, corners[:1]])
    length = np.r_[0, np.cumsum(np.abs(np.diff(closed, axis=0)).sum(axis=1))]
    wanted = np.arange(points) * length[-1] / points
    return np.stack([np.interp(wanted, length, closed[:, axis]) for axis in (0, 1)], axis=1)


def outer_edge(mask: np.ndarray) -> np.ndarray:
    """Corners of the pixels along the outer edge of a mask's largest part, in order.

    Returns:
        ``(m, 2)`` float64, each one pixel from the one before.
    """
    parts = np.zeros(mask.shape, dtype=np.int32)
    ndimage.label(mask, output=parts)  # pixels that touch at a side belong together
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    filled = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), dtype=bool)
    ndimage.binary_fill_holes(np.pad(parts == sizes.argmax(), 1), output=filled)
    column = int(np.flatnonzero(filled.any(axis=0))[0])
    row = int(np.flatnonzero(filled[:, column])[0])
    start = position = (column, row)
    heading = (0, -1)
    walked: list[tuple[int, int]] = []
    while True:
        heading = _next_heading(filled, position, heading)
        walked.append(position)
        position = (position[0] + heading[0], position[1] + heading[1])
        if position == start:
            return np.array(walked, dtype=np.float64) - 1


def _next_heading(
    filled: np.ndarray, position: tuple[int, int], heading: tuple[int, int]
) -> tuple[int, int]:
    """The next step along an edge, with the mask to its right; sharpest turn to the right first.

    Turning right first keeps to pixels that touch at a side: two that touch at a corner are not
    joined.
    """
    dx, dy = heading
    for way in ((-dy, dx), (dx, dy), (dy, -dx)):
        right, left = _beside(filled, position, way)
        if right and not left:
            return way
    raise AssertionError("an edge ends nowhere")


def _beside(
    filled: np.ndarray, position: tuple[int, int], way: tuple[int, int]
) -> tuple[bool, bool]:
    """Whether the pixels right and left of a step from a corner belong to the mask."""
    x, y = position
    dx, dy = way
    # The two pixels that share the edge from (x, y) to (x + dx, y + dy).
    if dx:
        column = x if dx > 0 else x - 1
        below, above = bool(filled[y, column]), bool(filled[y - 1, column])
        return (below, above) if dx > 0 else (above, below)
    row = y if dy > 0 else y - 1
    left_of, right_of = bool(filled[row, x - 1]), bool(filled[row, x])
    return (left_of, right_of) if dy > 0 else (right_of, left_of)
