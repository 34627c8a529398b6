"""FAVOR+ of the Performer: the exponential as an average over random features.

Choromanski et al. 2021 (arXiv:2009.14794). For w from the standard normal distribution,
``e^{x·y} = E[exp(w·x - ‖x‖²/2) exp(w·y - ‖y‖²/2)]`` (lemma 1), so m draws of w give m positive
features of each query and key, and attention through their products takes time linear in n.
"""

from __future__ import annotations

import numpy as np

from workbench.errors import InputError
from workbench.methods.attention.exact import Matrix
from workbench.methods.attention.peers.arguments import (
    check_arrays,
    check_count,
    check_seed,
    check_size,
)

BLOCK_ENTRIES = 1 << 22
"""Features held at a time."""


def favor_attention(
    queries: Matrix, keys: Matrix, values: Matrix, *, features: int, seed: int
) -> np.ndarray:
    """Approximate attention through ``features`` random positive features of queries and keys.

    ``T = D̃⁻¹ φ(Q) (φ(K)ᵀ V)`` with ``D̃ = diag(φ(Q) (φ(K)ᵀ 1))`` and
    ``φ(x) = m^{-1/2} exp(W x - ‖x‖²/2)`` of ``x = q/√d`` and ``k/√d`` (arXiv:2009.14794, sections
    2.2 to 2.4), W from ``orthogonal_projection``. The largest exponent of each query and the
    largest of all keys are subtracted, which the division takes out again. Departure: no small
    constant is added to the features, so nothing but the draw is random.

    Args:
        queries: ``(n, d)``, computed in float64.
        keys: ``(m, d)``.
        values: ``(m, d_v)``.
        features: columns of φ, 1 or more.
        seed: of W.

    Returns:
        ``(n, d_v)`` float64, within the range of V: all weights are positive.

    Raises:
        InputError: shapes, entries or a number of features that are not allowed, or entries so
            large that a query shares no feature with any key in float64.
    """
    q, k, v = check_arrays(queries, keys, values)
    count = check_count("Features", features)
    check_size(max(2 * q.shape[1], v.shape[1] + 1), count, of="features")
    projection = orthogonal_projection(count, q.shape[1], seed=seed)
    scale = q.shape[1] ** -0.5
    rows = max(1, BLOCK_ENTRIES // count)
    extended = np.concatenate([v, np.ones((len(v), 1))], axis=1)
    moments = np.zeros((count, extended.shape[1]))  # φ(K)ᵀ [V | 1], times exp(-largest)
    largest = -np.inf
    for start in range(0, len(k), rows):
        exponents = log_favor_features(k[start : start + rows] * scale, projection)
        grown = max(largest, float(exponents.max()))
        moments *= np.exp(largest - grown)
        exponents -= grown
        moments += np.exp(exponents, out=exponents).T @ extended[start : start + rows]
        largest = grown
    sums = np.empty((len(q), extended.shape[1]))
    for start in range(0, len(q), rows):
        exponents = log_favor_features(q[start : start + rows] * scale, projection)
        exponents -= exponents.max(axis=1, keepdims=True)
        sums[start : start + rows] = np.exp(exponents, out=exponents) @ moments
    vanished = int((sums[:, -1] <= 0.0).sum())
    if vanished:
        raise InputError(
            f"The features of {vanished} of {len(q)} queries meet those of no key: the entries "
            f"reach {max(float(np.abs(q).max()), float(np.abs(k).max())):.3g}; make them smaller."
        )
    return sums[:, :-1] / sums[:, -1:]


def log_favor_features(x: np.ndarray, projection: np.ndarray) -> np.ndarray:
    """Logarithms of the positive features, ``W x - ‖x‖²/2 - ln(m)/2`` (arXiv:2009.14794, eq. 5).

    Args:
        x: ``(n, d)`` queries or keys divided by √d.
        projection: ``(m, d)`` W.

    Returns:
        ``(n, m)``. The inner product of two rows of their exponentials estimates ``e^{x·y}``
        without bias.
    """
    half_square = 0.5 * np.einsum("nd,nd->n", x, x)
    exponents = x @ projection.T
    exponents -= half_square[:, None] + 0.5 * np.log(len(projection))
    return exponents


def orthogonal_projection(features: int, dimension: int, *, seed: int) -> np.ndarray:
    """W with rows orthogonal in blocks of d, each row distributed as a standard normal vector.

    Each block is a rotation drawn uniformly; the rows' lengths are drawn anew from the χ
    distribution with d degrees of freedom (arXiv:2009.14794, section 2.4; Yu et al. 2016,
    arXiv:1610.09072).

    Args:
        features: m, rows of W.
        dimension: d.
        seed: of the draw. With one seed, fewer features are the first of more.

    Returns:
        ``(m, d)`` float64.
    """
    random = np.random.default_rng(check_seed(seed))
    blocks = -(-features // dimension)
    normal = random.standard_normal((blocks, 2 * dimension, dimension))
    orthogonal, triangular = np.linalg.qr(normal[:, :dimension])
    # Signs of the diagonal make the decomposition unique and the rotation uniform.
    signs = np.where(np.diagonal(triangular, axis1=1, axis2=2) < 0.0, -1.0, 1.0)
    directions = np.swapaxes(orthogonal * signs[:, None, :], 1, 2)
    lengths = np.linalg.norm(normal[:, dimension:], axis=2)
    return (directions * lengths[:, :, None]).reshape(-1, dimension)[:features]
