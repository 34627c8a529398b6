"""The trivial answer that every approximation has to beat."""

from __future__ import annotations

import numpy as np

from workbench.methods.attention.exact import Matrix
from workbench.methods.attention.peers.arguments import check_arrays


def mean_of_values(queries: Matrix, keys: Matrix, values: Matrix) -> np.ndarray:
    """Answer every query with the mean of V: attention whose weights are all equal.

    It reads neither queries nor keys, and it is exact for B = 0.

    Args:
        queries: ``(n, d)``.
        keys: ``(m, d)``.
        values: ``(m, d_v)``.

    Returns:
        ``(n, d_v)`` float64, the same row n times.

    Raises:
        InputError: shapes that don't fit together, or an entry that is not finite.
    """
    q, _, v = check_arrays(queries, keys, values)
    return np.tile(v.mean(axis=0), (len(q), 1))
