"""A picture with all boxes of an answer, one of them chosen by a live control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import Slot
from workbench.figures.theme import CHALK, PALETTE_DARK, SLATE
from workbench.figures.visionllm.picture import add_names, add_outlines, add_picture, corners

SHOWN_SCORE = 0.5
"""Boxes below it are not drawn unless they are chosen."""
CHOSEN = PALETTE_DARK["amber"]


@dataclass(frozen=True, eq=False)
class Boxes:
    """What is drawn on a picture.

    Args:
        pixels: of the picture, ``(h, w, 3)`` uint8.
        boxes: ``(n, 4)`` in fractions of the sides, the surest first.
        scores: ``(n,)``.
        centres: ``(n, 2)``, l of each.
        names: of each.
        truth: ``(m, 4)`` of the things that are there.
    """

    pixels: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    centres: np.ndarray
    names: Sequence[str]
    truth: np.ndarray


def add_chosen_box(
    figure: go.Figure, drawn: Boxes, axis: str, chosen: Sequence[int], col: int | None = None
) -> list[Slot]:
    """Draw the true boxes, the sure ones with their names, and the chosen one with its centre.

    A click on a name or a dot gives the box's number, from 1 on, as ``customdata``.

    Args:
        figure: with or without panels.
        drawn: picture and boxes.
        axis: the live parameter.
        chosen: number of the box at each position, from 0 on.
        col: of the panel, in the first row.

    Returns:
        The parts that change.
    """
    row = None if col is None else 1
    add_picture(figure, drawn.pixels, row, col)
    sure = [n for n, score in enumerate(drawn.scores) if score >= SHOWN_SCORE or n == 0]
    add_outlines(
        figure, corners(drawn.truth), row, col, colour=CHALK, width=1, dash="dot", name="truth"
    )
    add_outlines(figure, corners(drawn.boxes[sure]), row, col, colour=CHALK, width=1.5)
    first = corners(drawn.boxes[chosen[:1]])
    rim, line = add_outlines(figure, first, row, col, colour=CHOSEN, width=3)
    add_names(
        figure,
        drawn.boxes[sure][:, :2],
        [drawn.names[n] for n in sure],
        row,
        col,
        customdata=[n + 1 for n in sure],
        meta="pick",
        hoverinfo="none",
    )
    dots = list(range(len(set(chosen))))
    figure.add_scatter(
        x=drawn.centres[dots, 0],
        y=drawn.centres[dots, 1],
        customdata=[n + 1 for n in dots],
        mode="markers",
        marker={"size": 9, "color": CHALK, "opacity": 0.75, "line": {"width": 1.5, "color": SLATE}},
        meta="pick",
        hovertemplate="centre of box %{customdata}<extra></extra>",
        showlegend=False,
        row=row,
        col=col,
    )
    figure.add_scatter(
        x=drawn.centres[chosen[:1], 0],
        y=drawn.centres[chosen[:1], 1],
        mode="markers",
        marker={"size": 12, "color": CHOSEN, "line": {"width": 2, "color": SLATE}},
        hoverinfo="skip",
        showlegend=False,
        row=row,
        col=col,
    )
    dot = len(list(figure.data)) - 1
    outlines = np.concatenate(
        [corners(drawn.boxes)[chosen], corners(drawn.boxes)[chosen][:, :1]], 1
    )
    slots = [
        Slot(f"data[{number}].{part}", (axis,), outlines[..., place])
        for number in (rim, line)
        for place, part in enumerate("xy")
    ]
    return slots + [
        Slot(f"data[{dot}].{part}", (axis,), drawn.centres[chosen][:, [place]])
        for place, part in enumerate("xy")
    ]
