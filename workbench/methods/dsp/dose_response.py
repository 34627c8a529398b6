"""How many keywords help, and does their order matter?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.dsp.comparison import ALL_METRICS
from workbench.methods.dsp.intervals import OrderTest, bootstrap, order_test
from workbench.methods.intervals import Spread


@dataclass(frozen=True)
class DoseResponse:
    """Scores against the number of keywords, and the test of their order.

    Axes: s sources, k number of keywords from 0, m ``ALL_METRICS``.

    Args:
        sources: s names.
        counts: ``(k,)`` numbers of keywords.
        scores: ``(s, k, m)`` means over articles.
        gains: ``(s, k, m)`` over no keyword, paired by article.
        orders: by metric, the permutation test of the order of the keywords.
        shuffles: shuffled orders of each article.
        articles: how many.
        model: the language model.
    """

    sources: tuple[str, ...]
    counts: np.ndarray
    scores: Spread
    gains: Spread
    orders: tuple[OrderTest, ...]
    shuffles: int
    articles: int
    model: str


def dose_response(
    rouge: np.ndarray,
    order_rouge: np.ndarray,
    sources: Sequence[str],
    counts: Sequence[int],
    model: str,
) -> DoseResponse:
    """Means and paired gains at every number of keywords, and the order's permutation test.

    Args:
        rouge: ``(s, k, n, 3)`` F1 of ROUGE-1, 2 and L for n articles; ``counts[0]`` is 0, where
            every source has the same summaries.
        order_rouge: ``(1 + p, n, 3)`` of hints in their own order, then in p shuffled ones.
        sources: s names.
        counts: k numbers of keywords.
        model: the language model.
    """
    values = _with_mean(rouge)
    orders = _with_mean(order_rouge)
    return DoseResponse(
        sources=tuple(sources),
        counts=np.asarray(counts),
        scores=bootstrap(values),
        gains=bootstrap(values - values[:, :1]),
        orders=tuple(order_test(orders[:, m]) for m in range(len(ALL_METRICS))),
        shuffles=len(order_rouge) - 1,
        articles=rouge.shape[2],
        model=model,
    )


def _with_mean(rouge: np.ndarray) -> np.ndarray:
    """``(…, n, 3)`` -> ``(…, 4, n)``, the fourth the mean of the three."""
    four = np.concatenate([rouge, rouge.mean(axis=-1, keepdims=True)], axis=-1)
    return np.moveaxis(four, -1, -2)
