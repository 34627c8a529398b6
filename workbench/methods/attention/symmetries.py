"""Changes of queries and keys that leave the attention exactly as it was and can shrink B.

The paper bounds entries, but attention depends on them only through scores, and on those only up
to a shift of each row. So the smallest B of a real head is to be sought among all equivalent
queries and keys (after position rotation, which is why these apply to what enters the product).

Arrays are ``(heads, tokens, dimension)``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.linalg import hadamard

Pair = tuple[np.ndarray, np.ndarray]


def balance(queries: np.ndarray, keys: np.ndarray) -> Pair:
    """Scale queries up and keys down, or the reverse, until their largest entries are equal."""
    return _balance(queries, keys, axes=(1, 2))


def balance_channels(queries: np.ndarray, keys: np.ndarray) -> Pair:
    """``balance`` for each channel by itself: a diagonal matrix on one side, its inverse on the
    other.
    """  # noqa: D205  one sentence
    return _balance(queries, keys, axes=(1,))


def centre_keys(keys: np.ndarray) -> np.ndarray:
    """Subtract the mean key: every score of a row moves by the same amount, softmax forgets it."""
    return keys - keys.mean(axis=1, keepdims=True)


def rotate(queries: np.ndarray, keys: np.ndarray) -> Pair:
    """Turn both by one orthogonal matrix, which spreads a large channel over all of them."""
    matrix = rotation(queries.shape[-1]).astype(queries.dtype)
    return queries @ matrix, keys @ matrix


@lru_cache(maxsize=16)
def rotation(dimension: int) -> np.ndarray:
    """An orthogonal matrix ``(d, d)`` with even entries: Hadamard's where d is a power of two.

    Otherwise the orthogonal factor of a fixed Gaussian matrix.
    """
    if dimension & (dimension - 1) == 0:
        matrix = hadamard(dimension) / np.sqrt(dimension)
    else:
        matrix = np.linalg.qr(np.random.default_rng(0).normal(size=(dimension, dimension)))[0]
    matrix.setflags(write=False)
    return matrix


def largest_entry(queries: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """B of each head, ``(heads,)``: the largest absolute entry of queries and keys."""
    return np.maximum(np.abs(queries).max(axis=(1, 2)), np.abs(keys).max(axis=(1, 2)))


def _balance(queries: np.ndarray, keys: np.ndarray, *, axes: tuple[int, ...]) -> Pair:
    largest_query = np.abs(queries).max(axis=axes, keepdims=True)
    largest_key = np.abs(keys).max(axis=axes, keepdims=True)
    both = (largest_query > 0) & (largest_key > 0)
    ratio = np.where(both, largest_key, 1.0) / np.where(both, largest_query, 1.0)
    factor = np.sqrt(ratio).astype(queries.dtype)
    return queries * factor, keys / factor
