"""Pictures inside a figure: one at a time, changed by the slider that chooses it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import Slot
from workbench.figures.raster import picture_address

_PHOTOGRAPH_PX = 160
"""Larger pictures are sent at this size, as JPEG; small drawings keep every pixel."""


def add_drawings(figure: go.Figure, drawings: np.ndarray) -> Slot:
    """Add the chosen picture as the figure's first trace, in its first subplot.

    Args:
        figure: with subplots and no trace yet.
        drawings: ``(m, side, side, 3)`` uint8, one for each position of "picture".

    Returns:
        How the trace changes.
    """
    sources = [picture_address(drawing, _PHOTOGRAPH_PX) for drawing in drawings]
    figure.add_trace(go.Image(source=sources[0], hoverinfo="skip", name="picture"), row=1, col=1)
    return Slot("data[0].source", ("picture",), sources)


def show_drawings(figure: go.Figure, drawings: np.ndarray) -> None:
    """Fit the first subplot's axes around the pictures and hide them."""
    edge = _sent_px(drawings.shape[1])
    hidden = {"showgrid": False, "showline": False, "ticks": "", "showticklabels": False}
    figure.update_xaxes(range=[-0.5, edge - 0.5], row=1, col=1, **hidden)
    figure.update_yaxes(range=[edge - 0.5, -0.5], row=1, col=1, **hidden)


def _sent_px(side: int) -> int:
    return min(side, _PHOTOGRAPH_PX)
