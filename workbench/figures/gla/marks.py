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
