"""Long-tailed frequencies that are known exactly.

Zipf's law: the class of rank r has a probability in proportion to 1 / r^exponent. Which class has
which rank is decided by a digest of the class's number, so that the order has nothing to do with
what a class is and is the same on every machine and with every version of every library.
"""

from __future__ import annotations

import hashlib

import numpy as np

PRETRAINING_EXPONENT = 1.0
"""Of the captions that emoji-clip is pre-trained on."""
PRETRAINING_ORDER = "pre-training captions"
"""Name of the order of ranks in pre-training; a task's own order has another name."""


def zipf(classes: int, exponent: float, order: str) -> np.ndarray:
    """Probability of each class under Zipf's law with shuffled ranks.

    Args:
        classes: number of classes k.
        exponent: 0 makes all classes equally frequent, 1 is Zipf's law.
        order: name of the order of ranks; another name is another order.

    Returns:
        ``(k,)`` float64 with sum 1.
    """
    weights = 1.0 / (1.0 + ranks(classes, order)) ** exponent
    return weights / weights.sum()


def ranks(classes: int, order: str) -> np.ndarray:
    """Rank of each class, 0 for the most frequent: ``(k,)`` int64, a permutation."""
    keys = [hashlib.sha256(f"{order}/{number}".encode()).digest() for number in range(classes)]
    rank = np.empty(classes, dtype=np.int64)
    rank[sorted(range(classes), key=keys.__getitem__)] = np.arange(classes)
    return rank


def pretraining_prior(classes: int) -> np.ndarray:
    """Frequency of each class in the captions of pre-training: ``(k,)`` float64 with sum 1."""
    return zipf(classes, PRETRAINING_EXPONENT, PRETRAINING_ORDER)


def long_tailed_counts(classes: int, per_class: int, exponent: float, order: str) -> np.ndarray:
    """How many pictures each class has: Zipf's law, rounded, at least one of each.

    Args:
        classes: number of classes k.
        per_class: mean number of pictures per class before rounding.
        exponent: 0 gives every class ``per_class``.
        order: name of the order of ranks.

    Returns:
        ``(k,)`` int64.
    """
    wanted = zipf(classes, exponent, order) * per_class * classes
    return np.maximum(1, np.rint(wanted)).astype(np.int64)
