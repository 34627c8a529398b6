"""Accuracy, overall and for the head, middle and tail of the classes; with intervals."""

from __future__ import annotations

import numpy as np

from workbench.errors import InputError
from workbench.methods.gla.checking import checked_labels, checked_log_prior, checked_logits

GROUPS = ("all", "head", "middle", "tail")
REPLICATES = 400


def thirds(log_prior: np.ndarray) -> np.ndarray:
    """Group of each class by its prior: 0 head, 1 middle, 2 tail; the head is the commonest third.

    Args:
        log_prior: ``(k,)``, k at least 3.

    Returns:
        ``(k,)`` int64; sizes differ by one where k is not a multiple of 3.

    Raises:
        InputError: fewer than three classes.
    """
    found = np.asarray(log_prior, dtype=np.float64)
    if found.ndim != 1 or found.size < 3:
        raise InputError(f"There are {found.size} classes; thirds need at least 3.")
    order = np.argsort(-found, kind="stable")
    groups = np.empty(found.size, dtype=np.int64)
    for number, part in enumerate(np.array_split(order, 3)):
        groups[part] = number
    return groups


def accuracy_by_group(
    scores: np.ndarray, labels: np.ndarray, *, log_prior: np.ndarray
) -> dict[str, float]:
    """Share of pictures guessed right: all, and those of head, middle and tail classes.

    Args:
        scores: ``(n, k)``; the largest entry of a row is the guess.
        labels: ``(n,)`` whole numbers from 0 to k - 1.
        log_prior: ``(k,)`` prior by which the classes are ordered and cut in thirds.

    Returns:
        Fractions under "all", "head", "middle" and "tail".

    Raises:
        InputError: shapes do not fit, or a third of the classes has no picture.
    """
    scores = checked_logits(scores, "scores")
    labels = checked_labels(labels, *scores.shape)
    groups = thirds(checked_log_prior(log_prior, scores.shape[1], "The prior"))[labels]
    is_right = scores.argmax(axis=1) == labels
    found = {"all": float(is_right.mean())}
    for number, name in enumerate(GROUPS[1:]):
        members = is_right[groups == number]
        if not members.size:
            raise InputError(f"No picture belongs to the {name} classes; label some.")
        found[name] = float(members.mean())
    return found


def class_accuracy(is_right: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """``(…, k)`` share of each class's pictures guessed right; not a number for an empty class.

    Args:
        is_right: ``(…, n)`` whether each guess was right.
        labels: ``(n,)`` whole numbers from 0 to k - 1.
        classes: k.
    """
    members = np.zeros((len(labels), classes))
    members[np.arange(len(labels)), labels] = 1.0
    counts = members.sum(axis=0)
    return (np.asarray(is_right, dtype=float) @ members) / np.where(counts > 0, counts, np.nan)


class Resampling:
    """Other seeds and other pictures that could have been drawn, the same ones for all methods.

    Because they are the same, the difference of two methods' replicates is a paired comparison.
    Seeds and pictures are both resampled: an interval covers what would change with other training
    pictures and with other test pictures. With few seeds it is somewhat narrow.

    Args:
        seeds: how many.
        pictures: how many.
    """

    def __init__(self, seeds: int, pictures: int) -> None:
        random = np.random.default_rng(0)
        self._seeds = random.multinomial(seeds, np.full(seeds, 1.0 / seeds), REPLICATES) / seeds
        # Rubin's Bayesian bootstrap (1981): the same interval as with counts, quicker to draw
        weights = random.standard_exponential((pictures, REPLICATES), dtype=np.float32)
        self._pictures = weights / weights.sum(axis=0)

    def replicates(self, values: np.ndarray) -> np.ndarray:
        """``(m, replicates)`` resampled means of ``(m, seeds, n)`` numbers, for m methods."""
        methods, seeds, n = values.shape
        flat = values.reshape(methods * seeds, n).astype(np.float32)
        means = (flat @ self._pictures).reshape(methods, seeds, REPLICATES)
        return np.einsum("msr,rs->mr", means, self._seeds)
