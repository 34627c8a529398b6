"""Attention to neighbours only."""

from __future__ import annotations

import numpy as np

from workbench.errors import InputError
from workbench.methods.attention.exact import Matrix
from workbench.methods.attention.peers.arguments import check_arrays, check_count

BLOCK_ROWS = 128
"""Queries that are answered at a time; they share the keys their windows cover."""


def sliding_window_attention(
    queries: Matrix, keys: Matrix, values: Matrix, *, window: int
) -> np.ndarray:
    """Exact attention of each query over the ``window`` keys around its own position.

    The local attention of Longformer (arXiv:2004.05150), section 3.1, without its global tokens.
    Near both ends the window is moved inwards, so every query reads the same number of keys, and
    a window of n is exact attention.

    Args:
        queries: ``(n, d)``, computed in float64.
        keys: ``(n, d)``.
        values: ``(n, d_v)``.
        window: keys that each query reads, 1 to n.

    Returns:
        ``(n, d_v)`` float64.

    Raises:
        InputError: shapes or entries that are not allowed, another number of keys than of
            queries, or a window that is not possible.
    """
    q, k, v = check_arrays(queries, keys, values)
    if len(q) != len(k):
        raise InputError(
            f"There are {len(q)} queries and {len(k)} keys; a sliding window needs one key at "
            "each query's position."
        )
    width = check_count("Window", window, at_most=len(k))
    first = np.clip(np.arange(len(q)) - width // 2, 0, len(k) - width)
    output = np.empty((len(q), v.shape[1]))
    for start in range(0, len(q), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        begins = first[rows]
        columns = np.arange(begins[0], begins[-1] + width)
        scores = (q[rows] / q.shape[1]) @ k[columns].T
        outside = (columns < begins[:, None]) | (columns >= begins[:, None] + width)
        scores[outside] = -np.inf
        scores -= scores.max(axis=1, keepdims=True)
        weights = np.exp(scores, out=scores)
        output[rows] = (weights @ v[columns]) / weights.sum(axis=1, keepdims=True)
    return output
