"""Texts beside each other, with parts marked: what a model was told and what it wrote.

The counterpart of ``LiveFigure`` for words. Python writes the texts for every position of the
live parameters once; the browser picks the position.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.figures.live import Position, Slot, encode_words, indices_at, pick, words_at

Role = Literal["", "good", "bad", "accent", "mark", "muted", "other"]
"""What a part is to its reader; the page chooses the colour."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text.

    Args:
        text: as it is, line breaks kept.
        role: what it is to the reader.
        note: shown when it is pointed at.
        pick: value that a click on it gives to the parameter which the view names for "pick".
    """

    text: str
    role: Role = ""
    note: str = ""
    pick: Position | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A text with its title.

    Args:
        title: what stands above it.
        spans: its parts, in order.
        note: one line below it, such as its score.
        is_wide: it has a row to itself, where others would stand beside it.
    """

    title: str
    spans: tuple[Span, ...]
    note: str = ""
    is_wide: bool = False


@dataclass(frozen=True)
class LivePassages:
    """Some texts, and how they change with live parameters.

    Args:
        passages: the texts; lists of them nested as ``axes`` when they depend on it.
        axes: every position of each live parameter, in slider order.
        words: what the reader sees, in two or three sentences; one text, or a slot of texts.
    """

    passages: Sequence[Any]
    axes: Mapping[str, Sequence[Position]] = field(default_factory=dict)
    words: str | Slot = ""

    def at(self, **position: Position) -> tuple[Passage, ...]:
        """The texts at one position of the live parameters (nearest position of each).

        Raises:
            KeyError: a live parameter is missing.
        """
        return tuple(pick(self.passages, indices_at(self.axes, tuple(self.axes), position)))

    def words_at(self, **position: Position) -> str:
        """The sentences for one position of the live parameters."""
        return words_at(self.words, self.axes, position)

    def payload(self) -> dict[str, Any]:
        """The texts as JSON for the browser; a text that stands at many positions is sent once."""
        numbers: dict[Passage, int] = {}
        places = itertools.product(*(range(len(positions)) for positions in self.axes.values()))
        shown = [
            [numbers.setdefault(passage, len(numbers)) for passage in pick(self.passages, place)]
            for place in places
        ]
        return {
            "passages": [_as_json(passage) for passage in numbers],
            "shown": shown,
            "axes": {name: list(positions) for name, positions in self.axes.items()},
            "words": encode_words(self.words, self.axes),
        }


def _as_json(passage: Passage) -> dict[str, Any]:
    spans = [
        [span.text, span.role, span.note] + ([] if span.pick is None else [span.pick])
        for span in passage.spans
    ]
    wide = {"wide": True} if passage.is_wide else {}
    return {"title": passage.title, "spans": spans, "note": passage.note, **wide}
