"""Nyströmformer: attention through landmarks, the means of segments (arXiv:2102.03902)."""

from __future__ import annotations

import numpy as np

from workbench.methods.attention.exact import Matrix, exact_attention
from workbench.methods.attention.peers.arguments import check_arrays, check_count, check_size

SMALLEST_SINGULAR_VALUE = 1e-10
"""Of the landmarks' matrix, relative to its largest. Smaller ones are left out: their inverse would
magnify rounding until it shows."""


def nystrom_attention(
    queries: Matrix, keys: Matrix, values: Matrix, *, landmarks: int
) -> np.ndarray:
    """``softmax(Q K̃ᵀ/d) softmax(Q̃ K̃ᵀ/d)⁺ softmax(Q̃ Kᵀ/d) V`` with landmarks Q̃ and K̃.

    Xiong et al. 2021 (arXiv:2102.03902), eq. 13, with two departures: the pseudo-inverse is taken
    by singular values instead of six steps of an iteration, and segments may differ by one token
    in length where the paper pads. Its rows sum to 1 but weights may be negative, so an output
    can leave the range of V.

    Args:
        queries: ``(n, d)``, computed in float64.
        keys: ``(m, d)``.
        values: ``(m, d_v)``.
        landmarks: segments whose means are taken, 1 to the smaller of n and m. Landmarks for
            every token give exact attention.

    Returns:
        ``(n, d_v)`` float64.

    Raises:
        InputError: shapes, entries or a number of landmarks that are not allowed.
    """
    q, k, v = check_arrays(queries, keys, values)
    count = check_count("Landmarks", landmarks, at_most=min(len(q), len(k)), of="tokens")
    check_size(count, count, of="landmarks")
    q_landmarks, k_landmarks = segment_means(q, count), segment_means(k, count)
    middle = exact_attention(q_landmarks, k_landmarks, np.eye(count))
    inverse = np.linalg.pinv(middle, rcond=SMALLEST_SINGULAR_VALUE)
    return exact_attention(q, k_landmarks, inverse @ exact_attention(q_landmarks, k, v))


def segment_means(tokens: np.ndarray, count: int) -> np.ndarray:
    """Means of ``count`` runs of neighbouring rows, as even in length as they can be.

    Args:
        tokens: ``(n, d)``.
        count: 1 to n.

    Returns:
        ``(count, d)``.
    """
    starts = np.arange(count) * len(tokens) // count
    lengths = np.diff(starts, append=len(tokens))
    return np.add.reduceat(tokens, starts, axis=0) / lengths[:, None]
