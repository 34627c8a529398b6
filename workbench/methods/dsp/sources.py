"""Hints from every source, and which hints the policy is paid for while it learns.

Every source gives at most four phrases, so that what differs is what they say, not how many there
are. Only "reference" and "wrong" read a reference.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from workbench.methods.dsp.asking import Source

MAX_PHRASES = 4
TABLE_CANDIDATES = 4
"""Phrases of an article that the policy chooses from while it learns: all 16 sets of them are
written once, so every hint it can try has its summary and training asks no model."""

Hint = tuple[str, ...]


def extractor_hint(source: Source, count: int = MAX_PHRASES) -> Hint:
    """The phrases that TextRank ranks highest, in the article's order."""
    return _highest(source.article.candidates, source.ranks, count)


def random_hint(source: Source, seed: int, count: int = MAX_PHRASES) -> Hint:
    """Candidates drawn at random, in the article's order."""
    phrases = source.article.candidates
    places = _draw(source, seed, "random").permutation(len(phrases))[:count]
    return tuple(phrases[place] for place in sorted(places))


def reference_hint(source: Source, count: int = MAX_PHRASES) -> Hint:
    """The article's own keywords that TextRank ranks highest, in the reference's order."""
    return _highest(source.keywords, source.keyword_ranks, count)


def wrong_hint(sources: Sequence[Source], place: int, count: int = MAX_PHRASES) -> Hint:
    """The reference hint of another article, half the set away."""
    return reference_hint(sources[(place + len(sources) // 2) % len(sources)], count)


def table_candidates(source: Source, count: int = TABLE_CANDIDATES) -> tuple[int, ...]:
    """Places of the candidates that training chooses from, drawn once for each article."""
    draw = _draw(source, 0, "table")
    return tuple(sorted(draw.permutation(len(source.article.candidates))[:count].tolist()))


def table_hints(source: Source) -> tuple[Hint, ...]:
    """All sets of the training candidates: hint b holds candidate i where bit i of b is set."""
    phrases = [source.article.candidates[place] for place in table_candidates(source)]
    return tuple(
        tuple(phrase for bit, phrase in enumerate(phrases) if one >> bit & 1)
        for one in range(2 ** len(phrases))
    )


def _highest(phrases: Sequence[str], ranks: Sequence[float], count: int) -> Hint:
    order = sorted(range(len(phrases)), key=lambda place: (-ranks[place], place))[:count]
    return tuple(phrases[place] for place in sorted(order))


def _draw(source: Source, seed: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(f"{purpose} {source.article.id}".encode())])
