"""The error of every polynomial at every position of the sliders, in one pass over the scores.

Queries and keys are scaled by B, so the scores are B² times those of B = 1, and the argument of
every Chebyshev polynomial, score / B², is the same for all B. The products ``T_k(S) [V | 1]`` are
therefore computed once; each (kind, degree, B) is a weighted sum of them. A test compares the
result with the factored path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.attention.approximate import output_error_bound
from workbench.methods.attention.polynomial import KINDS, fit_grid

BLOCK_ROWS = 128
WINDOW = 12
"""Tokens whose attention weights are kept for every position."""


@dataclass(frozen=True)
class Grid:
    """Numbers of every position; axes are (kind k, degree g, B b) in the order of the sliders.

    Args:
        bounds_b: ``(b,)`` the values of B.
        degrees: ``(g,)`` the degrees.
        max_abs_error: ``(k, g, b)`` ``max_ij |T - Att|`` over all rows.
        relative_error: ``(k, g, b)`` certified relative error ε of the polynomial on [-B², B²].
        certified_bound: ``(k, g, b)`` ``2 ε / (1 - ε) max|V|``, infinite where ε >= 1.
        minimum_row_sum: ``(k, g, b)`` the smallest entry of D̃.
        negative_rows: ``(k, g, b)`` rows whose row sum is not positive.
        mean_of_values_error: ``(b,)`` error of answering every query with the mean of V.
        exact_window: ``(b, w, w)`` attention weights of the first tokens, over all keys.
        approximate_window: ``(k, g, b, w, w)`` the same of the approximation.
    """

    bounds_b: np.ndarray
    degrees: np.ndarray
    max_abs_error: np.ndarray
    relative_error: np.ndarray
    certified_bound: np.ndarray
    minimum_row_sum: np.ndarray
    negative_rows: np.ndarray
    mean_of_values_error: np.ndarray
    exact_window: np.ndarray
    approximate_window: np.ndarray


def sweep_grid(
    queries: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    bounds_b: Sequence[float],
    degrees: Sequence[int],
) -> Grid:
    """Sweep kinds, degrees and B over one set of matrices.

    Args:
        queries: ``(n, d)`` float64 with entries in [-1, 1].
        keys: ``(m, d)``, likewise.
        values: ``(m, d_v)``.
        bounds_b: the values of B, each above 0.
        degrees: the degrees, in ascending order.
    """
    b, g = np.asarray(bounds_b, dtype=np.float64), np.asarray(degrees)
    shape = (len(KINDS), len(g), len(b))
    coefficients, epsilon = _coefficients(b, g)
    flat = coefficients.reshape(-1, coefficients.shape[-1])  # (k g b, orders)
    extended = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    mean = values.mean(axis=0)
    error = np.zeros(len(flat))
    smallest, negative = np.full(len(flat), np.inf), np.zeros(len(flat), dtype=np.int64)
    mean_error = np.zeros(len(b))
    window: tuple[np.ndarray, np.ndarray] | None = None
    for start in range(0, len(queries), BLOCK_ROWS):
        scores = queries[start : start + BLOCK_ROWS] @ keys.T / queries.shape[1]
        exact = np.stack([_weighted_mean(np.exp(one * one * scores), extended) for one in b])
        mean_error = np.maximum(mean_error, np.abs(exact - mean).max(axis=(1, 2)))
        moments = _chebyshev_moments(scores, extended, flat.shape[1])
        sums = np.tensordot(flat, moments, axes=1)  # (k g b, rows, d_v + 1)
        row_sums = sums[..., -1]
        sums[..., :-1] /= row_sums[..., None]
        difference = sums[..., :-1].reshape(-1, len(b), *exact.shape[1:]) - exact
        error = np.maximum(error, np.abs(difference).max(axis=(2, 3)).reshape(-1))
        smallest = np.minimum(smallest, row_sums.min(axis=1))
        negative += (row_sums <= 0.0).sum(axis=1)
        if window is None:
            window = _windows(scores, b, flat, row_sums)
    if window is None:
        raise ValueError("no queries")
    return Grid(
        bounds_b=b,
        degrees=g,
        max_abs_error=error.reshape(shape),
        relative_error=epsilon,
        certified_bound=output_error_bound(epsilon, float(np.abs(values).max())),
        minimum_row_sum=smallest.reshape(shape),
        negative_rows=negative.reshape(shape),
        mean_of_values_error=mean_error,
        exact_window=window[0],
        approximate_window=window[1].reshape(*shape, *window[1].shape[1:]),
    )


def _coefficients(b: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chebyshev coefficients ``(k, g, b, largest degree + 1)``, and errors ``(k, g, b)``."""
    scores = tuple((b * b).tolist())
    coefficients = np.zeros((len(KINDS), len(g), len(b), int(g.max()) + 1))
    errors = np.zeros(coefficients.shape[:3])
    for i, kind in enumerate(KINDS):
        for j, degree in enumerate(g.tolist()):
            coefficients[i, j, :, : degree + 1], errors[i, j] = fit_grid(scores, degree, kind)
    return coefficients, errors


def _chebyshev_moments(scores: np.ndarray, extended: np.ndarray, count: int) -> np.ndarray:
    """``T_k(scores) @ extended`` for k below ``count``, by the three-term recurrence."""
    before, now = np.ones_like(scores), scores
    moments = [before @ extended, now @ extended]
    for _ in range(2, count):
        before, now = now, 2.0 * scores * now - before
        moments.append(now @ extended)
    return np.stack(moments[:count])


def _weighted_mean(weights: np.ndarray, extended: np.ndarray) -> np.ndarray:
    sums = weights @ extended
    return sums[:, :-1] / sums[:, -1:]


def _windows(
    scores: np.ndarray, b: np.ndarray, flat: np.ndarray, row_sums: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Attention weights of the first tokens, ``(b, w, w)`` exact and ``(k g b, w, w)`` not."""
    size = min(WINDOW, *scores.shape)
    weights = np.exp((b * b)[:, None, None] * scores[:size])
    exact = weights[:, :, :size] / weights.sum(axis=2, keepdims=True)
    corner = scores[:size, :size]
    orders = np.cos(np.arccos(np.clip(corner, -1.0, 1.0)) * np.arange(flat.shape[1])[:, None, None])
    approximate = np.tensordot(flat, orders, axes=1) / row_sums[:, :size, None]
    return exact, approximate
