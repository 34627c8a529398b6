"""What may stand in for one head of a model: the polynomial, and the baselines it must beat.

Each stand-in gives a weight to every pair of a query and a key; the head's output is the average
of the values by these weights, each row over what it may see. What it needs to know of a text
(projection, range of scores) is fixed on that text, so that it also works for the tokens that
follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.methods.attention.approximate import SMALLEST_BOUND
from workbench.methods.attention.causal import causal_mask, exponential_weights
from workbench.methods.attention.polynomial import (
    MAXIMUM_MINIMAX_BOUND,
    exponential_polynomial,
)
from workbench.methods.attention.projection import Projection, fit_projection

StandIn = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``(queries (n, d), keys (m, d), allowed (n, m) bool) -> weights (n, m)``, float64, up to a
factor for each row; 0 where it is not allowed.
"""

BASELINES = ("projected", "mean", "zero")
"""The exact exponential on the projected scores, the mean of the values so far, and nothing."""


@dataclass(frozen=True)
class Calibration:
    """What stand-ins know of a head, from one text.

    Args:
        projection: its scores in few dimensions.
        bound: a, the largest absolute score of an allowed pair after projection.
    """

    projection: Projection
    bound: float


def calibrate(
    queries: np.ndarray, keys: np.ndarray, *, scale: float, dimension: int
) -> Calibration:
    """Fix projection and range of scores on one causal text.

    Args:
        queries: ``(n, d)`` of one head.
        keys: ``(n, d)``.
        scale: the model's scores are ``scale * queries @ keysᵀ``.
        dimension: dimensions to keep.
    """
    projection = fit_projection(queries, keys, scale=scale, dimension=dimension)
    scores = projection.scores(queries, keys)
    largest = float(np.abs(scores[causal_mask(*scores.shape)]).max())
    return Calibration(projection, max(largest, SMALLEST_BOUND))


def can_fit(calibration: Calibration, kind: str) -> bool:
    """Whether this kind of polynomial can be had for the head's range of scores."""
    return kind != "minimax" or calibration.bound <= MAXIMUM_MINIMAX_BOUND


def polynomial_stand_in(calibration: Calibration, *, kind: str, degree: int) -> StandIn:
    """The head with a polynomial in place of e^x.

    It is computed from the scores; through the low-rank factors it is the same
    (``causal.causal_factored_attention``).
    """
    polynomial = exponential_polynomial(calibration.bound, degree=degree, kind=kind)

    def weigh(queries: np.ndarray, keys: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        return np.where(allowed, polynomial(calibration.projection.scores(queries, keys)), 0.0)

    return weigh


def baseline(calibration: Calibration, name: str) -> StandIn:
    """One of ``BASELINES``."""

    def projected(queries: np.ndarray, keys: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        return exponential_weights(calibration.projection.scores(queries, keys), allowed)

    def mean(_queries: np.ndarray, _keys: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        return allowed.astype(np.float64)

    def zero(_queries: np.ndarray, _keys: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        return np.zeros(allowed.shape)

    return {"projected": projected, "mean": mean, "zero": zero}[name]
