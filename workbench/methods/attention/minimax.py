"""The polynomial of smallest relative error to e^x, by Remez exchange in float64.

Weighted minimax: among polynomials P of degree g, find the one whose relative error
``E(x) = e^{-x} P(x) - 1`` has the smallest maximum on [-a, a]. At the optimum E takes its largest
value with alternating signs at g + 2 points (Chebyshev). Two facts make this small and quick:

* ``E' = e^{-x} (P' - P)``, so E has at most g critical points, the roots of one polynomial, and
  the next reference is always {-a, those g roots, a}. Nothing has to be searched.
* P is sought as the truncated Chebyshev series plus a correction. The series' tail is known in
  closed form, so the error keeps its relative accuracy even where it is far below 1e-16.

Many intervals are fitted at once: every array has a leading axis over intervals.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev
from scipy.special import iv

TAIL_TERMS = 48
"""Terms of the Chebyshev tail that are kept; beyond them float64 sees nothing for a <= 16."""

ITERATIONS = 40
RATIO_WANTED = 1.0 + 1e-6
RATIO_ALLOWED = 1.02
"""Largest accepted ratio of the error's maximum to its levelled value (1 at the optimum)."""


def fit_minimax(bounds: np.ndarray, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Minimax polynomials of one degree on many intervals.

    Args:
        bounds: ``(m,)`` half-lengths a > 0 of the intervals [-a, a].
        degree: degree g >= 0 of the polynomials.

    Returns:
        Chebyshev coefficients ``(m, g + 1)`` in ``T_k(x / a)``, and ``(m,)`` the largest relative
        error of each; not a number where the exchange did not settle (not seen for
        0.001 <= a <= 16 and degrees up to 64).
    """
    bounds = np.asarray(bounds, dtype=np.float64)
    series = chebyshev_coefficients(bounds, degree + TAIL_TERMS)
    kept, tail = series[:, : degree + 1], series[:, degree + 1 :]
    slope = _derivative_minus_series(series, degree)
    start = np.cos(np.linspace(np.pi, 0.0, degree + 2))
    reference = np.broadcast_to(start, (len(bounds), degree + 2))
    correction, largest = np.zeros_like(kept), np.full(len(bounds), np.inf)
    ratio = np.full(len(bounds), np.inf)
    active = np.arange(len(bounds))
    for _ in range(ITERATIONS):
        found, level = _level(reference, bounds[active], tail[active], degree)
        reference = _critical_points(slope[active], found, bounds[active])
        error = _relative_error(reference, bounds[active], tail[active], found)
        now = np.abs(error).max(axis=1)
        size = np.abs(level)
        now_ratio = np.divide(now, size, out=np.full_like(now, np.inf), where=size > 0.0)
        better = now_ratio < ratio[active]
        improved = active[better]
        ratio[improved], largest[improved] = now_ratio[better], now[better]
        correction[improved] = found[better]
        keep = better & (now_ratio > RATIO_WANTED)
        active, reference = active[keep], reference[keep]
        if not active.size:
            break
    return kept + correction, np.where(ratio <= RATIO_ALLOWED, largest, np.nan)


def chebyshev_coefficients(bounds: np.ndarray, degree: int) -> np.ndarray:
    """Coefficients of e^x in ``T_k(x / a)``: ``I_0(a), 2 I_1(a), 2 I_2(a), …``; ``(m, g + 1)``."""
    coefficients = 2.0 * iv(np.arange(degree + 1)[None, :], np.asarray(bounds)[:, None])
    coefficients[:, 0] /= 2.0
    return coefficients


def _derivative_minus_series(series: np.ndarray, degree: int) -> np.ndarray:
    """Chebyshev coefficients of ``S' - S`` for the series S truncated at ``degree``.

    The full series equals its own derivative; what truncation takes away telescopes to one
    coefficient, by ``2 j I_j(a) = a (I_{j-1}(a) - I_{j+1}(a))``.
    """
    twice_bessel = series.copy()
    twice_bessel[:, 0] *= 2.0
    same_parity = (degree - np.arange(degree + 1)) % 2 == 0
    slope = -np.where(same_parity, twice_bessel[:, [degree]], twice_bessel[:, [degree + 1]])
    slope[:, 0] /= 2.0
    return slope


def _level(
    reference: np.ndarray, bounds: np.ndarray, tail: np.ndarray, degree: int
) -> tuple[np.ndarray, np.ndarray]:
    """The correction that makes the relative error alternate with equal size on the reference."""
    scale = np.exp(-bounds[:, None] * reference)
    basis = chebyshev.chebvander(reference, degree) * scale[..., None]
    signs = np.broadcast_to((-1.0) ** np.arange(degree + 2)[:, None], (*reference.shape, 1))
    wanted = _evaluate_tail(reference, tail, degree) * scale
    solution = np.linalg.solve(np.concatenate([basis, -signs], axis=2), wanted[..., None])[..., 0]
    return solution[:, :-1], solution[:, -1]


def _critical_points(slope: np.ndarray, correction: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Both ends and the roots of ``P' - P``, in ascending order, ``(m, g + 2)`` in [-1, 1]."""
    derivative = np.zeros_like(correction)
    if correction.shape[1] > 1:
        derivative[:, :-1] = chebyshev.chebder(correction, axis=1) / bounds[:, None]
    roots = _chebyshev_roots(slope + derivative - correction)
    ends = np.ones((len(bounds), 1))
    return np.concatenate([-ends, np.clip(np.sort(roots, axis=1), -1.0, 1.0), ends], axis=1)


def _chebyshev_roots(coefficients: np.ndarray) -> np.ndarray:
    """Real parts of the roots of Chebyshev series ``(m, g + 1)``, by colleague matrices."""
    count, degree = coefficients.shape[0], coefficients.shape[1] - 1
    matrix = np.zeros((count, degree, degree))
    if degree == 1:
        matrix[:, 0, 0] = -coefficients[:, 0] / coefficients[:, 1]
    elif degree > 1:
        off_diagonal = np.full(degree - 1, 0.5)
        off_diagonal[0] = np.sqrt(0.5)
        index = np.arange(degree - 1)
        matrix[:, index, index + 1] = off_diagonal
        matrix[:, index + 1, index] = off_diagonal
        weights = np.full(degree, np.sqrt(0.5))
        weights[0] = 1.0
        ratio = coefficients[:, :-1] / coefficients[:, -1:]
        matrix[:, :, -1] -= ratio * weights * np.sqrt(0.5)
    return np.linalg.eigvals(matrix).real


def _evaluate_tail(points: np.ndarray, tail: np.ndarray, degree: int) -> np.ndarray:
    """``e^x`` minus its truncated series, at ``points`` ``(m, p)`` in [-1, 1]."""
    orders = np.arange(degree + 1, degree + 1 + tail.shape[1])
    waves = np.cos(np.arccos(points)[..., None] * orders)
    return np.einsum("mpk,mk->mp", waves, tail)


def _relative_error(
    points: np.ndarray, bounds: np.ndarray, tail: np.ndarray, correction: np.ndarray
) -> np.ndarray:
    degree = correction.shape[1] - 1
    fitted = np.einsum("mpk,mk->mp", chebyshev.chebvander(points, degree), correction)
    return np.exp(-bounds[:, None] * points) * (fitted - _evaluate_tail(points, tail, degree))
