"""What an instruction asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.methods.visionllm.formats import BOX_POINTS, TEXT_SLOT, slots_of

Kind = Literal["detection", "segmentation", "grounding", "captioning", "question"]
KINDS: tuple[Kind, ...] = ("detection", "segmentation", "grounding", "captioning", "question")
SET_KINDS: tuple[Kind, ...] = ("detection", "segmentation", "grounding")
"""Answered by a set of tuples; the other two by text."""
MOST_CLASSES = 512
"""Class tokens of the paper: <c0> to <c511>."""


@dataclass(frozen=True)
class Entry:
    """One entry of the dictionary.

    Args:
        name: words that the class token stands for in this prompt.
        token: j of <cj>, which means nothing outside this prompt.
    """

    name: str
    token: int


@dataclass(frozen=True)
class Task:
    """An instruction, understood.

    Args:
        kind: what to do.
        entries: the dictionary, in the order it is written; empty for text.
        points: N of the format, 2 for boxes; 0 for text.
        reach: the largest location token that may be used; 0 for text.
        question: what to answer; empty unless the task is a question.
        is_long: whether a long caption is wanted.
    """

    kind: Kind
    entries: tuple[Entry, ...] = ()
    points: int = BOX_POINTS
    reach: int = 0
    question: str = ""
    is_long: bool = False

    @property
    def slots(self) -> tuple[str, ...]:
        """The template to fill in."""
        return slots_of(self.points) if self.kind in SET_KINDS else (TEXT_SLOT,)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the dictionary, in order."""
        return tuple(entry.name for entry in self.entries)
