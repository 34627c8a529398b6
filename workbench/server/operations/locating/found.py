"""What one published model says of one picture, in the form that all families share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.visionllm.boxes import box_around, sort_corners
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.precision import MOST_DETECTIONS

LEAST_SCORE = 0.05
"""Detections below are not sent: far under what any family itself counts as one."""


@dataclass(frozen=True, eq=False)
class Found:
    """Of one picture.

    Args:
        points: ``(m, N, 2)`` in fractions of the sides, the corners of a box or a contour.
        scores: ``(m,)``; 1 where the family gives none.
        entries: ``(m,)`` place in the dictionary.
        text: the answer to a text task.
        said: what the model wrote, as it wrote it.
        notes: sentences about what it wrote that is not among these.
    """

    points: np.ndarray
    scores: np.ndarray
    entries: np.ndarray
    text: str = ""
    said: str = ""
    notes: tuple[str, ...] = ()

    @property
    def boxes(self) -> np.ndarray:
        """``(m, 4)`` corners in order, or the box around each contour."""
        if self.points.shape[1] == BOX_POINTS:
            return sort_corners(self.points)
        return box_around(self.points) if len(self.points) else np.zeros((0, 4))


def written(text: str, said: str) -> Found:
    """An answer in words."""
    return Found(np.zeros((0, BOX_POINTS, 2)), np.zeros(0), np.zeros(0, int), text, said)


def drawn(
    points: Sequence[np.ndarray],
    entries: Sequence[int],
    count: int,
    said: str,
    notes: tuple[str, ...] = (),
) -> Found:
    """Places that were written without scores.

    Args:
        points: ``(count, 2)`` each, in fractions of the sides.
        entries: place in the dictionary of each.
        count: N of the format.
        said: what the model wrote.
        notes: about what is left out.
    """
    return Found(
        np.array(points, dtype=np.float64).reshape(-1, count, 2),
        np.ones(len(points)),
        np.array(entries, dtype=np.int64),
        said=said,
        notes=notes,
    )


def detected(boxes: np.ndarray, scores: np.ndarray, entries: np.ndarray) -> Found:
    """The surest boxes of a detector, cut at the picture's edges.

    Args:
        boxes: ``(n, 4)`` left, top, right, bottom in fractions of the sides.
        scores: ``(n,)``.
        entries: ``(n,)``.
    """
    order = np.argsort(-scores, kind="stable")[:MOST_DETECTIONS]
    order = order[scores[order] >= LEAST_SCORE]
    inside = boxes[order].astype(np.float64).clip(0, 1)
    return Found(inside.reshape(-1, BOX_POINTS, 2), scores[order], entries[order].astype(np.int64))
