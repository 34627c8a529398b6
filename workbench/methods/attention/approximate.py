"""Attention in almost linear time: the exponential replaced by a polynomial, in factored form.

Alman and Song (arXiv:2302.13214), algorithm of section 3: ``T = D̃⁻¹ U1 (U2ᵀ V)`` with
``D̃ = diag(U1 (U2ᵀ 1))``. Departures: exponents are matched, so the rank is smaller than the
paper's; the degree is given, not derived from a tolerance; tokens pass in blocks, so memory is
linear in n and small.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.methods.attention.exact import Matrix, check_matrices
from workbench.methods.attention.low_rank import check_rank, left_factor, rank, right_factor
from workbench.methods.attention.polynomial import ExponentialPolynomial, exponential_polynomial

BLOCK_ENTRIES = 1 << 22
"""Entries of one factor held at a time."""
SMALLEST_BOUND = 1e-3
"""Smaller scores, zero among them, are covered by this interval."""


def polynomial_attention(
    queries: Matrix,
    keys: Matrix,
    values: Matrix,
    *,
    degree: int,
    kind: str,
    bound: float | None = None,
) -> Matrix:
    """Approximate ``exact_attention`` through a low-rank matrix, without any n × n array.

    Args:
        queries: ``(n, d)``, computed in float64.
        keys: ``(m, d)``.
        values: ``(m, d_v)``.
        degree: degree of the polynomial.
        kind: "taylor", "chebyshev" or "minimax".
        bound: largest absolute score ``|Q Kᵀ / d|`` to be prepared for. ``None`` takes
            ``max|Q| max|K|``, the paper's B², which needs no scores.

    Returns:
        ``(n, d_v)`` float64.

    Raises:
        InputError: shapes, entries, bound or degree that are not allowed, or a rank that does
            not fit in memory (refused before anything is allocated).
    """
    q, k, v = check_matrices(queries, keys, values)
    if bound is None:
        bound = max(float(abs(q).max() * abs(k).max()), SMALLEST_BOUND)
    polynomial = exponential_polynomial(bound, degree=degree, kind=kind)
    return factored_attention(q, k, v, polynomial)[0]


def factored_attention(
    queries: Matrix, keys: Matrix, values: Matrix, polynomial: ExponentialPolynomial
) -> tuple[Matrix, Matrix]:
    """``polynomial_attention`` for a given polynomial, with its row sums.

    Returns:
        The output ``(n, d_v)`` and the diagonal of D̃, ``(n,)``. A row sum may be negative when
        the polynomial is; its output then means nothing.
    """
    q, k, v = check_matrices(queries, keys, values)
    # Both sides divided by √a: powers of x / a neither overflow nor vanish.
    coefficients, shrink = polynomial.scaled_power, polynomial.bound**-0.5
    columns = rank(polynomial.degree, q.shape[1])
    rows = max(1, BLOCK_ENTRIES // columns)
    check_rank(polynomial.degree, q.shape[1], rows=2 * min(rows, max(len(q), len(k))))
    moments: Any = 0.0  # U2ᵀ V, (r, d_v)
    sums: Any = 0.0  # U2ᵀ 1, (r,)
    for start in range(0, len(k), rows):
        right = right_factor(k[start : start + rows] * shrink, coefficients)
        moments = moments + right.T @ v[start : start + rows]
        sums = sums + right.sum(axis=0)
    output = (q @ k[:1].T) * v[:1] * 0.0
    row_sums = output[:, 0] * 1.0
    for start in range(0, len(q), rows):
        left = left_factor(q[start : start + rows] * shrink, coefficients)
        row_sums[start : start + rows] = left @ sums
        output[start : start + rows] = (left @ moments) / row_sums[start : start + rows][:, None]
    return output, row_sums


def output_error_bound(relative_error: Any, largest_value: float) -> Any:
    """``2 ε / (1 - ε) max|V|``: the largest possible error of the output; infinite from ε = 1.

    If every entry of Ã is within ``ε A_ij`` of A, every row sum is within ``ε D_ii`` of D, and
    ``T - Att = D̃⁻¹ (Ã - A)(V - Att)`` (arXiv:2302.13214, section 4, with its constant explicit).

    Args:
        relative_error: ε >= 0, a number or an array.
        largest_value: ``max|V|``.
    """
    epsilon = np.asarray(relative_error, dtype=np.float64)
    below = epsilon < 1.0
    room = np.where(below, 1.0 - epsilon, 1.0)
    bound = np.where(below, 2.0 * epsilon / room * largest_value, np.inf)
    return float(bound) if bound.ndim == 0 else bound
