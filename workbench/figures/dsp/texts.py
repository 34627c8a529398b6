"""Texts with the phrases of a hint marked in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.figures.passages import Role, Span
from workbench.methods.dsp.marking import FATES, Fate, find_phrases, occurs


def mark(
    text: str, phrases: Sequence[str], role_of: Callable[[str], tuple[Role, str]]
) -> tuple[Span, ...]:
    """A text cut into spans: the phrases with their role and note, the rest plain.

    Args:
        text: the whole text.
        phrases: what to mark; the longer of two that overlap.
        role_of: phrase -> its role and the note that pointing at it shows.
    """
    spans: list[Span] = []
    end = 0
    for place in find_phrases(text, phrases):
        if place.start > end:
            spans.append(Span(text[end : place.start]))
        role, note = role_of(phrases[place.phrase])
        spans.append(Span(text[place.start : place.end], role, note))
        end = place.end
    if end < len(text):
        spans.append(Span(text[end:]))
    return tuple(spans)


def mark_article(text: str, phrases: Sequence[str], reference: str) -> tuple[Span, ...]:
    """An article with the phrases of a hint, told apart by whether the reference has them."""

    def role_of(phrase: str) -> tuple[Role, str]:
        if occurs(phrase, reference):
            return "good", "in the hint and in the reference"
        return "mark", "in the hint, not in the reference"

    return mark(text, phrases, role_of)


def say_marks(phrases: Sequence[str], reference: str) -> str:
    """What the colours of ``mark_article`` say, for those who see none; nothing without marks."""
    if not phrases or not reference:
        return ""
    return "Phrases of the hint: green ones stand in the reference too, amber ones do not."


def mark_output(text: str, phrases: Sequence[str], reference: str) -> tuple[Span, ...]:
    """A summary with the phrases of the hint that it took up."""

    def role_of(phrase: str) -> tuple[Role, str]:
        fate: Fate = "good" if occurs(phrase, reference) else "accent"
        return fate, FATES[fate]

    return mark(text, phrases, role_of)


def list_phrases(
    phrases: Sequence[str], role_of: Callable[[str], tuple[Role, str]]
) -> tuple[Span, ...]:
    """A hint as the language model is given it: phrases with semicolons between, then a stop."""
    if not phrases:
        return (Span("no hint", "muted"),)
    spans: list[Span] = []
    for number, phrase in enumerate(phrases):
        if number:
            spans.append(Span("; "))
        role, note = role_of(phrase)
        spans.append(Span(phrase, role, note))
    return (*spans, Span("."))
