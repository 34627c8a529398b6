"""What every estimator asks of logits, labels and log priors before it starts."""

from __future__ import annotations

import numpy as np

from workbench.errors import InputError


def checked_logits(logits: np.ndarray, what: str = "logits") -> np.ndarray:
    """The logits as ``(n, k)`` float64.

    Raises:
        InputError: not a finite table of at least one picture and two classes.
    """
    table = np.asarray(logits, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] < 2:
        raise InputError(
            f"The {what} have shape {table.shape}; give one row a picture and one column a class, "
            "at least two classes."
        )
    if not np.isfinite(table).all():
        raise InputError(f"The {what} hold numbers that are not finite; remove those pictures.")
    return table


def checked_labels(labels: np.ndarray, pictures: int, classes: int) -> np.ndarray:
    """The labels as ``(n,)`` int64, one a picture, each from 0 to k - 1.

    Raises:
        InputError: they are not.
    """
    found = np.asarray(labels)
    if found.shape != (pictures,) or found.dtype.kind not in "iu":
        raise InputError(
            f"The labels have shape {found.shape} and type {found.dtype}; give {pictures} whole "
            "numbers, one a picture."
        )
    if found.min() < 0 or found.max() >= classes:
        raise InputError(
            f"The labels reach from {found.min()} to {found.max()}; use 0 to {classes - 1}."
        )
    return found.astype(np.int64)


def checked_log_prior(log_prior: np.ndarray, classes: int, what: str) -> np.ndarray:
    """A log prior as ``(k,)`` float64; it need not be normalised.

    Raises:
        InputError: not ``k`` finite numbers.
    """
    found = np.asarray(log_prior, dtype=np.float64)
    if found.shape != (classes,) or not np.isfinite(found).all():
        raise InputError(
            f"{what} has shape {found.shape}; give {classes} finite numbers, one a class."
        )
    return found


def refuse_empty_classes(counts: np.ndarray) -> None:
    """Refuse labels that leave a class without a picture.

    Raises:
        InputError: names the first empty class.
    """
    empty = np.flatnonzero(counts == 0)
    if empty.size:
        raise InputError(
            f"Class {empty[0]} has no labelled picture ({empty.size} of {counts.size} classes are "
            "empty), so its bias cannot be seen. Add one, or set a ridge above 0."
        )
