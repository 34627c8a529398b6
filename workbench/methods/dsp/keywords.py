"""Pseudo-labels: the keywords a policy first learns to write (arXiv:2302.11520, section 2.1).

The authors run PyTextRank on the article and its reference together and keep the phrases that
stand in both (``sft4lms/Summarization/data_loader.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from workbench.methods.dsp.words import STOP_WORDS

SEPARATOR = "; "


def pseudo_label_keywords(
    article: str, reference: str, phrases: Iterable[str], *, whole_words: bool = False
) -> tuple[str, ...]:
    """The phrases that stand in both texts, none inside another, in the reference's order.

    Longest first; a phrase is dropped when it is a stop word, when a kept phrase contains it, or
    when it is missing from one of the texts. Case never matters.

    Args:
        article: the article.
        reference: its summary.
        phrases: what an extractor found.
        whole_words: match whole words only. The authors match substrings, so that "art" stands
            in "party".

    Returns:
        The keywords as they were given.
    """
    kept: list[str] = []
    for phrase in sorted({p.strip() for p in phrases}, key=lambda p: (-len(p), p)):
        if is_stop_phrase(phrase) or any(phrase.lower() in other.lower() for other in kept):
            continue
        if all(occurs(phrase, text, whole_words=whole_words) for text in (article, reference)):
            kept.append(phrase)
    return tuple(
        sorted(kept, key=lambda phrase: (place_of(phrase, reference, whole_words), phrase))
    )


def write_target(keywords: Iterable[str]) -> str:
    """The hint as one line, "a; b; c."."""
    return SEPARATOR.join(keywords) + "."


def is_stop_phrase(phrase: str) -> bool:
    """Whether a phrase says nothing: empty, punctuation alone, or stop words alone."""
    words = re.findall(r"\w+", phrase.lower())
    return all(word in STOP_WORDS for word in words)


def occurs(phrase: str, text: str, *, whole_words: bool = False) -> bool:
    """Whether a phrase stands in a text, whatever its case; never for an empty phrase."""
    return bool(phrase.strip()) and place_of(phrase, text, whole_words) >= 0


def place_of(phrase: str, text: str, whole_words: bool = False) -> int:
    """Where a phrase first stands in a text, in characters; -1 where it does not."""
    phrase, text = phrase.strip().lower(), text.lower()
    if not whole_words:
        return text.find(phrase)
    found = re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text)
    return found.start() if found else -1
