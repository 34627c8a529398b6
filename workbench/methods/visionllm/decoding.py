"""From what a decoder says slot by slot to classes, boxes and contours.

arXiv:2305.11175, section 3.3. The score of a detection is our choice: objectness times the
probability of its class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError
from workbench.methods.visionllm.boxes import box_around, sort_corners
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.offsets import decode_offsets
from workbench.methods.visionllm.precision import Detections
from workbench.methods.visionllm.task import SET_KINDS, Task


@dataclass(frozen=True, eq=False)
class Slots:
    """What M tokens say for one picture.

    Args:
        objectness: ``(M,)`` in [0, 1].
        centres: ``(M, 2)``, l, in fractions of the side.
        class_probabilities: ``(M, K)`` over the prompt's entries.
        location_probabilities: ``(M, 2N, 2R+1)`` of x1, y1, …, yN over the location tokens.
    """

    objectness: np.ndarray
    centres: np.ndarray
    class_probabilities: np.ndarray
    location_probabilities: np.ndarray

    @property
    def reach(self) -> int:
        """R of the vocabulary."""
        return self.location_probabilities.shape[-1] // 2


@dataclass(frozen=True, eq=False)
class Answer:
    """The tuples (C, P) of one picture, one for each token, surest first.

    Args:
        candidates: ``(M,)`` which token.
        entries: ``(M,)`` place of the class in the prompt's dictionary.
        scores: ``(M,)`` objectness times probability of the class.
        tokens: ``(M, 2N)`` location tokens, from -R to R.
        points: ``(M, N, 2)`` in fractions of the side, as predicted.
        boxes: ``(M, 4)`` corners put in order, or the box around a contour.
        is_inverted: ``(M,)`` whether the predicted corners were in the wrong order.
    """

    candidates: np.ndarray
    entries: np.ndarray
    scores: np.ndarray
    tokens: np.ndarray
    points: np.ndarray
    boxes: np.ndarray
    is_inverted: np.ndarray

    def above(self, score: float) -> Answer:
        """Those whose score is at least this."""
        kept = self.scores >= score
        return Answer(*(getattr(self, name)[kept] for name in self.__dataclass_fields__))

    def detections(self, labels: np.ndarray) -> Detections:
        """As ``average_precision`` takes them.

        Args:
            labels: ``(K,)`` what each entry of the dictionary counts as.
        """
        return Detections(np.asarray(labels)[self.entries], self.scores, self.boxes)


def decode(slots: Slots, task: Task) -> Answer:
    """The likeliest token of every slot, put together.

    Only location tokens within the task's range are read; the step stays 1/R of the model's own.

    Args:
        slots: of one picture.
        task: what was asked for.

    Raises:
        InputError: the task is answered by text, its range goes beyond the model's, or the slots
            are not those of the task.
    """
    if task.kind not in SET_KINDS:
        raise InputError(f"A {task.kind} is answered by text; it has no boxes.")
    check_reach(task, slots.reach)
    count, width = slots.location_probabilities.shape[:2]
    if width != 2 * task.points or slots.class_probabilities.shape[1] != len(task.entries):
        raise InputError(
            f"{width} location slots and {slots.class_probabilities.shape[1]} classes do not fit "
            f"a task of {task.points} points and {len(task.entries)} classes."
        )
    low = slots.reach - task.reach
    window = slots.location_probabilities[..., low : low + 2 * task.reach + 1]
    tokens = window.argmax(axis=-1) - task.reach
    along = np.tile(slots.centres, task.points)  # x, y, x, y, …
    points = decode_offsets(tokens, along, slots.reach).reshape(count, task.points, 2)
    if task.points == BOX_POINTS:
        boxes = sort_corners(points.reshape(count, 4))
        inverted = np.any(points[:, 1] < points[:, 0], axis=1)
    else:
        boxes = box_around(points)
        inverted = np.zeros(count, dtype=bool)
    entries = slots.class_probabilities.argmax(axis=1)
    scores = slots.objectness * slots.class_probabilities.max(axis=1)
    order = np.argsort(-scores, kind="stable")
    return Answer(
        order,
        entries[order],
        scores[order],
        tokens[order],
        points[order],
        boxes[order],
        inverted[order],
    )


def check_reach(task: Task, reach: int) -> None:
    """Refuse a range that a model has no tokens for.

    Raises:
        InputError: the task's range is larger than R.
    """
    if task.reach > reach:
        raise InputError(
            f"The range goes to <p{task.reach}>; this model's location tokens end at <p{reach}>. "
            f"Give a range within <p-{reach}> to <p{reach}>."
        )
