"""What a tab says about one of its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.figures.live import LiveFigure


@dataclass(frozen=True, slots=True)
class View:
    """One figure of a study.

    Args:
        name: short name, unique within the study; part of file names of exports.
        title: what stands on its switch.
        draw: the study's result -> the figure.
        picks: what a click on a point of the figure sets: a part of Plotly's point ("x", "y",
            "customdata") -> name of a live parameter. If any trace has ``meta="pick"``, only
            such traces answer to clicks.
        plays: name of a live ``Range`` that a play button steps through; none if empty.
    """

    name: str
    title: str
    draw: Callable[[Any], LiveFigure]
    picks: Mapping[str, str] = field(default_factory=dict)
    plays: str = ""
