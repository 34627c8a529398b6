"""What a tab says about one of its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


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
