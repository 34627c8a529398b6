"""Sentences that say the answer instead of explaining it."""

from __future__ import annotations

import re

CUE = re.compile(
    r"""
    (?:^|\b(?:the|my|our|your|correct|right|final|best)\s+)
    (?:answer|choice|option)(?:\s+(?:choice|number|to\s+(?:the|this)\s+question))?
    \s*(?:is|are|was|were|must\s+be|would\s+be|will\s+be|should\s+be|=|:)
    | ^\W*(?:so|thus|hence|therefore)?\W*(?:yes|no)\b\W*(?:[,.;:!]|$|because\b|since\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""An answer cue: "the answer is", "the correct choice is", or a sentence that begins with yes or no
and a comma, a stop or a reason."""
_LEAD = re.compile(
    r"^\W*(?:(?:so|thus|hence|therefore)\W+)?(?:yes|no)\b\W*"
    r"(?:[,.;:!]|$|(?=because\b|since\b))(?:\s*(?:because|since)\b)?[\s,:;]*",
    re.IGNORECASE,
)
"""The yes or no that a sentence begins with, up to its reason."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=\S)")


def split_sentences(text: str) -> list[str]:
    """Sentences of a text, without the white space between them."""
    return [one for one in _SENTENCE_END.split(" ".join(text.split())) if one]


def find_leaks(text: str) -> list[str]:
    """Sentences of a text with an answer cue."""
    return [one for one in split_sentences(text) if CUE.search(one)]


def strip_leaks(text: str) -> tuple[str, bool]:
    """A text without what says the answer, and whether there was any.

    A sentence with an answer cue goes as a whole; of "No, tin is soft." only "No," goes.
    """
    sentences = split_sentences(text)
    kept = [_LEAD.sub("", one) for one in sentences]
    kept = [
        one[:1].upper() + one[1:] if one != was else one
        for one, was in zip(kept, sentences, strict=True)
    ]
    kept = [one for one in kept if one and not CUE.search(one)]
    return " ".join(kept), kept != sentences
