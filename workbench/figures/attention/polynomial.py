"""The polynomial beside e^x, and its relative error."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.attention.wording import (
    AXES,
    IN_SENTENCE,
    KIND_COLOURS,
    live_axes,
    log_ticks,
    over_positions,
    say_number,
)
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.attention.polynomial import KINDS
from workbench.methods.attention.sweep import Result

FLOOR = 1e-17
DECADES = 4.5
"""Depth of the error's axis below its largest value."""


def draw_polynomial(result: Result) -> LiveFigure:
    """e^x and P on a logarithmic axis, where e^x is a straight line, and ``|P / e^x - 1|``.

    Where P is negative it has no logarithm: its curve ends, and a band marks the place.
    """
    grid = result.grid
    scores = (grid.bounds_b**2)[:, None] * grid.curve_position
    figure = make_subplots(1, 2, horizontal_spacing=0.12)
    error = np.maximum(grid.curve_error, FLOOR)
    # Points left of a negative stretch must not be joined across it.
    polynomial = np.where(grid.curve_polynomial > 0.0, grid.curve_polynomial, np.nan)
    for name, values, style, column in (
        ("eˣ", grid.curve_exponential[0], {"color": PALETTE["exact"], "width": 6}, 1),
        ("P(x)", polynomial[0, 0, 0], {"color": PALETTE["blue"], "width": 3}, 1),
        ("relative error", error[0, 0, 0], {"color": PALETTE["blue"], "width": 3}, 2),
    ):
        figure.add_scatter(
            x=scores[0],
            y=values,
            name=name,
            mode="lines",
            line=style,
            showlegend=column == 1,
            hovertemplate=f"{name} at %{{x:.2f}}: %{{y:.3g}}<extra></extra>",
            row=1,
            col=column,
        )
    figure.add_scatter(
        x=[scores[0, 0], scores[0, -1]],
        y=[1.0, 1.0],
        name="certified ε",
        mode="lines+text",
        text=["", ""],
        textposition="top left",
        textfont={"color": PALETTE["threshold"], "size": 15},
        line={"color": PALETTE["threshold"], "dash": "dash", "width": 2},
        showlegend=False,
        hovertemplate="certified ε = %{y:.3g}<extra></extra>",
        row=1,
        col=2,
    )
    _lay_out(figure)
    slots = [Slot(f"data[{i}].x", ("bound_b",), scores) for i in range(3)]
    slots += [
        Slot("data[0].y", ("bound_b",), grid.curve_exponential),
        Slot("data[1].y", AXES, polynomial),
        Slot("data[2].y", AXES, error),
        Slot("data[3].x", ("bound_b",), scores[:, [0, -1]]),
        Slot("data[3].y", AXES, np.repeat(grid.relative_error[..., None], 2, axis=-1)),
        Slot(
            "data[3].text[1]",
            AXES,
            over_positions(
                lambda k, g, b: f"ε = {say_number(float(grid.relative_error[k, g, b]))}", grid
            ),
        ),
        *_colour_slots(),
        *_range_slots(result),
        *_band_slots(result),
    ]
    words = over_positions(lambda k, g, b: _say(result, k, g, b), grid)
    return LiveFigure(figure, live_axes(grid), tuple(slots), Slot("", AXES, words))


def _colour_slots() -> list[Slot]:
    colours = [KIND_COLOURS[kind] for kind in KINDS]
    return [Slot(f"data[{i}].line.color", ("kind",), colours) for i in (1, 2)]


def _range_slots(result: Result) -> list[Slot]:
    """The axes follow B and ε, so that the curves always fill their panel."""
    grid = result.grid
    bound = grid.bounds_b**2
    reach = 1.06 * bound / np.log(10.0) + 0.05
    top = np.log10(np.maximum(grid.relative_error, 1e-15)) + 0.5
    return [
        Slot("layout.xaxis.range[0]", ("bound_b",), -1.03 * bound),
        Slot("layout.xaxis.range[1]", ("bound_b",), 1.03 * bound),
        Slot("layout.xaxis2.range[0]", ("bound_b",), -1.03 * bound),
        Slot("layout.xaxis2.range[1]", ("bound_b",), 1.03 * bound),
        Slot("layout.yaxis.range[0]", ("bound_b",), -reach),
        Slot("layout.yaxis.range[1]", ("bound_b",), reach),
        Slot("layout.yaxis2.range[0]", AXES, top - DECADES),
        Slot("layout.yaxis2.range[1]", AXES, top),
    ]


def _band_slots(result: Result) -> list[Slot]:
    """The stretch of scores in which P is negative; without one, a band of no width."""
    grid = result.grid
    outside = np.broadcast_to(-2.0 * grid.bounds_b**2, grid.negative_from.shape)
    absent = np.isnan(grid.negative_from)
    # A single drawn point still gets a visible band.
    margin = 0.004 * grid.bounds_b**2
    left = np.where(absent, outside, grid.negative_from - margin)
    right = np.where(absent, outside, grid.negative_to + margin)
    return [Slot("layout.shapes[0].x0", AXES, left), Slot("layout.shapes[0].x1", AXES, right)]


def _lay_out(figure: go.Figure) -> None:
    figure.update_layout(
        template=TEMPLATE,
        height=460,
        margin={"t": 60},
        shapes=[
            {
                "type": "rect",
                "xref": "x",
                "yref": "y domain",
                "x0": -2.0,
                "x1": -2.0,
                "y0": 0.0,
                "y1": 1.0,
                "fillcolor": PALETTE["danger"],
                "opacity": 0.22,
                "line": {"width": 0},
                "layer": "below",
            }
        ],
    )
    figure.update_xaxes(title_text="score x, from −B² to B²", range=[-1.0, 1.0])
    figure.update_yaxes(
        title_text="value",
        type="log",
        range=[-1.0, 1.0],
        row=1,
        col=1,
        **log_ticks(-8, 8, 1, (1, 2, 5)),
    )
    figure.update_yaxes(
        title_text="relative error |P(x) − eˣ| / eˣ",
        type="log",
        range=[-3.0, 1.0],
        row=1,
        col=2,
        **log_ticks(-18, 8, 1),
    )


def _say(result: Result, k: int, g: int, b: int) -> str:
    grid = result.grid
    bound, degree = float(grid.bounds_b[b]) ** 2, int(grid.degrees[g])
    epsilon = float(grid.relative_error[k, g, b])
    name = IN_SENTENCE[KINDS[k]]
    text = (
        f"B = {float(grid.bounds_b[b]):.1f} lets scores reach ±{bound:.2f}. On that interval the "
        f"degree-{degree} {name} polynomial stays within {_say_share(epsilon)} of eˣ."
    )
    if not np.isnan(grid.negative_from[k, g, b]):
        first, last = float(grid.negative_from[k, g, b]), float(grid.negative_to[k, g, b])
        place = (
            f"below x = {last:.1f}"
            if first <= -bound * (1.0 - 1e-9)
            else f"between x = {first:.1f} and {last:.1f}, at least in places,"
        )
        text += f" In the red band, {place} it is negative: such weights mean nothing."
    elif KINDS[k] == "minimax":
        text += f" Its error touches the same height {degree + 2} times: no polynomial does better."
    elif KINDS[k] == "taylor":
        text += " It is best around 0, where most scores lie, and worst at the left end."
    return text


def _say_share(epsilon: float) -> str:
    if epsilon >= 10.0:
        return f"{say_number(epsilon)} times the size"
    if epsilon >= 0.001:
        return f"{say_number(100.0 * epsilon)} %"
    return f"a share {say_number(epsilon)}"
