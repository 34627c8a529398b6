"""The polynomial of smallest relative error to e^x, by Remez exchange in 60-digit arithmetic.

Slow and certain: it shares nothing with ``minimax`` but the definition, so each checks the other,
and it fits what float64 cannot hold (wide intervals at small tolerances).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import mpmath

Number: TypeAlias = Any
"""An ``mpmath.mpf``; the library has no types."""

DIGITS = 60
ITERATIONS = 60
RATIO_ALLOWED = 1.02
SUBDIVISIONS = 24
"""Cells of the search for extremes between two neighbouring Chebyshev points."""


def fit_minimax_reference(
    bound: float, degree: int, *, ratio: float = RATIO_ALLOWED
) -> tuple[list[Number], Number]:
    """Fit one minimax polynomial to e^x on [-a, a] in the relative error.

    Args:
        bound: a > 0.
        degree: g >= 0.
        ratio: stop when the error's maximum is at most this many times its levelled value.

    Returns:
        The ``g + 1`` coefficients in ``T_k(x / a)`` and the largest relative error.

    Raises:
        ArithmeticError: the exchange did not converge.
    """
    with mpmath.workdps(DIGITS):
        half = mpmath.mpf(bound)
        reference = [-mpmath.cos(mpmath.pi * i / (degree + 1)) for i in range(degree + 2)]
        for _ in range(ITERATIONS):
            coefficients, level = _level(reference, half, degree)
            extremes = _extremes(coefficients, half, degree)
            largest = max(abs(_error(t, coefficients, half)) for t in extremes)
            if largest <= ratio * abs(level):
                return coefficients, largest
            reference = _alternating(extremes, coefficients, half, degree + 2)
        raise ArithmeticError(f"Remez exchange did not settle for a={bound:g}, degree {degree}")


def _level(reference: list[Number], half: Number, degree: int) -> tuple[list[Number], Number]:
    rows = [
        [*(mpmath.chebyt(k, t) * mpmath.exp(-half * t) for k in range(degree + 1)), (-1) ** i]
        for i, t in enumerate(reference)
    ]
    solution = mpmath.lu_solve(mpmath.matrix(rows), mpmath.ones(degree + 2, 1))
    return list(solution[:-1]), solution[degree + 1]


def _error(t: Number, coefficients: list[Number], half: Number) -> Number:
    """``e^{-x} P(x) - 1`` at ``x = a t``, by Clenshaw's recurrence."""
    first = second = mpmath.mpf(0)
    for coefficient in reversed(coefficients[1:]):
        first, second = 2 * t * first - second + coefficient, first
    return (coefficients[0] + t * first - second) * mpmath.exp(-half * t) - 1


def _extremes(coefficients: list[Number], half: Number, degree: int) -> list[Number]:
    """Both ends and every local extreme on a fine grid, refined by a parabola's vertex."""
    cells = SUBDIVISIONS * (degree + 2)
    grid = [-mpmath.cos(mpmath.pi * i / cells) for i in range(cells + 1)]
    errors = [_error(t, coefficients, half) for t in grid]
    found = [grid[0]]
    for i in range(1, cells):
        before, here, after = errors[i - 1 : i + 2]
        if (here - before) * (after - here) <= 0:
            found.append(_refine(grid[i - 1 : i + 2], coefficients, half))
    return [*found, grid[-1]]


def _refine(cell: list[Number], coefficients: list[Number], half: Number) -> Number:
    left, middle, right = cell
    for _ in range(6):
        at = [_error(t, coefficients, half) for t in (left, middle, right)]
        slope_left = (at[1] - at[0]) / (middle - left)
        slope_right = (at[2] - at[1]) / (right - middle)
        if slope_left == slope_right:
            break
        # The derivative is close to linear: zero it between the two chords' midpoints.
        fraction = slope_left / (slope_left - slope_right)
        vertex = (left + middle) / 2 + fraction * (right - left) / 2
        if not left < vertex < right:
            break
        width = min(vertex - left, right - vertex) / 4
        left, middle, right = vertex - width, vertex, vertex + width
    return middle


def _alternating(
    extremes: list[Number],
    coefficients: list[Number],
    half: Number,
    wanted: int,
) -> list[Number]:
    """The largest extreme of each run of equal sign; the weakest ends go if there are too many."""
    chosen: list[tuple[Number, Number]] = []
    for t in extremes:
        error = _error(t, coefficients, half)
        if chosen and (chosen[-1][1] > 0) == (error > 0):
            if abs(error) > abs(chosen[-1][1]):
                chosen[-1] = (t, error)
        else:
            chosen.append((t, error))
    while len(chosen) > wanted:
        chosen.pop(0 if abs(chosen[0][1]) < abs(chosen[-1][1]) else -1)
    return [t for t, _ in chosen]
