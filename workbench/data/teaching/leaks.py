"""Sentences that say the answer instead of explaining it."""

from __future__ import annotations

import re

CUE = re.compile(
    r"""
    \b(?:answer|choice|option)(?:\s+(?:choice|number|to\s+(?:the|this)\s+question))?
    \s*(?:is|are|was|were|must\s+be|would\s+be|will\s+be|should\s+be|=|:)
    | ^\W*(?:so|thus|hence|therefore)?\W*(?:yes|no)\b\W*(?:[,.;:!]|$|because\b|since\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""An answer cue: "the answer is", "the correct choice is", or a sentence that begins with yes or no
and a comma, a stop or a reason."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=\S)")


def split_sentences(text: str) -> list[str]:
    """Sentences of a text, without the white space between them."""
    return [one for one in _SENTENCE_END.split(" ".join(text.split())) if one]


def find_leaks(text: str) -> list[str]:
    """Sentences of a text with an answer cue."""
    return [one for one in split_sentences(text) if CUE.search(one)]


def strip_leaks(text: str) -> tuple[str, bool]:
    """A text without its sentences that hold an answer cue, and whether there were any."""
    kept = [one for one in split_sentences(text) if not CUE.search(one)]
    return " ".join(kept), len(kept) < len(split_sentences(text))
