"""The text of a growing answer: whole characters only, and never a part of a stop string."""

from __future__ import annotations

from collections.abc import Sequence

_INCOMPLETE = "\ufffd"
"""A tokenizer decodes the first bytes of an unfinished character to this."""


def cut_at_stop(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """Cut a text where the earliest stop string begins.

    Returns:
        The text before it, and whether there was one.
    """
    found = [place for stop in stops if (place := text.find(stop)) >= 0]
    return (text[: min(found)], True) if found else (text, False)


def safe_part(text: str, stops: Sequence[str]) -> str:
    """The part of an unfinished text that later tokens cannot change or cut away.

    Args:
        text: decoded so far, without a complete stop string.
        stops: strings at which the text will be cut.
    """
    text = text.rstrip(_INCOMPLETE)
    held = max((_overlap(text, stop) for stop in stops), default=0)
    return text[: len(text) - held]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of ``text`` that begins ``stop``."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
