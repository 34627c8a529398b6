"""Attention from a block of likely keys and a sample of the others.

In the style of HyperAttention (Han et al. 2023, arXiv:2310.05869) and KDEformer (Zandieh et al.
2023, arXiv:2302.02451): queries and keys are sorted by a hash that keeps neighbours together, each
query reads its own block exactly, and a sample of keys, drawn by the length of their values,
stands for the rest. It is not either paper's algorithm: keys are drawn without replacement, one
sample serves both the weighted sum and its normaliser, and half of the draw is uniform, since a
normaliser needs every key.
"""

from __future__ import annotations

import numpy as np

from workbench.methods.attention.exact import Matrix
from workbench.methods.attention.peers.arguments import (
    check_arrays,
    check_count,
    check_seed,
    check_size,
)

HYPERPLANES = 7
"""Bits of the hash, as many as the authors of HyperAttention use."""


def importance_sampling_attention(
    queries: Matrix, keys: Matrix, values: Matrix, *, block: int, samples: int, seed: int
) -> np.ndarray:
    """Each query over its block of ``block`` likely keys, and ``samples`` keys for the rest.

    A sampled key j outside the query's block counts ``1/π_j`` times, π_j being the chance that it
    was drawn, in both sums of ``Σ A_ij v_j / Σ A_ij``.

    Args:
        queries: ``(n, d)``, computed in float64.
        keys: ``(m, d)``.
        values: ``(m, d_v)``.
        block: keys that each query reads exactly, 1 to m; all of them are exact attention.
        samples: keys drawn for all queries, 1 to m; all of them are exact attention.
        seed: of the hash and the draw.

    Returns:
        ``(n, d_v)`` float64, within the range of V: all weights are positive.

    Raises:
        InputError: shapes, entries, a block or a number of samples that are not allowed.
    """
    q, k, v = check_arrays(queries, keys, values)
    width = check_count("Block", block, at_most=len(k))
    count = check_count("Samples", samples, at_most=len(k))
    check_size(len(q), width + count, of="keys a query")
    random = np.random.default_rng(check_seed(seed))
    planes = random.standard_normal((HYPERPLANES, q.shape[1]))
    query_order, key_order = hamming_order(q, planes), hamming_order(k, planes)
    chance = inclusion_probabilities(v, count)
    drawn = draw_by_chance(chance, random)

    rows, begins = _blocks(len(q), len(k), width)  # places in the two orders
    members = key_order[begins[:, None] + np.arange(width)]  # (blocks, width)
    readers = query_order[rows]  # (blocks, size)
    asked = q[readers] / q.shape[1]
    own = asked @ np.swapaxes(k[members], 1, 2)
    rest = asked @ k[drawn].T
    rest -= np.log(chance[drawn])
    place = np.empty(len(k), dtype=np.int64)
    place[key_order] = np.arange(len(k))
    within = place[drawn] - begins[:, None]  # a sampled key that is in the block is read already
    rest[np.broadcast_to(((within >= 0) & (within < width))[:, None, :], rest.shape)] = -np.inf

    largest = np.maximum(own.max(axis=2), rest.max(axis=2))[..., None]
    for scores in (own, rest):
        scores -= largest
        np.exp(scores, out=scores)
    row_sums = own.sum(axis=2) + rest.sum(axis=2)
    output = np.empty((len(q), v.shape[1]))
    output[readers] = (own @ v[members] + rest @ v[drawn]) / row_sums[..., None]
    return output


def hamming_order(tokens: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Rows in the order of their hash: neighbouring buckets differ in the side of one plane.

    The sorted locality-sensitive hash of arXiv:2310.05869, definition 1: the sides of the planes,
    read as a Gray code.

    Args:
        tokens: ``(n, d)``.
        planes: ``(bits, d)`` normals of planes through the origin.

    Returns:
        ``(n,)`` row numbers; rows of one bucket keep their order.
    """
    sides = (tokens @ planes.T > 0.0).astype(np.int64)
    binary = np.cumsum(sides, axis=1) % 2  # Gray code to binary: each digit adds those before
    bucket = binary @ (1 << np.arange(len(planes) - 1, -1, -1))
    return np.argsort(bucket, kind="stable")


def inclusion_probabilities(values: np.ndarray, count: int) -> np.ndarray:
    """Chance of each key to be among ``count``: half by the length of its value, half uniform.

    Args:
        values: ``(m, d_v)``.
        count: keys to draw, 1 to m.

    Returns:
        ``(m,)`` in (0, 1], with sum ``count``.
    """
    lengths = np.linalg.norm(values, axis=1)
    mean = float(lengths.mean())
    relative = lengths / mean if mean > 0.0 else np.ones_like(lengths)
    weight = 0.5 + 0.5 * relative
    certain = np.zeros(len(weight), dtype=bool)
    while True:
        share = (count - certain.sum()) / max(weight[~certain].sum(), np.finfo(float).tiny)
        chance = np.where(certain, 1.0, np.minimum(share * weight, 1.0))
        more = ~certain & (share * weight >= 1.0)
        if not more.any():
            return chance
        certain |= more


def draw_by_chance(chance: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw rows without replacement, each with its chance: systematic sampling (Madow 1949).

    Equal steps through the running sum of the chances, taken in random order.

    Args:
        chance: ``(m,)`` in (0, 1] with a whole number as sum.
        random: source of the order and of the first step.

    Returns:
        As many row numbers as the chances sum to, in no particular order.
    """
    order = random.permutation(len(chance))
    running = np.concatenate([[0.0], np.cumsum(chance[order])])
    running *= round(running[-1]) / running[-1]
    passed = np.floor(running + random.uniform(0.0, 1.0))
    return order[np.diff(passed) > 0.0]


def _blocks(queries: int, keys: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the queries of each block ``(blocks, size)``, and where its keys begin.

    Every block holds ``width`` keys: the last overlaps the one before. Blocks with a query fewer
    than the largest name their last query twice; blocks without a query are left out.
    """
    blocks = -(-keys // width)
    begins = np.minimum(np.arange(blocks) * width, keys - width)
    starts = np.arange(blocks + 1) * queries // blocks
    sizes = np.diff(starts)
    rows = np.minimum(starts[:-1, None] + np.arange(sizes.max()), starts[1:, None] - 1)
    return rows[sizes > 0], begins[sizes > 0]
