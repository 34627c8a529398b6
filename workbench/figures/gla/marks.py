"""Marks that several figures of this method share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.marks import add_line, add_points, thrice
from workbench.figures.theme import PALETTE

GROUP_COLOURS = (PALETTE["blue"], PALETTE["amber"], PALETTE["vermilion"])
GROUP_NAMES = ("head", "middle", "tail")
METHOD_COLOURS = {
    "zero_shot": PALETTE["blue"],
    "zero_shot_debiased": PALETTE["sky"],
    "fine_tuned": PALETTE["vermilion"],
    "ensemble": PALETTE["baseline"],
    "wise_ft": PALETTE["purple"],
    "gla": PALETTE["green"],
    "oracle": PALETTE["exact"],
}
POWERS_OF_TEN = {"type": "log", "dtick": 1, "tickformat": ".4~g"}
"""An axis of small probabilities or distances."""


def add_estimates(  # noqa: PLR0913  one panel's marks
    figure: go.Figure,
    places: np.ndarray,
    strokes: np.ndarray,
    estimates: np.ndarray,
    *,
    width: float = 2.5,
    opacity: float,
    showlegend: bool | None = None,
    **points: Any,
) -> tuple[int, int]:
    """Add an estimate for each class with its 95 % interval, in the first panel.

    Args:
        figure: with panels.
        places: ``(k,)`` where the classes stand.
        strokes: ``(3 k,)`` ends of the intervals, as ``segments`` gives them.
        estimates: ``(k,)``.
        width: of the intervals.
        opacity: of the intervals.
        showlegend: of both; as the figure has it if left out.
        points: of the estimates, as ``add_points`` takes them; their colour is that of both.

    Returns:
        Numbers of the two traces: intervals, estimates.
    """
    shown = {} if showlegend is None else {"showlegend": showlegend}
    interval = add_line(
        figure,
        1,
        1,
        x=thrice(places),
        y=strokes,
        name="95 % interval",
        color=points["color"],
        width=width,
        opacity=opacity,
        hoverinfo="skip",
        **shown,
    )
    return interval, add_points(figure, 1, 1, x=places, y=estimates, **{"size": 9} | points | shown)


def lay_out_prior(
    figure: go.Figure, title: str, ends: Sequence[float], span: Sequence[float]
) -> None:
    """The axes of a first panel of class probabilities: ranks across, powers of ten up.

    Args:
        figure: with panels.
        title: of the axis of ranks.
        ends: of the axis of ranks.
        span: of the axis of probabilities, as powers of ten.
    """
    figure.update_xaxes(title_text=title, range=list(ends), row=1, col=1)
    figure.update_yaxes(
        title_text="probability of the class", range=list(span), row=1, col=1, **POWERS_OF_TEN
    )
