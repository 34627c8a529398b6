"""Exact attention with the paper's scaling, in blocks of rows.

The paper (arXiv:2302.13214, definition 1.1) divides scores by d, models divide by √d. With
``Q' = d^{1/4} Q`` and ``K' = d^{1/4} K`` the paper's ``Q' K'ᵀ / d`` is the model's ``Q Kᵀ / √d``;
``paper_scale`` gives that factor for any scale a model uses.

Arrays may be NumPy arrays or torch tensors.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from workbench.errors import InputError

Matrix: TypeAlias = Any
"""A NumPy array or a torch tensor of two axes."""

BLOCK_ENTRIES = 1 << 21
"""Scores held at a time: the n × n matrix is never whole in memory."""


def exact_attention(queries: Matrix, keys: Matrix, values: Matrix) -> Matrix:
    """``D⁻¹ A V`` with ``A = exp(Q Kᵀ / d)`` entrywise and ``D = diag(A 1)``; no mask.

    Args:
        queries: ``(n, d)``, computed in float64.
        keys: ``(m, d)``.
        values: ``(m, d_v)``.

    Returns:
        ``(n, d_v)`` float64.

    Raises:
        InputError: shapes that don't fit together, or an entry that is not finite.
    """
    q, k, v = check_matrices(queries, keys, values)
    rows = max(1, BLOCK_ENTRIES // len(k))
    output = (q @ k[:1].T) * v[:1] * 0.0  # (n, d_v) of the same library, on the same device
    for start in range(0, len(q), rows):
        scores = q[start : start + rows] @ k.T / q.shape[1]
        weights = _exp(scores - _largest_in_row(scores)[:, None])
        output[start : start + rows] = (weights @ v) / weights.sum(axis=1)[:, None]
    return output


def paper_scale(dimension: int, scale: float | None = None) -> float:
    """What queries and keys are both multiplied by so that the paper's scores are the model's.

    Args:
        dimension: d of the head.
        scale: the model's scores are ``scale * Q Kᵀ``; ``1 / √d`` when ``None``.

    Returns:
        ``√(scale d)``, which is ``d^{1/4}`` for the usual scale.
    """
    return float(np.sqrt((dimension**-0.5 if scale is None else scale) * dimension))


def check_matrices(queries: Any, keys: Any, values: Any) -> tuple[Any, Any, Any]:
    """Queries, keys and values in float64, or a sentence on what does not fit.

    Raises:
        InputError: a wrong shape, or where an entry is not finite.
    """
    matrices = tuple(as_float64(x) for x in (queries, keys, values))
    for name, matrix in zip(("queries", "keys", "values"), matrices, strict=True):
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise InputError(
                f"The {name} have shape {tuple(matrix.shape)}; give a matrix (tokens, dimension)."
            )
        is_finite = np.isfinite(_host(matrix))
        if not is_finite.all():  # looked for only then: this runs thousands of times a figure
            wrong = np.argwhere(~is_finite)
            row, column = wrong[0].tolist()
            raise InputError(
                f"The {name} hold {len(wrong)} entries that are not finite, the first in row "
                f"{row}, column {column}; replace or remove them."
            )
    q, k, v = matrices
    if q.shape[1] != k.shape[1]:
        raise InputError(
            f"The queries have dimension {q.shape[1]} and the keys {k.shape[1]}; make them equal."
        )
    if len(k) != len(v):
        raise InputError(f"There are {len(k)} keys and {len(v)} values; give one value per key.")
    return q, k, v


def as_float64(array: Any) -> Any:
    """The same array or tensor in float64."""
    return array.double() if hasattr(array, "double") else np.asarray(array, dtype=np.float64)


def _host(array: Any) -> np.ndarray:
    return array.detach().cpu().numpy() if hasattr(array, "detach") else array


def _exp(array: Any) -> Any:
    return array.exp() if hasattr(array, "exp") else np.exp(array)


def _largest_in_row(array: Any) -> Any:
    return array.amax(axis=1) if hasattr(array, "amax") else array.max(axis=1)
