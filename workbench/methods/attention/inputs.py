"""Queries, keys and values to try the method on, with a known largest entry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workbench.errors import UnknownNameError

Matrices = tuple[np.ndarray, np.ndarray, np.ndarray]

CLUSTERS = 8
CLUSTER_SPREAD = 0.15


def make_inputs(generator: str, *, tokens: int, dimension: int, seed: int) -> Matrices:
    """Queries and keys whose largest entry is exactly 1, and values in [-1, 1].

    Multiply queries and keys by B to reach the largest entry B. Values stay in [-1, 1], so that
    errors of different B are on one scale (the paper lets them grow to B).

    Args:
        generator: a name of ``GENERATORS``.
        tokens: n.
        dimension: d, of queries, keys and values.
        seed: of the random numbers.

    Returns:
        Three ``(n, d)`` float64 arrays.

    Raises:
        UnknownNameError: no such generator.
    """
    if generator not in GENERATORS:
        raise UnknownNameError.of("input", generator, GENERATORS)
    random = np.random.default_rng(seed)
    queries, keys = GENERATORS[generator](random, tokens, dimension)
    values = random.uniform(-1.0, 1.0, (tokens, dimension))
    return queries / np.abs(queries).max(), keys / np.abs(keys).max(), values


def _uniform(random: np.random.Generator, tokens: int, dimension: int) -> tuple[np.ndarray, ...]:
    """Independent uniform entries: nearly uniform attention while B is small."""
    return tuple(random.uniform(-1.0, 1.0, (2, tokens, dimension)))


def _clustered(random: np.random.Generator, tokens: int, dimension: int) -> tuple[np.ndarray, ...]:
    """Tokens of a few topics: each query attends to the keys of its own topic."""
    centres = random.uniform(-1.0, 1.0, (CLUSTERS, dimension))
    topics = random.integers(CLUSTERS, size=(2, tokens))
    noise = random.normal(0.0, CLUSTER_SPREAD, (2, tokens, dimension))
    return tuple(centres[topics] + noise)


def _needle(random: np.random.Generator, tokens: int, dimension: int) -> tuple[np.ndarray, ...]:
    """Each query has one key that points its way: the needle it has to find."""
    queries = random.uniform(-1.0, 1.0, (tokens, dimension))
    queries /= np.abs(queries).max(axis=1, keepdims=True)
    return queries, queries[random.permutation(tokens)]


def _planted(random: np.random.Generator, tokens: int, dimension: int) -> tuple[np.ndarray, ...]:
    """Every entry is B or -B: the widest scores that a largest entry B allows."""
    return tuple(random.choice([-1.0, 1.0], (2, tokens, dimension)))


GENERATORS: dict[str, Callable[..., tuple[np.ndarray, ...]]] = {
    "uniform": _uniform,
    "clustered": _clustered,
    "needle": _needle,
    "planted": _planted,
}
