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
    hits = collect_hits(found, truth, overlaps, thresholds)
    by_class = interpolate(hits, np.ones((1, len(found))))[0]
    ap, ap50, ap75 = (float(one[0]) for one in mean_precision(by_class[None], thresholds))
    return Precision(ap, ap50, ap75, by_class, hits.labels)


@dataclass(frozen=True, eq=False)
class Hits:
    """What of a test set counts, once matched: nothing here depends on how pictures are weighed.

    Args:
        labels: ``(k,)`` the classes.
        right: of each class, ``(t, n)`` bool, whether a detection takes an object, surest first.
        picture: of each class, ``(n,)`` int64, which picture the detection is of.
        objects: ``(k, pictures)`` objects of each class.
    """

    labels: np.ndarray
    right: tuple[np.ndarray, ...]
    picture: tuple[np.ndarray, ...]
    objects: np.ndarray


def collect_hits(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    overlaps: Sequence[np.ndarray] | None = None,
    thresholds: np.ndarray = THRESHOLDS,
) -> Hits:
    """Match the detections of every class with its objects; see ``average_precision``."""
    if overlaps is None:
        overlaps = [
            box_overlaps(one.boxes, two.boxes) for one, two in zip(found, truth, strict=True)
        ]
    labels = np.unique(
        np.concatenate([np.zeros(0, dtype=np.int64), *(one.labels for one in truth)])
    )
    scores: dict[int, list[np.ndarray]] = {int(label): [] for label in labels}
    hits: dict[int, list[np.ndarray]] = {int(label): [] for label in labels}
    pictures: dict[int, list[int]] = {int(label): [] for label in labels}
    for number, (one, two, shared) in enumerate(zip(found, truth, overlaps, strict=True)):
        surest_first = np.argsort(-one.scores, kind="stable")
        ordered = one.labels[surest_first]
        for label in scores.keys() & set(ordered.tolist()):
            mine = surest_first[ordered == label][:MOST_DETECTIONS]
            theirs = np.flatnonzero(two.labels == label)
            scores[label].append(one.scores[mine])
            hits[label].append(_hits(shared[np.ix_(mine, theirs)], thresholds))
            pictures[label] += [number] * len(mine)
    right: list[np.ndarray] = []
    picture: list[np.ndarray] = []
    for label in labels.tolist():
        order = np.argsort(-np.concatenate([np.zeros(0), *scores[label]]), kind="stable")
        none = np.zeros((len(thresholds), 0), dtype=bool)
        right.append(np.concatenate([none, *hits[label]], axis=1)[:, order])
        picture.append(np.array(pictures[label], dtype=np.int64)[order])
    objects = np.zeros((len(labels), len(truth)), dtype=np.int64)
    for number, two in enumerate(truth):
        np.add.at(objects[:, number], np.searchsorted(labels, two.labels), 1)
    return Hits(labels, tuple(right), tuple(picture), objects)


def mean_precision(
    by_class: np.ndarray, thresholds: np.ndarray = THRESHOLDS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means over classes that have objects: AP, AP50 and AP75, each ``(r,)``; NaN without any.

    Args:
        by_class: ``(r, k, t)``, NaN for a class without objects.
        thresholds: ``(t,)``.
    """

    def mean_at(columns: np.ndarray) -> np.ndarray:
        chosen = by_class[:, :, columns].reshape(len(by_class), -1)
        there = np.isfinite(chosen)
        sums, counts = np.where(there, chosen, 0.0).sum(axis=1), there.sum(axis=1)
        return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)

    return (
        mean_at(np.ones(len(thresholds), dtype=bool)),
        mean_at(np.isclose(thresholds, 0.5)),
        mean_at(np.isclose(thresholds, 0.75)),
    )


def _hits(shared: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Whether each detection of one picture, surest first, takes an object: ``(t, n)`` bool."""
    count, objects = shared.shape
    hits = np.zeros((len(thresholds), count), dtype=bool)
    within = np.minimum(thresholds, 1 - 1e-10)
    if not objects:
        return hits
    if objects == 1:  # the first that overlaps it enough takes it
        enough = shared[:, 0] >= within[:, None]
        rows = np.flatnonzero(enough.any(axis=1))
        hits[rows, enough[rows].argmax(axis=1)] = True
        return hits
    for row, threshold in enumerate(within):
        taken = np.zeros(objects, dtype=bool)
        for number in range(count):
            free = np.where(taken, -1.0, shared[number])
            # Of equal overlaps the last is taken, as COCO's evaluation does.
            best = objects - 1 - int(free[::-1].argmax())
            if free[best] >= threshold:
                taken[best] = hits[row, number] = True
    return hits


def interpolate(hits: Hits, weights: np.ndarray) -> np.ndarray:
    """Mean precision over the recall levels, each picture counted as often as its weight says.

    Args:
        hits: of a test set.
        weights: ``(r, pictures)``, one row for each way of counting.

    Returns:
        ``(r, k, t)`` float64; NaN where a class has no object.
    """
    by_class = np.full((len(weights), len(hits.labels), *_thresholds_of(hits)), np.nan)
    for column, (right, picture) in enumerate(zip(hits.right, hits.picture, strict=True)):
        objects = weights @ hits.objects[column]
        there = objects > 0
        found = _interpolated(right, weights[there][:, picture], objects[there])
        by_class[there, column] = found
    return by_class


def _thresholds_of(hits: Hits) -> tuple[int, ...]:
    return (len(hits.right[0]),) if hits.right else (len(THRESHOLDS),)


def _interpolated(right: np.ndarray, weights: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """``(t, n)`` hits, ``(r, n)`` weights and ``(r,)`` objects → ``(r, t)``."""
    rows, levels, count = len(weights), len(right), right.shape[1]
    if not count:
        return np.zeros((rows, levels))
    taken = (weights[:, None] * right).cumsum(axis=-1)
    seen = weights.cumsum(axis=-1)[:, None]
    recall = taken / objects[:, None, None]
    precision = np.divide(taken, seen, out=np.zeros_like(taken), where=seen > 0)
    # The best precision at this recall or more.
    envelope = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    found = np.zeros((rows, levels))
    for row, level in np.ndindex(rows, levels):
        place = np.searchsorted(recall[row, level], RECALL_LEVELS, side="left")
        reached = place < count
        found[row, level] = envelope[row, level][place[reached]].sum() / len(RECALL_LEVELS)
    return found
