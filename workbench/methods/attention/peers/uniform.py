"""Attention over a few keys chosen at random, every key as likely as any other."""

from __future__ import annotations

import numpy as np

from workbench.methods.attention.exact import Matrix, exact_attention
from workbench.methods.attention.peers.arguments import check_arrays, check_count, check_seed


def uniform_sampling_attention(
    queries: Matrix, keys: Matrix, values: Matrix, *, samples: int, seed: int
) -> np.ndarray:
    """Exact attention over ``samples`` keys drawn without replacement, the same for all queries.

    The plainest of the sampling methods; all keys drawn is exact attention.

    Args:
        queries: ``(n, d)``, computed in float64.
        keys: ``(m, d)``.
        values: ``(m, d_v)``.
        samples: keys that are read, 1 to m.
        seed: of the draw. With one seed, fewer samples are the first of more.

    Returns:
        ``(n, d_v)`` float64.

    Raises:
        InputError: shapes, entries or a number of samples that are not allowed.
    """
    q, k, v = check_arrays(queries, keys, values)
    count = check_count("Samples", samples, at_most=len(k))
    chosen = np.random.default_rng(check_seed(seed)).permutation(len(k))[:count]
    return exact_attention(q, k[chosen], v[chosen])
