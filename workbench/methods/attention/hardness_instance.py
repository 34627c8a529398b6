"""Bit strings with one near pair, written as queries, keys and values of attention.

The reduction behind the lower bound of Alman and Song (arXiv:2302.13214): entries are 0 and B,
keys and dimensions are doubled so that half of the keys are dummies of known score, and V marks
the real ones; the outputs then give the sum of ``e^score`` over the real keys.

Choices of this miniature: each bit is written with its complement, so that a score counts equal
bits; a dummy key scores what two unrelated strings score on average, so that their outputs lie
near 1/2 for every B; one pair is planted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError

HALF_RANGE = 0.125
"""Half the distance between the scores of equal and of opposite strings, divided by B²."""


@dataclass(frozen=True)
class Instance:
    """Two sets of bit strings with one near pair, and the attention problem they become.

    Args:
        left: ``(n, bits)`` strings of the queries, 0 or 1.
        right: ``(n, bits)`` strings of the real keys.
        query: number of the query of the hidden pair.
        key: number of its key.
        queries: ``(n, 4 bits)`` float64 with entries 0 and 1; multiply by B.
        keys: ``(2 n, 4 bits)`` likewise: the real keys, then as many dummies.
        values: ``(2 n, 1)``: 1 marks a real key, 0 a dummy.
    """

    left: np.ndarray
    right: np.ndarray
    query: int
    key: int
    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray

    @property
    def dummy_score(self) -> float:
        """Score of every dummy divided by B²: that of strings with half their bits equal."""
        return 0.5 * self.left.shape[1] / self.queries.shape[1]

    @property
    def distances(self) -> np.ndarray:
        """``(n, n)`` in how many bits each query's string differs from each key's."""
        left, right = self.left.astype(np.int64), self.right.astype(np.int64)
        return left @ (1 - right.T) + (1 - left) @ right.T


def plant(*, tokens: int, bits: int, distance: int, seed: int) -> Instance:
    """Random bit strings with one near pair, encoded as queries, keys and values.

    Args:
        tokens: n strings in each set.
        bits: bits of a string, an even number.
        distance: bits in which the hidden pair differs, fewer than half.
        seed: of the random numbers.

    Raises:
        InputError: an odd number of bits, or a distance that hides nothing.
    """
    if bits % 2 or not 0 <= distance < bits // 2:
        raise InputError(
            f"The hidden pair differs in {distance} of {bits} bits; choose an even number of bits "
            "and a distance below half of them."
        )
    random = np.random.default_rng(seed)
    left, right = random.integers(0, 2, (2, tokens, bits), dtype=np.int8)
    query, key = (int(i) for i in random.integers(tokens, size=2))
    right[key] = left[query]
    right[key, random.permutation(bits)[:distance]] ^= 1
    ones, zeros = np.ones((tokens, 2 * bits)), np.zeros((tokens, 2 * bits))
    dummy = zeros.copy()
    dummy[:, : bits // 2] = 1.0  # against ones, the score of strings with half their bits equal
    return Instance(
        left=left,
        right=right,
        query=query,
        key=key,
        queries=np.hstack([left, 1 - left, ones]).astype(np.float64),
        keys=np.vstack([np.hstack([right, 1 - right, zeros]), np.hstack([zeros, dummy])]),
        values=np.repeat([[1.0], [0.0]], tokens, axis=0),
    )


def recover_row_sums(outputs: np.ndarray, *, dummies: float) -> np.ndarray:
    """Sums of ``e^score`` over the real keys, read from the outputs of attention alone.

    With V = 1 for real keys and 0 for dummies, ``output = real / (real + dummies)``.

    Args:
        outputs: ``(n,)`` in (0, 1).
        dummies: the known sum over the dummies.

    Returns:
        ``(n,)``.
    """
    return outputs / (1.0 - outputs) * dummies


def signal_gap(bits: int, distance: int) -> float:
    """Δ: how far the hidden pair's score lies above that of unrelated strings, divided by B².

    A score is B² times the number of equal bits, divided by d = 4 bits.
    """
    return (bits / 2.0 - distance) / (4.0 * bits)
