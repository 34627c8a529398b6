"""What a tab says about one of its figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from mimetypes import MimeTypes
from typing import Any, Protocol

MEDIA_TYPES = MimeTypes()
"""Python's own table, whatever this machine's says."""
SHORT_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Drawn(Protocol):
    """What a view shows: a ``LiveFigure``, or texts as ``LivePassages``."""

    def payload(self) -> dict[str, Any]:
        """What the browser is sent."""
        ...


@dataclass(frozen=True, slots=True)
class Offer:
    """A phrase or value that one click puts into a control.

    Args:
        text: what is put there.
        role: what it is to the reader, one of the roles of ``workbench.figures.passages``; a
            phrase that is in the control already takes its colour too.
    """

    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """One figure of a study, or texts of it.

    Args:
        name: short name, unique within the study; part of file names of exports.
        title: what stands on its switch.
        draw: the study's result -> the figure, or the texts.
        picks: what a click on a point of the figure sets: a part of Plotly's point ("x", "y",
            "customdata") -> name of a live parameter, or of ``Picks``, to which the number is
            added or from which it is taken. If any trace has ``meta="pick"``, only such traces
            answer to clicks. Of texts, "pick" is the value of the part that was clicked.
        plays: name of a live ``Range`` that a play button steps through; none if empty.
    """

    name: str
    title: str
    draw: Callable[[Any], Drawn]
    picks: Mapping[str, str] = field(default_factory=dict)
    plays: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """A file of a study's own that the page offers under Export, for other programs to read.

    Args:
        name: short name of small letters, digits and hyphens, unique within the study; part of
            the file's name.
        label: what stands on its button.
        media_type: what the file is ("application/json"); its ending follows from it.
        write: the study's result and the position of every live parameter -> what stands in the
            file.

    Raises:
        ValueError: the name is not short and plain, or no ending is known for the media type.
    """

    name: str
    label: str
    media_type: str
    write: Callable[[Any, Mapping[str, Any]], bytes | str]

    def __post_init__(self) -> None:
        if not SHORT_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not made of small letters, digits and hyphens")
        if not MEDIA_TYPES.guess_extension(self.media_type):
            raise ValueError(f"no ending of file names is known for {self.media_type!r}")

    def file_name(self, study: str) -> str:
        """What a study's file is called on the reader's disk."""
        return (
            f"{study.replace('.', '-')}-{self.name}{MEDIA_TYPES.guess_extension(self.media_type)}"
        )
