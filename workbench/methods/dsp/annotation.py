"""What is known of an article before any model has read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.methods.dsp.keywords import pseudo_label_keywords
from workbench.methods.dsp.phrases import candidate_phrases, noun_spans, textrank


def annotate(row: Mapping[str, Any]) -> dict[str, Any]:
    """An article in CNN/DailyMail's columns with its phrases.

    Args:
        row: ``id``, ``article`` and ``highlights``.

    Returns:
        The three, ``candidates`` (from the article alone), ``ranks`` (TextRank of each),
        ``keywords`` (phrases of the article that the highlights hold too) and ``keyword_ranks``.
    """
    article, highlights = row["article"], row["highlights"]
    candidates = candidate_phrases(article)
    keywords = pseudo_label_keywords(article, highlights, noun_spans(article))
    return {
        "id": row["id"],
        "article": article,
        "highlights": highlights,
        "candidates": list(candidates),
        "ranks": list(textrank(article, candidates)),
        "keywords": list(keywords),
        "keyword_ranks": list(textrank(article, keywords)),
    }
