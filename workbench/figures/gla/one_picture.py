"""What the figures of one picture share: its class, and the words for those brought along."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.wording import say_percent
from workbench.methods.gla.surgery import Params, Result
from workbench.methods.gla.terms import UNKNOWN


def of_pictures(
    result: Result, figure: go.Figure, slots: Sequence[Slot], words: Slot
) -> LiveFigure:
    """The live figure of parts whose first axis is the picture, or of the one that was brought.

    Args:
        result: what is shown.
        figure: at its first picture.
        slots: the parts that change; all with the picture as first axis.
        words: likewise.
    """
    if result.share_less_sure is None:
        return LiveFigure(figure, live_axes(Params), tuple(slots), words)
    kept = tuple(Slot(one.path, one.axes[1:], one.values[0]) for one in slots if one.axes[1:])
    said = Slot("", words.axes[1:], words.values[0]) if words.axes[1:] else words.values[0]
    return LiveFigure(figure, live_axes(Params), kept, said)


def bold_truth(result: Result, classes: np.ndarray) -> list[list[str]]:
    """Names of some classes of each picture, ``(m, c)``; its own in bold."""
    names = [html.escape(name) for name in result.class_names]
    return [
        [f"<b>{names[c]}</b>" if c == truth else names[c] for c in of_picture]
        for of_picture, truth in zip(classes.tolist(), result.truth.tolist(), strict=True)
    ]


def say_outside(result: Result) -> str:
    """What to think of guesses at a picture that somebody brought; nothing for test pictures."""
    if result.share_less_sure is None:
        return ""
    below = result.share_less_sure
    compared = (
        f"the zero-shot model's best logit is lower than on {say_percent(1 - below, 0)} of the "
        "test pictures"
        if below < 0.5
        else f"the zero-shot model's best logit is higher than on {say_percent(below, 0)} of the "
        "test pictures, which makes no picture an emoji"
    )
    return (
        f"The models know {len(result.class_names)} drawn emoji and nothing else, and must name "
        f"one of them. A photograph or a drawing lies outside their world, so take no guess for "
        f"knowledge: {compared}."
    )


def is_known(result: Result, m: int) -> bool:
    """Whether the class of a picture is known."""
    return int(result.truth[m]) != UNKNOWN
