"""The attention matrix of a polynomial as a product of two thin matrices.

``P(⟨u, v⟩) = Σ_j c_j ⟨u, v⟩^j`` and ``⟨u, v⟩^j = Σ_{|α|=j} (j! / α!) u^α v^α``, so with one column
for each monomial α of degree at most g, ``P(Q Kᵀ / d) = U1 U2ᵀ``. Matching the exponents of both
sides needs ``C(g + d, g)`` columns; the paper (arXiv:2302.13214, section 3) counts monomials in 2d
variables of degree 2g, ``C(2 (g + d), 2 g)``, which is enough for its theorem.

Arrays may be NumPy arrays or torch tensors: only indexing and arithmetic are used.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb
from typing import Any

import numpy as np

from workbench.errors import InputError
from workbench.methods.attention.exact import Matrix

MAXIMUM_BYTES = 2 << 30
"""The two factor matrices together may not be larger."""
MAXIMUM_RANK = 1 << 20
"""More columns than this are never enumerated."""


def rank(degree: int, dimension: int) -> int:
    """Columns of the factors with matched exponents, ``C(g + d, g)``."""
    return comb(degree + dimension, degree)


def paper_rank_bound(degree: int, dimension: int) -> int:
    """The paper's bound of the columns, ``C(2 (g + d), 2 g)`` (Alman and Song 2023, section 3)."""
    return comb(2 * (degree + dimension), 2 * degree)


def low_rank_factors(
    queries: Matrix, keys: Matrix, coefficients: np.ndarray
) -> tuple[Matrix, Matrix]:
    """Factors U1, U2 with ``U1 U2ᵀ = P(Q Kᵀ / d)``, never forming a matrix of n × m.

    Args:
        queries: ``(n, d)``; computed in its own precision, so pass float64.
        keys: ``(m, d)``.
        coefficients: ``(g + 1,)`` of ``1, x, x², …``, as ``ExponentialPolynomial.power`` gives.

    Returns:
        ``(n, r)`` and ``(m, r)`` with ``r = rank(g, d)``. The weight of each monomial is split
        evenly between both sides, its sign on the first.

    Raises:
        InputError: the factors would not fit in memory; nothing has been allocated.
    """
    rows = queries.shape[0] + keys.shape[0]
    check_rank(len(coefficients) - 1, queries.shape[1], rows=rows)
    return left_factor(queries, coefficients), right_factor(keys, coefficients)


def left_factor(queries: Matrix, coefficients: np.ndarray) -> Matrix:
    """U1 of ``low_rank_factors``: features of the queries with the signs of the coefficients."""
    features = right_factor(queries, coefficients)
    return features * _like(np.sign(_weights(coefficients, queries.shape[1])), features)


def right_factor(keys: Matrix, coefficients: np.ndarray) -> Matrix:
    """U2 of ``low_rank_factors``: features of ``k / √d``."""
    return polynomial_features(keys * keys.shape[1] ** -0.5, coefficients)


def polynomial_features(x: Matrix, coefficients: np.ndarray) -> Matrix:
    """Every monomial of the coordinates up to degree g, weighted by ``√(|c_j| j! / α!)``.

    The inner product of two rows is ``Σ_j |c_j| ⟨u, v⟩^j``; for Taylor's coefficients the weight
    is ``1 / √α!``. Each degree's block is built from the one before by one multiplication an
    entry: monomials whose last variable is i are i times those that end at i or earlier.

    Args:
        x: ``(n, d)`` rows u.
        coefficients: ``(g + 1,)`` of ``1, x, x², …``.

    Returns:
        ``(n, r)``, degrees in ascending order (a transposed view: each monomial is contiguous).

    Raises:
        InputError: the features would not fit in memory; nothing has been allocated.
    """
    count, dimension = x.shape
    degree = len(coefficients) - 1
    check_rank(degree, dimension, rows=count)
    features = _empty(x, rank(degree, dimension), count)
    features[0] = x[:, 0] * 0.0 + 1.0
    start, end = 0, 1  # the block of the degree before
    for j in range(1, degree + 1):
        at = end
        for i in range(dimension):
            size = comb(j - 1 + i, i)
            features[at : at + size] = features[start : start + size] * x[:, i]
            at += size
        start, end = end, at
    weights = np.sqrt(np.abs(_weights(coefficients, dimension)))
    features *= _like(weights, features)[:, None]
    return features.T


def check_rank(degree: int, dimension: int, *, rows: int) -> None:
    """Refuse factors that would not fit, before anything is allocated.

    Args:
        degree: g.
        dimension: d.
        rows: rows of both factors together.

    Raises:
        InputError: says the rank needed and the largest degree that fits.
    """
    needed = rank(degree, dimension)
    if _fits(needed, rows):
        return
    fitting = max((g for g in range(degree) if _fits(rank(g, dimension), rows)), default=None)
    nearest = (
        f"degree {fitting} (rank {rank(fitting, dimension):,}) is the largest that fits"
        if fitting is not None
        else "no degree fits; use fewer tokens"
    )
    raise InputError(
        f"Degree {degree} in dimension {dimension} needs rank {needed:,}, "
        f"{8 * needed * rows / 2**30:,.1f} GiB for {rows:,} rows; {nearest}."
    )


def exponents(degree: int, dimension: int) -> np.ndarray:
    """The exponent vectors α in the order of the features, ``(r, d)`` integers."""
    blocks = [np.zeros((1, dimension), dtype=np.int64)]
    for j in range(1, degree + 1):
        before = blocks[-1]
        parts = []
        for i in range(dimension):
            part = before[: comb(j - 1 + i, i)].copy()
            part[:, i] += 1
            parts.append(part)
        blocks.append(np.concatenate(parts))
    return np.concatenate(blocks)


def _fits(columns: int, rows: int) -> bool:
    return columns <= MAXIMUM_RANK and 8 * columns * rows <= MAXIMUM_BYTES


def _weights(coefficients: np.ndarray, dimension: int) -> np.ndarray:
    """``c_{|α|} |α|! / α!`` for each monomial, ``(r,)``."""
    multinomials = _multinomials(len(coefficients) - 1, dimension)
    return np.concatenate(
        [c * m for c, m in zip(np.asarray(coefficients), multinomials, strict=True)]
    )


@lru_cache(maxsize=64)
def _multinomials(degree: int, dimension: int) -> tuple[np.ndarray, ...]:
    """``|α|! / α!`` in the order of the features, one array for each degree.

    Multiplying a monomial of degree j - 1 by variable i multiplies its number by ``j / α_i``.
    """
    numbers, last = np.ones(1), np.zeros(1)  # the exponent of a monomial's last variable
    blocks = [numbers]
    for j in range(1, degree + 1):
        next_numbers, next_last = [], []
        for i in range(dimension):
            size = comb(j - 1 + i, i)
            ends_at_i = np.arange(size) >= (comb(j - 2 + i, i - 1) if i and j > 1 else 0)
            exponent = np.where(ends_at_i & (j > 1), last[:size], 0.0) + 1.0
            next_numbers.append(numbers[:size] * j / exponent)
            next_last.append(exponent)
        numbers, last = np.concatenate(next_numbers), np.concatenate(next_last)
        blocks.append(numbers)
    return tuple(blocks)


def _empty(like: Any, rows: int, columns: int) -> Any:
    if hasattr(like, "new_empty"):
        return like.new_empty((rows, columns))
    return np.empty((rows, columns), dtype=np.result_type(like, np.float32))


def _like(values: np.ndarray, array: Any) -> Any:
    if hasattr(array, "new_tensor"):
        return array.new_tensor(values)
    return values.astype(array.dtype)
