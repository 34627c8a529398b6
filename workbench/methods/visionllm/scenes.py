"""Scenes as the model server gives them: pictures, and what is in each and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.methods.visionllm.precision import Objects
from workbench.server.api import ModelClient, Request

SCENES = 500
"""Of the test set."""


@dataclass(frozen=True, eq=False)
class Scenes:
    """Some scenes and their m things, one after another.

    Args:
        pictures: ``(n, s, s, 3)`` uint8.
        scene_of: ``(m,)`` whose each thing is.
        labels: ``(m,)`` its class.
        boxes: ``(m, 4)`` in fractions of the side.
        contours: ``(m, N, 2)`` in fractions of the side.
        names: of the classes.
    """

    pictures: np.ndarray
    scene_of: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    contours: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        """How many scenes."""
        return len(self.pictures)

    def objects(self, scene: int) -> Objects:
        """What is in one scene, as ``average_precision`` takes it."""
        mine = self.scene_of == scene
        return Objects(self.labels[mine], self.boxes[mine])

    def names_in(self, scene: int) -> tuple[str, ...]:
        """What the things of one scene are called."""
        return tuple(self.names[label] for label in self.labels[self.scene_of == scene])

    def labels_of(self, names: Sequence[str]) -> np.ndarray:
        """Class of each name; -1 for what is not in this world."""
        known = {name: label for label, name in enumerate(self.names)}
        return np.array([known.get(name.lower(), -1) for name in names], dtype=np.int64)


def ask_scenes(client: ModelClient, count: int, *, start: int = 0, points: int = 24) -> Scenes:
    """Scenes of the test set, in order.

    Args:
        client: the model server.
        count: how many.
        start: number of the first.
        points: of the contours.
    """
    answer = client.call(
        Request("vision.scenes", arguments={"count": count, "start": start, "points": points})
    )
    names: Any = answer.values["class_names"]
    arrays = (answer.arrays[one] for one in ("images", "scene_of", "labels", "boxes", "contours"))
    return Scenes(*arrays, names=tuple(names))
