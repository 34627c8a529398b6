"""Average precision as COCO defines it: 101 recall levels, IoU from 0.50 to 0.95."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.visionllm.boxes import box_overlaps

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's: AP is the mean over them."""
RECALL_LEVELS = np.linspace(0, 1, 101)
MOST_DETECTIONS = 100
"""In one picture and class, the surest first."""


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one picture.

    Args:
        labels: ``(n,)``.
        scores: ``(n,)``.
        boxes: ``(n, 4)``.
    """

    labels: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True, eq=False)
class Objects:
    """What is in one picture.

    Args:
        labels: ``(m,)``.
        boxes: ``(m, 4)``.
    """

    labels: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True, eq=False)
class Precision:
    """Average precision of a test set.

    Args:
        ap: mean over thresholds and classes; NaN when there is no object at all.
        ap50, ap75: at these thresholds.
        by_class: ``(k, t)`` float64, NaN for a class without objects.
        labels: ``(k,)`` the classes.
    """

    ap: float
    ap50: float
    ap75: float
    by_class: np.ndarray
    labels: np.ndarray


def average_precision(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    overlaps: Sequence[np.ndarray] | None = None,
    thresholds: np.ndarray = THRESHOLDS,
) -> Precision:
    """Mean over classes and thresholds of the interpolated precision at 101 recalls.

    Detections of a class go through the pictures surest first; each takes the object it overlaps
    most among those not taken, if by the threshold or more. As ``pycocotools`` with area "all"
    and 100 detections a picture.

    Args:
        found: of each picture.
        truth: of each picture.
        overlaps: ``(n, m)`` of each picture, in place of those of the boxes (for masks).
        thresholds: of the overlap, ascending.

    Returns:
        The averages; over classes that have at least one object.
    """
    if overlaps is None:
        overlaps = [
            box_overlaps(one.boxes, two.boxes) for one, two in zip(found, truth, strict=True)
        ]
    labels = np.unique(
        np.concatenate([np.zeros(0, dtype=np.int64), *(one.labels for one in truth)])
    )
    by_class = np.full((len(labels), len(thresholds)), np.nan)
    for row, label in enumerate(labels):
        scores: list[np.ndarray] = []
        hits: list[np.ndarray] = []
        for one, two, shared in zip(found, truth, overlaps, strict=True):
            mine = np.flatnonzero(one.labels == label)
            mine = mine[np.argsort(-one.scores[mine], kind="stable")][:MOST_DETECTIONS]
            theirs = np.flatnonzero(two.labels == label)
            scores.append(one.scores[mine])
            hits.append(_hits(shared[np.ix_(mine, theirs)], thresholds))
        objects = sum(int((two.labels == label).sum()) for two in truth)
        order = np.argsort(-np.concatenate(scores), kind="stable")
        by_class[row] = _interpolated(np.concatenate(hits, axis=1)[:, order], objects)

    def mean_at(columns: np.ndarray) -> float:
        chosen = by_class[:, columns]
        return float(chosen.mean()) if chosen.size else float("nan")

    return Precision(
        mean_at(np.ones(len(thresholds), dtype=bool)),
        mean_at(np.isclose(thresholds, 0.5)),
        mean_at(np.isclose(thresholds, 0.75)),
        by_class,
        labels,
    )


def _hits(shared: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Whether each detection of one picture, surest first, takes an object: ``(t, n)`` bool."""
    count, objects = shared.shape
    hits = np.zeros((len(thresholds), count), dtype=bool)
    if not objects:
        return hits
    for row, threshold in enumerate(thresholds):
        taken = np.zeros(objects, dtype=bool)
        for number in range(count):
            free = np.where(taken, -1.0, shared[number])
            # Of equal overlaps the last is taken, as COCO's evaluation does.
            best = objects - 1 - int(free[::-1].argmax())
            if free[best] >= min(threshold, 1 - 1e-10):
                taken[best] = hits[row, number] = True
    return hits


def _interpolated(hits: np.ndarray, objects: int) -> np.ndarray:
    """Mean precision over the recall levels of each threshold, ``(t, n)`` → ``(t,)``."""
    right = hits.cumsum(axis=1)
    recall = right / objects
    precision = right / np.arange(1, hits.shape[1] + 1)
    # The best precision at this recall or more.
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    found = np.zeros(len(hits))
    for row in range(len(hits)):
        place = np.searchsorted(recall[row], RECALL_LEVELS, side="left")
        reached = place < hits.shape[1]
        found[row] = envelope[row][place[reached]].sum() / len(RECALL_LEVELS)
    return found
