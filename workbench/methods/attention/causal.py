"""Attention in which a token sees only itself and those before it, for any weights.

The paper (arXiv:2302.13214) has no mask. Under one, every row is normalised over what it may see,
and the low-rank factors are summed along the text (Alman and Song, arXiv:2408.13233).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.methods.attention.low_rank import check_rank, left_factor, rank, right_factor
from workbench.methods.attention.polynomial import ExponentialPolynomial

BLOCK_ROWS = 64


def exponential_weights(scores: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """``e^score`` of the allowed pairs, 0 elsewhere; each row divided by its largest.

    Args:
        scores: ``(n, m)`` float64.
        allowed: ``(n, m)`` bool.
    """
    seen = np.where(allowed, scores, -np.inf)
    return np.exp(seen - seen.max(axis=1, keepdims=True))


def average_values(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weighted averages of values, ``(n, d_v)``: weights ``(n, m)`` over their row sums.

    Weights may be negative; where a row's sum is near 0 its output means nothing. A row without
    any weight gives 0.
    """
    sums = weights.sum(axis=1, keepdims=True)
    return (weights @ values) / np.where(sums == 0.0, 1.0, sums)


def causal_mask(queries: int, keys: int) -> np.ndarray:
    """``(n, m)`` bool: the last query sees every key, each one before it one key less."""
    return np.arange(keys) <= np.arange(keys - queries, keys)[:, None]


def causal_factored_attention(
    queries: np.ndarray, keys: np.ndarray, values: np.ndarray, polynomial: ExponentialPolynomial
) -> tuple[np.ndarray, np.ndarray]:
    """The polynomial's causal attention through its low-rank factors, never an n × n array.

    Running sums ``Σ_{j<=i} U2_jᵀ [V_j | 1]`` are carried from block to block. Scores are divided
    by d, as everywhere in this method.

    Args:
        queries: ``(n, d)`` float64.
        keys: ``(n, d)``.
        values: ``(n, d_v)``.
        polynomial: what stands for the exponential.

    Returns:
        Output ``(n, d_v)`` and row sums ``(n,)``.

    Raises:
        InputError: the rank does not fit in memory.
    """
    coefficients, shrink = polynomial.scaled_power, polynomial.bound**-0.5
    check_rank(polynomial.degree, queries.shape[1], rows=2 * BLOCK_ROWS)
    marked = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    before: Any = np.zeros((rank(polynomial.degree, queries.shape[1]), marked.shape[1]))
    parts = []
    for start in range(0, len(queries), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        left = left_factor(queries[block] * shrink, coefficients)
        right = right_factor(keys[block] * shrink, coefficients)
        parts.append(left @ before + np.tril(left @ right.T) @ marked[block])
        before = before + right.T @ marked[block]
    sums = np.concatenate(parts)
    return sums[:, :-1] / sums[:, -1:], sums[:, -1]
