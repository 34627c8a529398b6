"""What a tab says about one of its figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.figures.live import LiveFigure


@dataclass(frozen=True, slots=True)
class View:
    """One figure of a study.

    Args:
        name: short name, unique within the study; part of file names of exports.
        title: what stands on its switch.
        draw: the study's result -> the figure.
    """

    name: str
    title: str
    draw: Callable[[Any], LiveFigure]
