"""Texts as only the figures of this method show them."""

from __future__ import annotations


def shorten(text: str, characters: int) -> str:
    """The text, cut at a word where it is too long."""
    if len(text) <= characters:
        return text
    return text[: characters - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
