"""Attention weights of the first tokens: exact, approximate, and what lies between them."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.attention.wording import (
    AXES,
    IN_SENTENCE,
    KIND_NAMES,
    live_axes,
    over_positions,
    say_number,
)
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.theme import DIVERGING, SEQUENTIAL, TEMPLATE
from workbench.methods.attention.polynomial import KINDS
from workbench.methods.attention.sweep import Result

LARGEST_PERCENT = 6e4
"""Half precision holds no more; such a weight is far off every colour scale."""


def draw_matrices(result: Result) -> LiveFigure:
    """Three small matrices side by side on one colour scale, which follows B."""
    grid = result.grid
    exact = 100.0 * grid.exact_window
    approximate = 100.0 * grid.approximate_window
    difference = approximate - exact
    size = exact.shape[-1]
    tokens = np.arange(1, size + 1)
    figure = make_subplots(
        1, 3, subplot_titles=["Exact", "Approximate", "Difference"], horizontal_spacing=0.06
    )
    for column, (name, axis) in enumerate(
        (("exact", "coloraxis"), ("approximate", "coloraxis"), ("difference", "coloraxis2")), 1
    ):
        figure.add_trace(
            go.Heatmap(
                x=tokens,
                y=tokens,
                z=exact[0],
                name=name,
                coloraxis=axis,
                xgap=1,
                ygap=1,
                hovertemplate=f"query %{{y}}, key %{{x}}<br>{name}: %{{z:.3g}} %<extra></extra>",
            ),
            row=1,
            col=column,
        )
    largest = exact.max(axis=(1, 2))
    _lay_out(figure, size)
    titles = [[f"Degree-{int(g)} {KIND_NAMES[kind]}" for g in grid.degrees] for kind in KINDS]
    slots = (
        Slot("data[0].z", ("bound_b",), exact),
        Slot("data[1].z", AXES, _compact(approximate)),
        Slot("data[2].z", AXES, _compact(difference)),
        Slot("layout.coloraxis.cmax", ("bound_b",), largest),
        Slot("layout.coloraxis2.cmax", ("bound_b",), largest),
        Slot("layout.coloraxis2.cmin", ("bound_b",), -largest),
        Slot("layout.annotations[1].text", ("kind", "degree"), titles),
    )
    worst = np.abs(difference).max(axis=(-2, -1))
    words = over_positions(lambda k, g, b: _say(result, worst, k, g, b), grid)
    return LiveFigure(figure, live_axes(grid), slots, Slot("", AXES, words))


def _compact(percent: np.ndarray) -> np.ndarray:
    return np.clip(percent, -LARGEST_PERCENT, LARGEST_PERCENT).astype(np.float16)


def _lay_out(figure: go.Figure, size: int) -> None:
    figure.update_layout(
        template=TEMPLATE,
        height=450,
        margin={"t": 50, "l": 60, "r": 20, "b": 125},
        coloraxis={"cmin": 0.0, "cmax": 1.0, "colorscale": SEQUENTIAL, "colorbar": _bar(0.315)},
        coloraxis2={"cmin": -1.0, "cmax": 1.0, "colorscale": DIVERGING, "colorbar": _bar(0.845)},
    )
    figure.update_layout(
        coloraxis_colorbar_title_text="attention weight, %",
        coloraxis2_colorbar_title_text="approximate − exact, %",
        coloraxis_colorbar_len=0.62,
        coloraxis2_colorbar_len=0.3,
    )
    for column in (1, 2, 3):
        figure.update_xaxes(
            title_text="key", dtick=1, tickvals=[1, size], showgrid=False, row=1, col=column
        )
        figure.update_yaxes(
            title_text="query" if column == 1 else None,
            tickvals=[1, size],
            autorange="reversed",
            scaleanchor=f"x{'' if column == 1 else column}",
            constrain="domain",
            showgrid=False,
            row=1,
            col=column,
        )
        figure.update_xaxes(constrain="domain", row=1, col=column)


def _bar(x: float) -> dict[str, object]:
    return {
        "orientation": "h",
        "x": x,
        "xanchor": "center",
        "y": -0.26,
        "yanchor": "top",
        "thickness": 12,
        "title": {"side": "bottom"},
    }


def _say(result: Result, worst: np.ndarray, k: int, g: int, b: int) -> str:
    grid, tokens = result.grid, result.params.tokens
    bound_b, degree = float(grid.bounds_b[b]), int(grid.degrees[g])
    largest = 100.0 * float(grid.exact_window[b].max())
    text = (
        f"The first {grid.exact_window.shape[-1]} of {tokens} tokens. At B = {bound_b:.1f} the "
        f"largest weight is {say_number(largest)} %, where equal shares would be "
        f"{say_number(100.0 / tokens)} %. The degree-{degree} {IN_SENTENCE[KINDS[k]]} polynomial "
        f"misses by up to {say_number(float(worst[k, g, b]))} percentage points here."
    )
    if grid.approximate_window[k, g, b].min() < 0.0:
        text += " Some of its weights are negative."
    return text
