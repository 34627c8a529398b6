"""What the phrase policy sees of a candidate: of the article alone, never of the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from workbench.methods.dsp.phrases import lead

FEATURES = (
    "similarity to the article",
    "similarity to the first two sentences",
    "place in the article",
    "how often it occurs",
    "share of capitalised words",
    "words",
    "holds a digit",
    "TextRank",
)


def phrase_features(
    article: str, phrases: Sequence[str], ranks: Sequence[float], vectors: np.ndarray
) -> np.ndarray:
    """Features of an article's candidates, each of the order of 1.

    Args:
        article: the article.
        phrases: its c candidates.
        ranks: TextRank of each.
        vectors: ``(2 + c, d)`` unit vectors of the article, its first two sentences
            (``texts_to_embed``) and the candidates.

    Returns:
        ``(c, 8)`` float32 in the order of ``FEATURES``.
    """
    highest = max(ranks, default=0.0) or 1.0
    lower = article.lower()
    rows = [
        (
            float(vectors[0] @ vector),
            float(vectors[1] @ vector),
            lower.find(phrase.lower()) / max(len(article), 1),
            math.log(max(lower.count(phrase.lower()), 1)),
            sum(word[0].isupper() for word in phrase.split()) / len(phrase.split()),
            len(phrase.split()) / 4,
            float(any(character.isdigit() for character in phrase)),
            rank / highest,
        )
        for phrase, rank, vector in zip(phrases, ranks, vectors[2:], strict=True)
    ]
    return np.array(rows, dtype=np.float32).reshape(-1, len(FEATURES))


def texts_to_embed(article: str, phrases: Sequence[str]) -> list[str]:
    """The texts whose vectors ``phrase_features`` needs, in its order."""
    return [article, lead(article) or article, *phrases]
