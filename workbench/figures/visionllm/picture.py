"""A picture with what was found on it: outlines and names over pixels.

Places are fractions of the sides, from the left and from the top. A picture looks the same on paper
and on slate, so its marks keep their colours there: bright lines on a dark rim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.raster import picture_address
from workbench.figures.theme import CHALK, PALETTE_DARK, SLATE

LONGEST_PX = 320
"""Larger pictures are sent at this size."""
_HUES = ("amber", "sky", "green", "vermilion", "purple", "blue")
_RIM = ", ".join([f"0 0 2px {SLATE}"] * 4 + [f"0 0 5px {SLATE}"])
_HIDDEN = {
    "showgrid": False,
    "showline": False,
    "ticks": "",
    "showticklabels": False,
    "title_text": "",
    "fixedrange": True,
}


def entry_colour(place: int) -> str:
    """Colour of an entry of the dictionary; they repeat, so every mark is named too."""
    return PALETTE_DARK[_HUES[place % len(_HUES)]]


def add_picture(
    figure: go.Figure, pixels: np.ndarray, row: int | None = None, col: int | None = None
) -> int:
    """Add a picture that fills the unit square of a panel, and fit the panel's axes to it.

    Args:
        figure: with or without panels.
        pixels: ``(h, w, 3)`` uint8.
        row: of the panel.
        col: of the panel.

    Returns:
        The number of the trace.
    """
    height, width = _sent_size(pixels)
    figure.add_trace(
        go.Image(
            source=picture_address(pixels, LONGEST_PX),
            x0=0.5 / width,
            dx=1 / width,
            y0=0.5 / height,
            dy=1 / height,
            hoverinfo="skip",
            name="picture",
        ),
        row=row,
        col=col,
    )
    number = len(list(figure.data)) - 1
    drawn: Any = list(figure.data)[number]
    across = drawn.xaxis or "x"
    figure.update_xaxes(range=[0, 1], constrain="domain", row=row, col=col, **_HIDDEN)
    figure.update_yaxes(
        range=[1, 0],
        scaleanchor=across,
        scaleratio=pixels.shape[0] / pixels.shape[1],
        constrain="domain",
        row=row,
        col=col,
        **_HIDDEN,
    )
    return number


def corners(boxes: np.ndarray) -> np.ndarray:
    """Boxes as outlines of four points, ``(…, 4)`` → ``(…, 4, 2)``."""
    left, top, right, bottom = np.moveaxis(np.asarray(boxes), -1, 0)
    x = np.stack([left, right, right, left], axis=-1)
    y = np.stack([top, top, bottom, bottom], axis=-1)
    return np.stack([x, y], axis=-1)


def strokes(outlines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Closed outlines as one line with gaps.

    Args:
        outlines: ``(…, n, N, 2)``; an outline of NaN is not drawn.

    Returns:
        x and y, each ``(…, n (N + 2))``.
    """
    gap = np.full_like(outlines[..., :1, :], np.nan)
    closed = np.concatenate([outlines, outlines[..., :1, :], gap], axis=-2)
    flat = closed.reshape(*closed.shape[:-3], -1, 2)
    return flat[..., 0], flat[..., 1]


def add_outlines(
    figure: go.Figure,
    outlines: np.ndarray,
    row: int | None = None,
    col: int | None = None,
    *,
    colour: str,
    **trace: Any,
) -> tuple[int, int]:
    """Add outlines of one colour on a dark rim.

    Args:
        figure: with a picture.
        outlines: ``(n, N, 2)``.
        row: of the panel.
        col: of the panel.
        colour: of the line; ``entry_colour`` gives one that is seen on any picture.
        trace: what else Plotly's scatter takes, such as ``name``; ``width`` and ``dash`` of the
            line.

    Returns:
        The numbers of the two traces, rim first; both take the same x and y (``strokes``).
    """
    x, y = strokes(outlines)
    width, dash = trace.pop("width", 2.5), trace.pop("dash", "solid")
    # A dashed line has a solid, thin rim: it stays a dashed line.
    rim = {"color": SLATE, "width": width + 2.5}
    common = {"x": x, "y": y, "mode": "lines", "row": row, "col": col, "showlegend": False}
    figure.add_scatter(line=rim, opacity=0.7, hoverinfo="skip", **common)
    figure.add_scatter(
        line={"color": colour, "width": width, "dash": dash}, **({"hoverinfo": "skip"} | trace),
        **common,
    )  # fmt: skip
    last = len(list(figure.data)) - 1
    return last - 1, last


def add_names(
    figure: go.Figure,
    places: np.ndarray,
    texts: Sequence[str],
    row: int | None = None,
    col: int | None = None,
    **trace: Any,
) -> int:
    """Write beside what was found, readable on any picture.

    Args:
        figure: with a picture.
        places: ``(n, 2)``, usually the upper left corner of a box.
        texts: of each.
        row: of the panel.
        col: of the panel.
        trace: what else Plotly's scatter takes; ``colour`` of the text, one or one each.

    Returns:
        The number of the trace.
    """
    font = {"color": trace.pop("colour", CHALK), "shadow": _RIM, "size": trace.pop("size", 16)}
    given = {"textposition": "top right", "showlegend": False, "hoverinfo": "skip"} | trace
    x, y = np.asarray(places, dtype=np.float64).reshape(-1, 2).T
    figure.add_scatter(
        x=x, y=y, text=list(texts), mode="text", textfont=font, cliponaxis=False,
        row=row, col=col, **given,
    )  # fmt: skip
    return len(list(figure.data)) - 1


def _sent_size(pixels: np.ndarray) -> tuple[int, int]:
    """Height and width of what the browser gets (Pillow's own rule of thumbnails)."""
    height, width = pixels.shape[:2]
    if max(height, width) <= LONGEST_PX:
        return height, width
    scale = LONGEST_PX / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))
