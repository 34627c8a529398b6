"""How strongly a network announces a thing, and which class it gives it."""

from __future__ import annotations

import numpy as np

from workbench.methods.visionllm.asking import Found
from workbench.methods.visionllm.boxes import overlaps
from workbench.methods.visionllm.scenes import Scenes

OVERLAP = 0.5
SCORE = 0.5
"""A detection counts from this score on."""


def announced(found: Found, instruction: int, scenes: Scenes) -> np.ndarray:
    """Of each thing the largest objectness among tokens whose box overlaps it by half.

    Args:
        found: answers.
        instruction: to which instruction.
        scenes: the n scenes that were asked about.

    Returns:
        ``(m,)``; 0 for a thing that no box is on.
    """
    near = _near(found, instruction, scenes)
    return np.where(near, found.objectness[instruction, scenes.scene_of], 0.0).max(axis=1)


def detected(found: Found, instruction: int, scenes: Scenes, labels: np.ndarray) -> np.ndarray:
    """Of each thing whether a detection counts for it.

    One that the dictionary names needs its own class; for one that it does not name, any will do.

    Args:
        found: answers.
        instruction: to which instruction.
        scenes: the n scenes that were asked about.
        labels: ``(k,)`` class of each entry.

    Returns:
        ``(m,)`` bool.
    """
    near, scene = _near(found, instruction, scenes), scenes.scene_of
    sure = near & (found.scores[instruction, scene] >= SCORE)
    own = labels[found.entries[instruction, scene]] == scenes.labels[:, None]
    return (sure & (own | ~np.isin(scenes.labels, labels)[:, None])).any(axis=1)


def names_given(
    found: Found, instruction: int, scenes: Scenes, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The class that the surest box on each thing is given.

    Args:
        found: answers.
        instruction: to which instruction.
        scenes: the n scenes that were asked about.
        labels: ``(k,)`` class of each entry.

    Returns:
        ``(m,)`` int; ``(m,)`` bool, whether the thing is named and a box is on it.
    """
    near, scene = _near(found, instruction, scenes), scenes.scene_of
    best = np.where(near, found.objectness[instruction, scene], -1.0).argmax(axis=1)
    given = labels[found.entries[instruction, scene, best]].astype(np.int64)
    return given, near.any(axis=1) & np.isin(scenes.labels, labels)


def _near(found: Found, instruction: int, scenes: Scenes) -> np.ndarray:
    """Which of the M boxes of its scene overlap each thing by half, ``(m, M)`` bool."""
    boxes = found.boxes[instruction, scenes.scene_of]
    return overlaps(boxes, scenes.boxes[:, None]) >= OVERLAP
