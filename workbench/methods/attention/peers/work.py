"""How much each way of computing attention has to do, counted instead of timed.

One multiplication with its addition counts as one, and so does an exponential. Sorting, random
numbers and whatever does not grow with n are left out but for the inverse of the landmarks.
"""

from __future__ import annotations

from workbench.methods.attention.peers.importance import HYPERPLANES

INVERSE_PRODUCTS = 24
"""Products of m × m matrices in Nyströmformer's own pseudo-inverse: six steps of four."""


def exact_work(tokens: int, dimension: int) -> int:
    """Scores, exponentials, and the weighted sum with its normaliser, for every pair."""
    return tokens * tokens * _pair(dimension)


def polynomial_work(tokens: int, dimension: int, columns: int) -> int:
    """One multiplication for each feature of both sides, ``U2ᵀ [V | 1]`` and ``U1`` times it."""
    return 2 * tokens * columns * (1 + dimension + 1)


def favor_work(tokens: int, dimension: int, features: int) -> int:
    """Projections and exponentials of both sides, and the two products with ``[V | 1]``."""
    return 2 * tokens * features * _pair(dimension)


def nystrom_work(tokens: int, dimension: int, landmarks: int) -> int:
    """Two thin matrices of weights with their products, and the inverse between them."""
    thin = 2 * tokens * landmarks * _pair(dimension)
    return thin + INVERSE_PRODUCTS * landmarks**3 + landmarks**2 * (2 * dimension + 2)


def sampling_work(tokens: int, dimension: int, samples: int) -> int:
    """Exact attention over the sampled keys."""
    return tokens * samples * _pair(dimension)


def importance_work(tokens: int, dimension: int, block: int, samples: int) -> int:
    """The hash of both sides, and exact attention over the block and the sample."""
    return tokens * (2 * HYPERPLANES * dimension + (block + samples) * _pair(dimension))


def window_work(tokens: int, dimension: int, window: int) -> int:
    """Exact attention over the window."""
    return tokens * window * _pair(dimension)


def mean_work(tokens: int, dimension: int) -> int:
    """The sum of the values."""
    return tokens * dimension


def _pair(dimension: int) -> int:
    """For one query and one key: d for the score, the exponential, d + 1 for ``[V | 1]``."""
    return 2 * dimension + 2
