"""ROUGE by Google's ``rouge-score``, with the stemmer's setting always said.

Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries". ROUGE-L here is the longest
common subsequence of the whole text; ROUGE-Lsum, which works line by line, differs from it once a
summary holds line breaks.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.methods.dsp.records import METRICS


def rouge_scores(
    predictions: Sequence[str], references: Sequence[str], *, stemmer: bool = True
) -> np.ndarray:
    """Precision, recall and F1 of ROUGE-1, ROUGE-2 and ROUGE-L.

    Args:
        predictions: n texts.
        references: n texts.
        stemmer: strip word endings by Porter's rules first, as the paper's reward does.

    Returns:
        ``(n, 3, 3)``: text, metric, then precision, recall, F1, each in [0, 1]. 0 for an empty
        text.
    """
    found = np.zeros((len(predictions), len(METRICS), 3))
    for row, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
        # rouge-score takes the reference first
        scores = _scorer(stemmer).score(reference, prediction)
        found[row] = [tuple(scores[metric]) for metric in METRICS]
    return found


def rouge_average(f1: np.ndarray) -> np.ndarray:
    """Mean of the F1 of ROUGE-1, 2 and L, what the reward counts; ``(..., 3)`` to ``(...)``."""
    return f1.mean(axis=-1)


@functools.cache
def _scorer(stemmer: bool) -> Any:
    # imported here because its stemmer takes two seconds to import
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(METRICS), use_stemmer=stemmer)
