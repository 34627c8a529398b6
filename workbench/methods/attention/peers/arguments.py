"""What every peer asks of its arguments, and the sentences that refuse the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.errors import InputError
from workbench.methods.attention.exact import check_matrices

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]

MAXIMUM_BYTES = 2 << 30
"""No peer holds a larger array."""


def check_arrays(queries: Any, keys: Any, values: Any) -> Arrays:
    """Queries ``(n, d)``, keys ``(m, d)`` and values ``(m, d_v)`` as float64 NumPy arrays.

    Raises:
        InputError: shapes that don't fit together, or where an entry is not finite.
    """
    return check_matrices(*(np.asarray(x, dtype=np.float64) for x in (queries, keys, values)))


def check_count(name: str, value: Any, *, at_most: int | None = None, of: str = "keys") -> int:
    """A whole number from 1, as an ``int``.

    Args:
        name: what is counted, as a sentence begins: "Landmarks".
        value: the number asked for.
        at_most: the largest number allowed; none when ``None``.
        of: what there are so many of.

    Raises:
        InputError: not a whole number, below 1, or above ``at_most``.
    """
    allowed = "1" if at_most is None else f"1 to {at_most}, the number of {of}"
    number = _whole_number(value)
    if number is None or number < 1 or (at_most is not None and number > at_most):
        raise InputError(_refusal(name, value, allowed))
    return number


def check_seed(value: Any) -> int:
    """A whole number from 0, as an ``int``.

    Raises:
        InputError: anything else; without a seed nothing could be repeated.
    """
    number = _whole_number(value)
    if number is None or number < 0:
        raise InputError(_refusal("Seed", value, "0"))
    return number


def check_size(rows: int, columns: int, *, of: str) -> None:
    """Refuse an array that would not fit, before it is allocated.

    Raises:
        InputError: says its size and the largest number of columns that fits.
    """
    if 8 * rows * columns > MAXIMUM_BYTES:
        raise InputError(
            f"{columns:,} {of} need an array of {8 * rows * columns / 2**30:,.1f} GiB for "
            f"{rows:,} rows; at most {MAXIMUM_BYTES // (8 * rows):,} fit."
        )


def _whole_number(value: Any) -> int | None:
    """The value where it is a whole number; true and false are none."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    return None


def _refusal(name: str, value: Any, allowed: str) -> str:
    said = f"{value}" if isinstance(value, (int, float, np.number)) else type(value).__name__
    return f"{name}: {said} is not possible; choose a whole number from {allowed}."
