"""Lines, points and labels as every figure draws them.

``row`` and ``col`` name the panel; a figure without panels leaves them out. What has no name stands
in no legend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

RING = {"width": 2, "color": "white"}
"""Around points that stand on lines."""


def add_line(
    figure: go.Figure, row: int | None = None, col: int | None = None, **trace: Any
) -> int:
    """Add a line of a ``color``, ``width`` and ``dash``; returns the number of the trace."""
    line = {"color": trace.pop("color"), "width": trace.pop("width", 2.5)}
    line["dash"] = trace.pop("dash", "solid")
    return _add(figure, row, col, mode="lines", line=line, **trace)


def add_points(
    figure: go.Figure, row: int | None = None, col: int | None = None, **trace: Any
) -> int:
    """Add points of a ``color``, ``size``, ``symbol`` and outline ``line``, with any text beside.

    Returns:
        The number of the trace.
    """
    marker = {
        "color": trace.pop("color"),
        "size": trace.pop("size", 12),
        "symbol": trace.pop("symbol", "circle"),
        "line": trace.pop("line", {"width": 0}),
    }
    has_text = "text" in trace or "texttemplate" in trace
    mode = trace.pop("mode", "markers+text" if has_text else "markers")
    return _add(figure, row, col, mode=mode, marker=marker, **trace)


def add_label(
    figure: go.Figure, row: int | None = None, col: int | None = None, text: str = "", **place: Any
) -> None:
    """Write beside a mark, in its ``color``."""
    colour = place.pop("color")
    figure.add_annotation(
        text=text, font={"color": colour}, showarrow=False, row=row, col=col, **place
    )


def add_heading(
    figure: go.Figure, text: str, row: int | None = None, col: int | None = None
) -> None:
    """Write over a panel, from its left edge."""
    figure.add_annotation(
        text=text,
        x=0.0,
        y=1.0,
        xref="x domain",
        yref="y domain",
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        row=row,
        col=col,
    )


def segments(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """``(…, 3 k)`` ends of k strokes with a gap after each; pairs with ``thrice``."""
    gaps = np.full_like(low, np.nan)
    return np.stack([low, high, gaps], axis=-1).reshape(*low.shape[:-1], -1)


def thrice(places: Sequence[float] | np.ndarray) -> np.ndarray:
    """Where ``segments`` stand: each place three times."""
    return np.repeat(np.asarray(places, dtype=float), 3)


def _add(figure: go.Figure, row: int | None, col: int | None, **trace: Any) -> int:
    if "name" not in trace:
        trace.setdefault("showlegend", False)
    figure.add_scatter(row=row, col=col, **trace)
    return len(list(figure.data)) - 1
