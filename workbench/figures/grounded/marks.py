"""Colours and marks that several figures of this method share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.theme import PALETTE

METHOD_COLOURS = {
    "ungrounded": PALETTE["baseline"],
    "greedy": PALETTE["vermilion"],
    "beam": PALETTE["green"],
    "saycan": PALETTE["blue"],
    "saycan_shared": PALETTE["sky"],
}
METHOD_NAMES = {
    "ungrounded": "language model alone",
    "greedy": "grounded, greedy",
    "beam": "grounded, beam",
    "saycan": "SayCan",
    "saycan_shared": "SayCan, shared prefixes",
}
LANGUAGE, SCENE, PRODUCT = PALETTE["blue"], PALETTE["green"], PALETTE["vermilion"]
"""What the language model says, what the scene says, and both together."""
OUTCOME_COLOURS = {
    "success": PALETTE["green"],
    "planner": PALETTE["vermilion"],
    "policy": PALETTE["amber"],
    "limit": PALETTE["purple"],
}
OUTCOME_NAMES = {
    "success": "done",
    "planner": "wrong plan",
    "policy": "the hand failed",
    "limit": "ran out of steps",
}


def add_line(figure: go.Figure, row: int, col: int, **trace: Any) -> int:
    """Add a line; returns the number of the trace."""
    line = {"color": trace.pop("color"), "width": trace.pop("width", 2.5)}
    line["dash"] = trace.pop("dash", "solid")
    figure.add_scatter(mode="lines", line=line, row=row, col=col, **trace)
    return len(list(figure.data)) - 1


def add_points(figure: go.Figure, row: int, col: int, **trace: Any) -> int:
    """Add points, with text where there is any; returns the number of the trace."""
    marker = {
        "color": trace.pop("color"),
        "size": trace.pop("size", 12),
        "symbol": trace.pop("symbol", "circle"),
        "line": trace.pop("line", {"width": 0}),
    }
    mode = "markers+text" if "text" in trace else "markers"
    figure.add_scatter(mode=mode, marker=marker, row=row, col=col, **trace)
    return len(list(figure.data)) - 1


def segments(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """``(…, 3 k)`` ends of k strokes with a gap after each; pairs with ``thrice``."""
    gaps = np.full_like(low, np.nan)
    return np.stack([low, high, gaps], axis=-1).reshape(*low.shape[:-1], -1)


def thrice(places: Sequence[float] | np.ndarray) -> np.ndarray:
    """Where ``segments`` stand: each place three times."""
    return np.repeat(np.asarray(places, dtype=float), 3)
