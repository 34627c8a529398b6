"""Which candidate answers for which object: the cheapest one-to-one assignment.

arXiv:2305.11175, section 3.4: as in DETR, predictions are matched to the truth before the
cross-entropy of each slot is taken. The paper does not print the weights; ours are below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

CLASS_WEIGHT, CENTRE_WEIGHT, BOX_WEIGHT, OBJECT_WEIGHT = 0.5, 5.0, 2.0, 2.0


@dataclass(frozen=True, eq=False)
class Candidates:
    """What M tokens predict for one picture.

    Args:
        log_probabilities: ``(M, K)`` of the prompt's entries in the class slot.
        objectness: ``(M,)`` in [0, 1].
        centres: ``(M, 2)``, l.
        boxes: ``(M, 4)``, decoded; for a contour the box around it.
    """

    log_probabilities: np.ndarray
    objectness: np.ndarray
    centres: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True, eq=False)
class Truth:
    """The objects of one picture that the prompt names.

    Args:
        entries: ``(G,)`` place of each in the prompt's dictionary.
        boxes: ``(G, 4)`` in fractions of the side.
    """

    entries: np.ndarray
    boxes: np.ndarray


def matching_cost(candidates: Candidates, truth: Truth) -> np.ndarray:
    """Cost of every pair: 0.5·(−log p_class) + 5·L1(centre) + 2·L1(box) − 2·objectness.

    The L1 distances are sums over coordinates. Our choice, the paper being silent.

    Returns:
        ``(M, G)`` float64.
    """
    centres = (truth.boxes[:, :2] + truth.boxes[:, 2:]) / 2
    between = [
        np.abs(mine[:, None] - theirs[None]).sum(axis=-1)
        for mine, theirs in ((candidates.centres, centres), (candidates.boxes, truth.boxes))
    ]
    return (
        -CLASS_WEIGHT * candidates.log_probabilities[:, truth.entries]
        + CENTRE_WEIGHT * between[0]
        + BOX_WEIGHT * between[1]
        - OBJECT_WEIGHT * candidates.objectness[:, None]
    ).astype(np.float64)


def match(candidates: Candidates, truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """The one-to-one assignment of least total cost (the Hungarian method).

    Args:
        candidates: M of them.
        truth: G objects; when there are more than M, some stay without a candidate.

    Returns:
        ``(min(M, G),)`` int64 numbers of candidates, ascending, and of the objects each answers
        for.
    """
    if not len(truth.entries):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    rows, columns = linear_sum_assignment(matching_cost(candidates, truth))
    return rows.astype(np.int64), columns.astype(np.int64)
