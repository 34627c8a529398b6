"""Accuracy under a budget of explanations, exactly: curves, random choice, best and worst.

Saha, Hase and Bansal 2023 (arXiv:2306.09299): the student sees the explanation on the first k
questions of an order and answers the others alone. Every question was evaluated both ways, so a
budget only chooses between two known outcomes. This is uplift modelling, and the curve is the one
of Qini (Radcliffe 2007). Departure: the release draws one random choice; here it is in closed form.

``s_i`` and ``t_i`` say whether question i is right alone and with help, ``Δ_i = t_i - s_i``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError


@dataclass(frozen=True)
class RandomCurve:
    """Accuracy when k of n questions are chosen by chance.

    Args:
        mean: ``(…, n + 1)``.
        variance: ``(…, n + 1)``, of one draw.
    """

    mean: np.ndarray
    variance: np.ndarray


def explained(budget: float, questions: int) -> int:
    """How many questions a budget pays for: ``⌊b n⌋``, with 0.29 · 100 counted as 29."""
    return math.floor(budget * questions + 1e-9)


def accuracy_curve(
    student_correct: np.ndarray, taught_correct: np.ndarray, order: np.ndarray
) -> np.ndarray:
    """Accuracy after explaining the first k questions of an order, for every k.

    ``Acc(k) = (Σ s_i + Σ_{first k} Δ_i) / n``.

    Args:
        student_correct: ``(…, n)`` whether the student is right alone.
        taught_correct: ``(…, n)`` whether it is right with help.
        order: ``(…, n)`` every question's number once, explained first to last.

    Returns:
        ``(…, n + 1)``: at 0 the student alone, at n the student helped everywhere.

    Raises:
        InputError: shapes differ, there is no question, or the order is none.
    """
    alone, taught = _checked(student_correct, taught_correct)
    order = np.asarray(order)
    if order.shape != alone.shape:
        raise InputError(
            f"The order has the shape {order.shape}, the answers {alone.shape}; give one place "
            "for every answer."
        )
    if not np.array_equal(np.sort(order, axis=-1), np.indices(order.shape)[-1]):
        raise InputError("An order names every question once, from 0 to n - 1.")
    gains = np.take_along_axis(taught - alone, order, axis=-1)
    return _from_gains(alone, gains)


def random_curve(student_correct: np.ndarray, taught_correct: np.ndarray) -> RandomCurve:
    """Mean and variance of the accuracy when k questions are chosen by chance.

    Sampling without replacement: mean ``s̄ + (k/n) Δ̄``, variance ``k (1 - k/n) S² / n²`` with the
    ``n - 1`` variance ``S²`` of Δ.

    Args:
        student_correct: ``(…, n)`` whether the student is right alone.
        taught_correct: ``(…, n)`` whether it is right with help.

    Raises:
        InputError: shapes differ, or there is no question.
    """
    alone, taught = _checked(student_correct, taught_correct)
    n = alone.shape[-1]
    k = np.arange(n + 1)
    gains = taught - alone
    mean = alone.mean(axis=-1, keepdims=True) + k / n * gains.mean(axis=-1, keepdims=True)
    spread = gains.var(axis=-1, ddof=1, keepdims=True) if n > 1 else np.zeros_like(mean[..., :1])
    return RandomCurve(mean, k * (1.0 - k / n) * spread / n**2)


def oracle_curve(student_correct: np.ndarray, taught_correct: np.ndarray) -> np.ndarray:
    """The best that any order can reach at every k: explain first what help puts right.

    ``s̄ + [min(k, n₊) - max(0, k - (n - n₋))] / n`` with ``n₊`` helped and ``n₋`` harmed.

    Args:
        student_correct: ``(…, n)`` whether the student is right alone.
        taught_correct: ``(…, n)`` whether it is right with help.

    Returns:
        ``(…, n + 1)``.

    Raises:
        InputError: shapes differ, or there is no question.
    """
    alone, taught = _checked(student_correct, taught_correct)
    return _from_gains(alone, -np.sort(alone - taught, axis=-1))


def anti_oracle_curve(student_correct: np.ndarray, taught_correct: np.ndarray) -> np.ndarray:
    """The worst that any order can reach at every k; arguments as ``oracle_curve``."""
    alone, taught = _checked(student_correct, taught_correct)
    return _from_gains(alone, np.sort(taught - alone, axis=-1))


def qini(
    student_correct: np.ndarray, taught_correct: np.ndarray, order: np.ndarray
) -> np.ndarray | float:
    """How much of the way from random choice to the oracle an order gets, over all budgets.

    ``(area - random) / (oracle - random)`` with areas under the accuracy from k = 0 to n: 1 is the
    oracle, 0 is no better than chance, below 0 is worse. 0 where no order can matter.

    Args:
        student_correct: ``(…, n)`` whether the student is right alone.
        taught_correct: ``(…, n)`` whether it is right with help.
        order: ``(…, n)`` every question's number once, explained first to last.

    Returns:
        ``(…)``.

    Raises:
        InputError: as ``accuracy_curve``.
    """
    chance = random_curve(student_correct, taught_correct).mean
    gained = (accuracy_curve(student_correct, taught_correct, order) - chance).sum(axis=-1)
    best = (oracle_curve(student_correct, taught_correct) - chance).sum(axis=-1)
    return divide_or_zero(gained, best)


def divide_or_zero(gained: np.ndarray, best: np.ndarray) -> np.ndarray:
    """``gained / best``; 0 where the best is nothing but rounding."""
    nothing = best < 1e-9
    return np.where(nothing, 0.0, gained / np.where(nothing, 1.0, best))


def _from_gains(alone: np.ndarray, gains: np.ndarray) -> np.ndarray:
    start = alone.sum(axis=-1, keepdims=True)
    return np.concatenate([start, start + gains.cumsum(axis=-1)], axis=-1) / alone.shape[-1]


def _checked(student_correct: np.ndarray, taught_correct: np.ndarray) -> tuple[np.ndarray, ...]:
    alone, taught = (np.asarray(each).astype(float) for each in (student_correct, taught_correct))
    if alone.shape != taught.shape:
        raise InputError(
            f"There are answers of shape {alone.shape} alone and {taught.shape} with help; give "
            "both for every question."
        )
    if alone.ndim == 0 or alone.shape[-1] == 0:
        raise InputError("There is no question; give at least one.")
    return alone, taught
