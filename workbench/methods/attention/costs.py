"""What exact attention and the polynomial method cost, counted rather than timed.

Operations are counted as the two algorithms of Alman and Song (arXiv:2302.13214) do them: exact
attention computes n² scores, their exponentials, and their products with V and 1; the polynomial
method writes two factors of r columns and multiplies both with V and 1. For n beyond any computer
only logarithms are used.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from scipy.special import gammaln

from workbench.methods.attention.approximate import BLOCK_ENTRIES

Number = TypeVar("Number", int, float, np.ndarray)

EXPONENTIAL_FLOPS = 1
"""An exponential counts as one operation, which favours exact attention."""
FLOAT64_BYTES = 8


def exact_flops(tokens: Number, dimension: int, value_dimension: int) -> Number:
    """Operations of exact attention, ``n² (2d + 2d_v + 2 + exponential)``.

    Args:
        tokens: n, of queries and of keys.
        dimension: d of queries and keys.
        value_dimension: d_v of values.
    """
    return tokens * tokens * (2 * dimension + 2 * value_dimension + 2 + EXPONENTIAL_FLOPS)


def factored_flops(tokens: Number, rank: int, value_dimension: int) -> Number:
    """Operations of the polynomial method, ``2 n r + 4 n r (d_v + 1)``.

    One multiplication for each entry of both factors, then both products with ``[V | 1]``.

    Args:
        tokens: n, of queries and of keys.
        rank: r columns of the factors.
        value_dimension: d_v of values.
    """
    return tokens * (2 * rank + 4 * rank * (value_dimension + 1))


def log_rank(degree: np.ndarray, dimension: np.ndarray) -> np.ndarray:
    """Natural logarithm of ``C(g + d, g)``, without overflow; shapes broadcast."""
    g, d = np.asarray(degree, dtype=np.float64), np.asarray(dimension, dtype=np.float64)
    return gammaln(g + d + 1.0) - gammaln(g + 1.0) - gammaln(d + 1.0)


def cost_exponent(
    log_tokens: np.ndarray, log_rank: np.ndarray, dimension: np.ndarray
) -> np.ndarray:
    """Exponent of n in the polynomial method's cost, on a scale where exact attention has 2.

    ``2 - log_n(speed-up)`` with the counted operations of both methods and d_v = d: dividing by
    exact attention takes out the factor that both have in common. Above 2, exact attention is
    cheaper.

    Args:
        log_tokens: ln n.
        log_rank: ln r.
        dimension: d; all three broadcast.
    """
    d = np.asarray(dimension, dtype=np.float64)
    # both counts above, divided by n and n²
    log_factored = log_rank + np.log(2.0 + 4.0 * (d + 1.0))
    log_exact = log_tokens + np.log(4.0 * d + 2.0 + EXPONENTIAL_FLOPS)
    return 2.0 + (log_factored - log_exact) / log_tokens


def full_matrix_bytes(tokens: Number) -> Number:
    """Bytes of the whole n × n attention matrix in float64."""
    return FLOAT64_BYTES * tokens * tokens


def factored_bytes(tokens: int, rank: int, dimension: int, value_dimension: int) -> int:
    """Most bytes that ``factored_attention`` holds at a time beside its inputs.

    For one block of tokens the right factor, the left factor before and after its signs, and the
    scaled queries; and for all tokens the output with its row sums. Linear in n, with a smaller
    slope once n passes the size of a block.

    Args:
        tokens: n.
        rank: r columns of the factors.
        dimension: d of queries.
        value_dimension: d_v of values.
    """
    block = min(tokens, max(1, BLOCK_ENTRIES // rank))
    return FLOAT64_BYTES * ((3 * rank + dimension) * block + tokens * (value_dimension + 1))
