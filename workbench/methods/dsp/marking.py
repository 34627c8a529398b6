"""Where the phrases of a hint stand in a text, and what became of each.

As in the authors' reward a phrase counts as present when it is a substring of the lower-cased
text, so "art" hits "party" (arXiv:2302.11520, code); ``whole_words=True`` asks for more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from workbench.methods.dsp.keywords import occurs as occurs

Fate = Literal["good", "accent", "muted"]
"""Of a phrase: in output and reference; in the output only; not in the output."""

FATES: Final[dict[Fate, str]] = {
    "good": "in the output and in the reference",
    "accent": "in the output, not in the reference",
    "muted": "not in the output",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a text: characters ``start`` to ``end`` are phrase number ``phrase``."""

    start: int
    end: int
    phrase: int


def fate(phrase: str, output: str, reference: str, *, whole_words: bool = False) -> Fate:
    """What became of a phrase of the hint."""
    if not occurs(phrase, output, whole_words=whole_words):
        return "muted"
    return "good" if occurs(phrase, reference, whole_words=whole_words) else "accent"


def find_phrases(
    text: str, phrases: Sequence[str], *, whole_words: bool = False
) -> tuple[Place, ...]:
    """Every place of every phrase, in the order of the text; no two overlap.

    Where two phrases overlap the longer one is marked, and of equally long ones the first.

    Args:
        text: where to look.
        phrases: what to look for, without regard to case; empty ones are passed over.
        whole_words: a phrase may not begin or end inside a word.
    """
    taken = bytearray(len(text))
    found: list[Place] = []
    by_length = sorted(range(len(phrases)), key=lambda i: (-len(phrases[i].strip()), i))
    for number in by_length:
        if not phrases[number].strip():
            continue
        for match in _pattern(phrases[number], whole_words).finditer(text):
            start, end = match.span()
            if not any(taken[start:end]):
                taken[start:end] = b"\x01" * (end - start)
                found.append(Place(start, end, number))
    return tuple(sorted(found, key=lambda place: place.start))


def _pattern(phrase: str, whole_words: bool) -> re.Pattern[str]:
    words = re.escape(phrase.strip())
    return re.compile(rf"(?<!\w){words}(?!\w)" if whole_words else words, re.IGNORECASE)
