"""The utility plane: the simulated student's confidence alone against taught, and who is chosen.

Every function that reads only the two simulated confidences divides this plane by a straight line:
confidence alone by an upright one, confidence taught by a level one, and their difference, the
expected utility (arXiv:2306.09299), by one at 45°. The budget moves the line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.methods.teaching.interventions import Known, find, realised_gain, targets
from workbench.methods.teaching.spending import FUNCTIONS, Spending

DIVIDING = ("expected_utility", "deceive", "simulated_before", "simulated_after")
"""Functions whose choice is cut off by a straight line."""
FAR = 3.0
"""Farther than any two probabilities are apart."""


@dataclass(frozen=True)
class Plane:
    """One run of one teacher; f functions, b budgets, n questions.

    Args:
        seed: of the run.
        before: ``(n,)`` ĉ_pre.
        after: ``(n,)`` ĉ_post.
        gains: ``(n,)`` what help really did: 1, 0 or -1.
        is_chosen: ``(f, b, n)``.
        regions: ``(f, b, 4, 2)`` corners of what the line sets apart, far outside the unit square
            on the other sides; the first two lie on the line. Not a number where none does.
    """

    seed: int
    before: np.ndarray
    after: np.ndarray
    gains: np.ndarray
    is_chosen: np.ndarray
    regions: np.ndarray


def lay_out_plane(spending: Spending, *, answer_known: bool = True) -> Plane:
    """The plane of the first run."""
    records = spending.records
    known = Known(records, targets(records, answer_known=answer_known))
    n = len(records.questions)
    places = np.argsort(spending.orders[:, 0], axis=-1)
    return Plane(
        seed=records.seeds[0],
        before=known.before[0],
        after=known.after[0],
        gains=realised_gain(records)[0],
        is_chosen=places[:, None, :] < spending.counts[:, None],
        regions=np.array(
            [
                [
                    _region(name, _threshold(find(name).score(known)[0], k, n))
                    for k in spending.counts
                ]
                for name in FUNCTIONS
            ]
        ),
    )


def _threshold(score: np.ndarray, k: int, n: int) -> float:
    """Between the last score chosen and the first that is not."""
    ranked = np.sort(score)[::-1]
    if k == 0:
        return float(ranked[0]) + 1e-3
    if k == n:
        return float(ranked[-1]) - 1e-3
    return float(ranked[k - 1] + ranked[k]) / 2.0


def _region(name: str, threshold: float) -> np.ndarray:
    """Corners of where ``score >= threshold``, the first two on the line."""
    low, high = -FAR, 1.0 + FAR
    match name:
        case "expected_utility":  # y - x >= θ
            line = [(low, low + threshold), (high, high + threshold)]
            return np.array([*line, (low, high + threshold), (low, high + threshold)])
        case "deceive":  # x - y >= θ
            line = [(low, low - threshold), (high, high - threshold)]
            return np.array([*line, (high, low - threshold), (high, low - threshold)])
        case "simulated_before":  # -x >= θ
            return np.array([(-threshold, low), (-threshold, high), (low, high), (low, low)])
        case "simulated_after":  # y >= θ
            return np.array([(low, threshold), (high, threshold), (high, high), (low, high)])
        case _:
            return np.full((4, 2), np.nan)
