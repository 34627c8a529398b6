"""One head's scores in few dimensions: the cut that a low-rank polynomial needs first.

The factors of the polynomial method have ``C(g + d, g)`` columns (arXiv:2302.13214, section 3), far
too many in the 64 dimensions of a real head. The scores' best approximation of rank d' is the
truncated singular value decomposition of ``Q Kᵀ`` (Eckart and Young 1936); it is a linear map of
queries and another of keys, so it is found on one text and applies to any token that follows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Projection:
    """Maps with ``(q @ query_map) @ ((k - centre) @ key_map).T`` near ``scale q (k - centre)ᵀ``.

    Args:
        query_map: ``(d, d')`` float64; holds the model's scale.
        key_map: ``(d, d')`` float64.
        centre: ``(d,)`` what is subtracted from every key: softmax forgets it.
        kept: share of the squared scores (of centred keys, masked pairs too) that is kept.
    """

    query_map: np.ndarray
    key_map: np.ndarray
    centre: np.ndarray
    kept: float

    def project(self, queries: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Queries ``(n, d')`` and keys ``(m, d')`` whose product is the scores."""
        return queries @ self.query_map, (keys - self.centre) @ self.key_map

    def scores(self, queries: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Scores ``(n, m)`` as they enter the exponential."""
        q, k = self.project(queries, keys)
        return q @ k.T


def fit_projection(
    queries: np.ndarray, keys: np.ndarray, *, scale: float, dimension: int
) -> Projection:
    """The best projection of one head's scores on one text, keys centred first.

    With ``Q = O_q R_q`` and ``K = O_k R_k`` (QR) and ``R_q R_kᵀ = U S Wᵀ``, the maps
    ``R_kᵀ W S^{-1/2}`` and ``R_qᵀ U S^{-1/2}`` give ``O_q U S^{1/2}`` and ``O_k W S^{1/2}``: the
    truncated decomposition of ``Q Kᵀ``, balanced, without inverting a factor.

    Args:
        queries: ``(n, d)``.
        keys: ``(m, d)``.
        scale: the model's scores are ``scale * queries @ keysᵀ``.
        dimension: d', 1 to d; with d' = d the scores are exact.
    """
    q = scale * np.asarray(queries, dtype=np.float64)
    k = np.asarray(keys, dtype=np.float64)
    centre = k.mean(axis=0)
    right_q = np.asarray(np.linalg.qr(q, mode="r"))
    right_k = np.asarray(np.linalg.qr(k - centre, mode="r"))
    u, singular, w = np.linalg.svd(right_q @ right_k.T)
    count = min(dimension, len(singular))
    # A direction without any score is left out: it has nothing to divide by.
    root = np.sqrt(np.where(singular > 1e-12 * max(singular[0], 1e-300), singular, np.inf))[:count]
    energy = float((singular**2).sum())
    return Projection(
        query_map=scale * (right_k.T @ w[:count].T) / root,
        key_map=(right_q.T @ u[:, :count]) / root,
        centre=centre,
        kept=float((singular[:count] ** 2).sum()) / energy if energy else 1.0,
    )
