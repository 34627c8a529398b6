"""What an edit of the instruction changed: boxes that came, went, or got another name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.visionllm.boxes import box_overlaps

SAME: float = 0.5
"""Two boxes that share this much are of one thing."""
_NEARLY = 1e-9


@dataclass(frozen=True)
class Changes:
    """Differences between two answers.

    Args:
        appeared: numbers of boxes of the new answer.
        vanished: numbers of boxes of the old one.
        renamed: pairs of numbers, old and new.
        kept: pairs of numbers, old and new.
    """

    appeared: tuple[int, ...]
    vanished: tuple[int, ...]
    renamed: tuple[tuple[int, int], ...]
    kept: tuple[tuple[int, int], ...]


def compare(
    old_boxes: np.ndarray,
    old_names: Sequence[str],
    new_boxes: np.ndarray,
    new_names: Sequence[str],
) -> Changes:
    """Pair the boxes of two answers, those that share most first.

    Args:
        old_boxes: ``(n, 4)``.
        old_names: of each.
        new_boxes: ``(m, 4)``.
        new_names: of each.
    """
    shared = box_overlaps(old_boxes, new_boxes)
    # The same corners are the same box even without area, and among equals the same name is.
    shared[(old_boxes[:, None] == new_boxes[None]).all(axis=-1)] = 1.0
    shared += _NEARLY * (np.array(old_names)[:, None] == np.array(new_names)[None])
    pairs: list[tuple[int, int]] = []
    while shared.size and shared.max() >= SAME:
        old, new = (int(one) for one in np.unravel_index(int(shared.argmax()), shared.shape))
        pairs.append((old, new))
        shared[old], shared[:, new] = -1.0, -1.0
    pairs.sort(key=lambda pair: pair[1])
    before, after = {old for old, _ in pairs}, {new for _, new in pairs}
    return Changes(
        tuple(new for new in range(len(new_names)) if new not in after),
        tuple(old for old in range(len(old_names)) if old not in before),
        tuple(pair for pair in pairs if old_names[pair[0]] != new_names[pair[1]]),
        tuple(pair for pair in pairs if old_names[pair[0]] == new_names[pair[1]]),
    )
