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
    """

    bounds_b: np.ndarray
    degrees: np.ndarray
    max_abs_error: np.ndarray
    relative_error: np.ndarray
    certified_bound: np.ndarray
    minimum_row_sum: np.ndarray
    negative_rows: np.ndarray
    mean_of_values_error: np.ndarray


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
    coefficients, epsilon = chebyshev_grid(b, g)
    flat = coefficients.reshape(-1, coefficients.shape[-1])  # (k g b, orders)
    extended = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    mean = values.mean(axis=0)
    error = np.zeros(len(flat))
    smallest, negative = np.full(len(flat), np.inf), np.zeros(len(flat), dtype=np.int64)
    mean_error = np.zeros(len(b))
    for start in range(0, len(queries), BLOCK_ROWS):
        scores = queries[start : start + BLOCK_ROWS] @ keys.T / queries.shape[1]
        exact = np.stack([weighted_mean(np.exp(one * one * scores), extended) for one in b])
        mean_error = np.maximum(mean_error, np.abs(exact - mean).max(axis=(1, 2)))
        moments = chebyshev_moments(scores, extended, flat.shape[1])
        sums = np.tensordot(flat, moments, axes=1)  # (k g b, rows, d_v + 1)
        row_sums = sums[..., -1]
        sums[..., :-1] /= row_sums[..., None]
        difference = sums[..., :-1].reshape(-1, len(b), *exact.shape[1:]) - exact
        error = np.maximum(error, np.abs(difference).max(axis=(2, 3)).reshape(-1))
        smallest = np.minimum(smallest, row_sums.min(axis=1))
        negative += (row_sums <= 0.0).sum(axis=1)
    return Grid(
        bounds_b=b,
        degrees=g,
        max_abs_error=error.reshape(shape),
        relative_error=epsilon,
        certified_bound=output_error_bound(epsilon, float(np.abs(values).max())),
        minimum_row_sum=smallest.reshape(shape),
        negative_rows=negative.reshape(shape),
        mean_of_values_error=mean_error,
    )


def chebyshev_grid(b: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Polynomials of every kind, degree and B.

    Args:
        b: ``(b,)`` the values of B.
        g: ``(g,)`` the degrees.

    Returns:
        Coefficients in ``T_j(score / B²)``, ``(k, g, b, largest degree + 1)``, zero beyond each
        degree, and certified relative errors ``(k, g, b)``.
    """
    scores = tuple((b * b).tolist())
    coefficients = np.zeros((len(KINDS), len(g), len(b), int(g.max()) + 1))
    errors = np.zeros(coefficients.shape[:3])
    for i, kind in enumerate(KINDS):
        for j, degree in enumerate(g.tolist()):
            coefficients[i, j, :, : degree + 1], errors[i, j] = fit_grid(scores, degree, kind)
    return coefficients, errors


def chebyshev_moments(scores: np.ndarray, extended: np.ndarray, count: int) -> np.ndarray:
    """``T_j(scores) @ extended`` for j below ``count``, ``(count, n, columns)``.

    Args:
        scores: ``(n, m)`` in [-1, 1].
        extended: ``(m, columns)``.
        count: how many Chebyshev polynomials.
    """
    before, now = np.ones_like(scores), scores
    moments = [before @ extended, now @ extended]
    for _ in range(2, count):
        before, now = now, 2.0 * scores * now - before
        moments.append(now @ extended)
    return np.stack(moments[:count])


def weighted_mean(weights: np.ndarray, extended: np.ndarray) -> np.ndarray:
    """Values averaged with unnormalised weights ``(n, m)``; ``extended`` is ``[V | 1]``."""
    sums = weights @ extended
    return sums[:, :-1] / sums[:, -1:]
