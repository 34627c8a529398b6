"""Colours and marks that several figures of this method share."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.theme import PALETTE

CHOSEN = PALETTE["blue"]
HELPED = PALETTE["green"]
HARMED = PALETTE["danger"]
SAME = PALETTE["exact"]
RANDOM = PALETTE["baseline"]
BOUND = PALETTE["exact"]
CHANCE = PALETTE["threshold"]
TEACHER_COLOURS = {"human": PALETTE["blue"], "model": PALETTE["vermilion"]}
KIND_COLOURS = {
    "persuadable": HELPED,
    "sure_thing": PALETTE["sky"],
    "lost_cause": RANDOM,
    "harmed": HARMED,
}
FIGURE_HEIGHT = 500


def add_band(figure: go.Figure, **trace: Any) -> int:
    """Add a filled outline, drawn by ``outline``; returns the number of the trace."""
    colour = trace.pop("color")
    figure.add_scatter(
        mode="lines",
        fill="toself",
        fillcolor=colour,
        line={"width": 0, "color": colour},
        opacity=trace.pop("opacity", 0.18),
        showlegend=False,
        hoverinfo="skip",
        **trace,
    )
    return len(list(figure.data)) - 1


def add_text(figure: go.Figure, text: str, **place: Any) -> int:
    """Write at a point; returns the number of the trace."""
    colour = place.pop("color")
    figure.add_scatter(
        x=[place.pop("x")],
        y=[place.pop("y")],
        text=[text],
        mode="text",
        textposition=place.pop("textposition", "middle right"),
        textfont={"color": colour},
        showlegend=False,
        hoverinfo="skip",
        **place,
    )
    return len(list(figure.data)) - 1


def outline(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """``(…, 2 m)`` heights along the lower edge and back along the upper one."""
    return np.concatenate([low, high[..., ::-1]], axis=-1)


def there_and_back(places: np.ndarray) -> np.ndarray:
    """``(2 m,)`` where ``outline`` stands."""
    return np.concatenate([places, places[::-1]])
