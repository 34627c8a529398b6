"""Whether a difference between two hints is more than chance: bootstrap and exact tests.

The unit of chance is the article: every source is judged on the same articles, so differences are
paired, and what is resampled is which articles were drawn.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError
from workbench.methods.intervals import Interval, Spread, interval_ends

REPLICATES = 2_000
SEED = 0


def bootstrap(values: np.ndarray) -> Spread:
    """Means over articles with percentile bootstrap intervals (Efron 1979).

    Every entry is resampled with the same draws of articles, so the interval of a difference of
    two entries is the paired one.

    Args:
        values: ``(…, n)`` one number for each of n articles.

    Returns:
        Arrays of shape ``(…)``.

    Raises:
        InputError: no article, or a number that is not finite.
    """
    found = np.asarray(values, dtype=np.float64)
    if not found.shape or not found.shape[-1]:
        raise InputError("There are no articles to compare; choose at least one.")
    if not np.isfinite(found).all():
        raise InputError("A score of an article is not a finite number; measure it again.")
    replicates = found @ _weights(found.shape[-1])
    return Spread(found.mean(axis=-1), *interval_ends(replicates))


def paired_difference(one: np.ndarray, other: np.ndarray) -> Interval:
    """Mean of ``one - other`` over the same articles, with its bootstrap interval.

    Args:
        one: ``(n,)`` scores of n articles.
        other: ``(n,)`` scores of the same articles in the same order.

    Raises:
        InputError: the two do not have the same articles.
    """
    if np.shape(one) != np.shape(other) or np.ndim(one) != 1:
        raise InputError(
            f"Scores of {np.size(one)} and {np.size(other)} articles cannot be paired; "
            "give both for the same articles."
        )
    return bootstrap(np.asarray(one, dtype=np.float64) - np.asarray(other)).at()


@functools.lru_cache(maxsize=16)
def _weights(n: int) -> np.ndarray:
    """``(n, replicates)`` share of each article in each resampled set; columns sum to 1."""
    random = np.random.default_rng(SEED)
    weights = random.multinomial(n, np.full(n, 1.0 / n), REPLICATES).T / n
    weights.flags.writeable = False
    return weights


@dataclass(frozen=True)
class OrderTest:
    """Whether the order of the keywords matters.

    Args:
        observed: mean score in the order that was asked for.
        chance: ``(draws,)`` means when each article's order is drawn at random.
        p_value: two-sided; small when the asked order is unlike the others.
    """

    observed: float
    chance: np.ndarray
    p_value: float


def order_test(scores: np.ndarray, draws: int = REPLICATES, seed: int = SEED) -> OrderTest:
    """Permutation test of the order of keywords, stratified by article.

    If the order did not matter, the asked order would be as good as any of the shuffled ones of
    the same article: the null distribution draws one of them for each article.

    Args:
        scores: ``(1 + p, n)``; row 0 the asked order, then p shuffled ones, for n articles.
        draws: size of the null distribution.
        seed: of the draws.

    Raises:
        InputError: no shuffled order, or no article.
    """
    found = np.asarray(scores, dtype=np.float64)
    if found.ndim != 2 or found.shape[0] < 2 or not found.shape[1]:
        raise InputError("The order can be tested with at least one shuffled order an article.")
    orders, n = found.shape
    random = np.random.default_rng(seed)
    chosen = random.integers(orders, size=(draws, n))
    chance = found[chosen, np.arange(n)].mean(axis=1)
    observed, centre = float(found[0].mean()), float(found.mean())
    slack = 1e-12  # equal means differ by rounding
    extreme = np.count_nonzero(np.abs(chance - centre) >= abs(observed - centre) - slack)
    # the asked order counts as one of the draws (Phipson and Smyth 2010), so p is never 0
    return OrderTest(observed, chance, (1 + extreme) / (1 + draws))


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p-value of an exact sign test; ties are left out (Dixon and Mood 1946).

    Args:
        wins: how often the one was preferred.
        losses: how often the other was.

    Raises:
        InputError: a negative number, or nothing but ties.

    Example:
        >>> round(sign_test(255, 222), 2)
        0.14
    """
    trials = wins + losses
    if wins < 0 or losses < 0 or not trials:
        raise InputError(f"There are {wins} wins and {losses} losses; a test needs at least one.")
    fewer = min(wins, losses)
    # whole numbers stay exact however large; a division of two of them is rounded once
    tail = sum(math.comb(trials, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail / 2**trials)
