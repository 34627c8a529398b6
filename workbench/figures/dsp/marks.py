"""Colours and marks that several figures of this method share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.theme import PALETTE

SOURCE_COLOURS = {
    "none": PALETTE["baseline"],
    "lead2": PALETTE["baseline"],
    "supervised": PALETTE["sky"],
    "reinforced": PALETTE["green"],
    "extractor": PALETTE["purple"],
    "random": PALETTE["amber"],
    "wrong": PALETTE["danger"],
    "reference": PALETTE["exact"],
}
RUN_COLOURS = {
    "nlpo": PALETTE["green"],
    "ppo": PALETTE["blue"],
    "no_kl": PALETTE["danger"],
    "no_step": PALETTE["purple"],
}
RING = {"width": 2, "color": "white"}


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
    }
    marker["line"] = trace.pop("line", {"width": 0})
    has_text = "text" in trace or "texttemplate" in trace
    figure.add_scatter(
        mode="markers+text" if has_text else "markers", marker=marker, row=row, col=col, **trace
    )
    return len(list(figure.data)) - 1


def add_label(figure: go.Figure, row: int, col: int, text: str, **place: Any) -> None:
    """Write beside a mark."""
    colour = place.pop("color")
    figure.add_annotation(
        text=text, font={"color": colour}, showarrow=False, row=row, col=col, **place
    )


def segments(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """``(…, 3 k)`` ends of k strokes with a gap after each; pairs with ``thrice``."""
    gaps = np.full_like(low, np.nan)
    return np.stack([low, high, gaps], axis=-1).reshape(*low.shape[:-1], -1)


def thrice(places: Sequence[float] | np.ndarray) -> np.ndarray:
    """Where ``segments`` stand: each place three times."""
    return np.repeat(np.asarray(places, dtype=float), 3)


def span_of(*parts: np.ndarray, pad: float = 0.06) -> list[float]:
    """Ends of an axis that shows every finite number of the parts, with some room."""
    every = np.concatenate([np.ravel(part) for part in parts])
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    room = pad * ((high - low) or abs(high) or 1.0)
    return [low - room, high + room]
