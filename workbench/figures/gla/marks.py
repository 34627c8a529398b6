"""Marks that several figures of this method share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

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
RING = {"width": 2, "color": "white"}
POWERS_OF_TEN = {"type": "log", "dtick": 1, "tickformat": ".4~g"}
"""An axis of small probabilities or distances."""


def add_line(figure: go.Figure, col: int, **trace: Any) -> int:
    """Add a line; returns the number of the trace."""
    line = {"color": trace.pop("color"), "width": trace.pop("width", 2.5)}
    line["dash"] = trace.pop("dash", "solid")
    figure.add_scatter(mode="lines", line=line, row=1, col=col, **trace)
    return len(list(figure.data)) - 1


def add_points(figure: go.Figure, col: int, **trace: Any) -> int:
    """Add points, with text where there is any; returns the number of the trace."""
    marker = {
        "color": trace.pop("color"),
        "size": trace.pop("size", 9),
        "symbol": trace.pop("symbol", "circle"),
    } | ({"line": RING} if trace.pop("ringed", False) else {})
    mode = "markers+text" if "text" in trace else "markers"
    figure.add_scatter(mode=mode, marker=marker, row=1, col=col, **trace)
    return len(list(figure.data)) - 1


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
        x=thrice(places),
        y=strokes,
        name="95 % interval",
        color=points["color"],
        width=width,
        opacity=opacity,
        hoverinfo="skip",
        **shown,
    )
    return interval, add_points(figure, 1, x=places, y=estimates, **points, **shown)


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


def add_label(figure: go.Figure, col: int, text: str, **place: Any) -> None:
    """Write beside a mark."""
    colour = place.pop("color")
    figure.add_annotation(
        text=text, font={"color": colour}, showarrow=False, row=1, col=col, **place
    )


def segments(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """``(…, 3 k)`` ends of k vertical strokes with a gap after each; pairs with ``thrice``."""
    gaps = np.full_like(low, np.nan)
    return np.stack([low, high, gaps], axis=-1).reshape(*low.shape[:-1], -1)


def thrice(places: Sequence[float] | np.ndarray) -> np.ndarray:
    """Where ``segments`` stand: each place three times."""
    return np.repeat(np.asarray(places, dtype=float), 3)
