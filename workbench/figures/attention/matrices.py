"""Attention weights of the first tokens, exact and approximate, and one cell's sum as it grows."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.attention.wording import (
    AXES,
    IN_SENTENCE,
    KIND_COLOURS,
    say_number,
)
from workbench.figures.live import LiveFigure, Slot, over_positions
from workbench.figures.positions import live_axes
from workbench.figures.theme import DIVERGING, PALETTE, SEQUENTIAL, TEMPLATE
from workbench.methods.attention.matrices import WINDOW, Params, Result
from workbench.methods.attention.polynomial import KINDS

LARGEST_PERCENT = 6e4
"""Half precision holds no more; such a weight is far off every colour scale."""
PANELS = (
    # name, axes' number, horizontal and vertical domain, colour axis
    ("Exact weights", "", (0.0, 0.2), (0.56, 0.94), "coloraxis"),
    ("Approximate weights", "2", (0.27, 0.47), (0.56, 0.94), "coloraxis"),
    ("Difference of weights", "3", (0.0, 0.2), (0.0, 0.38), "coloraxis2"),
    ("Error of the output", "4", (0.27, 0.47), (0.0, 0.38), "coloraxis3"),
)
SUM_DOMAIN = (0.62, 1.0)
WIDEST_SHARE = 12.0


def draw_matrices(result: Result) -> LiveFigure:
    """Four small matrices, the chosen cell marked in them, and its sum over powers of the score."""
    exact = 100.0 * result.exact
    approximate = 100.0 * result.approximate
    output_error = result.approximate_output - result.exact_output
    tokens = np.arange(1, exact.shape[-1] + 1)
    figure = go.Figure()
    for name, number, _, _, colours in PANELS:
        is_output = number == "4"
        figure.add_heatmap(
            x=np.arange(1, output_error.shape[-1] + 1) if is_output else tokens,
            y=tokens,
            z=output_error[0, 0, 0] if is_output else exact[0],
            name=name,
            coloraxis=colours,
            xgap=1,
            ygap=1,
            meta="" if is_output else "pick",
            xaxis=f"x{number}",
            yaxis=f"y{number}",
            hovertemplate=(
                "query %{y}, channel %{x}: %{z:.3g}<extra></extra>"
                if is_output
                else f"query %{{y}}, key %{{x}}<br>{name.lower()}: %{{z:.3g}} %<extra></extra>"
            ),
        )
    _mark_cell(figure, result)
    _add_sum(figure)
    _lay_out(figure)
    largest = exact.max(axis=(1, 2))
    largest_error = np.maximum(np.abs(output_error).max(axis=(-2, -1)), 1e-12)
    # beyond one, an error of the output is simply bad
    shown_error = np.minimum(largest_error, 1.0)
    share = result.partial_sums / np.exp(result.score)[:, None]
    # the axis holds every sum, unless they swing too wildly to see where they end
    reach = 1.1 * np.clip(np.nanmax(np.abs(share - 1.0), axis=-1), 1.1, WIDEST_SHARE)
    slots = (
        Slot("data[0].z", ("bound_b",), exact),
        Slot("data[1].z", AXES, _compact(approximate)),
        Slot("data[2].z", AXES, _compact(approximate - exact)),
        Slot("data[3].z", AXES, np.clip(output_error, -60.0, 60.0).astype(np.float16)),
        Slot("data[8].y", AXES, np.clip(share, -1e6, 1e6)),
        Slot("data[8].line.color", ("kind",), [KIND_COLOURS[kind] for kind in KINDS]),
        Slot("data[8].marker.color", ("kind",), [KIND_COLOURS[kind] for kind in KINDS]),
        Slot("layout.yaxis5.range[0]", AXES, 1.0 - reach),
        Slot("layout.yaxis5.range[1]", AXES, 1.0 + reach),
        Slot("layout.coloraxis.cmax", ("bound_b",), largest),
        Slot("layout.coloraxis2.cmax", ("bound_b",), largest),
        Slot("layout.coloraxis2.cmin", ("bound_b",), -largest),
        Slot("layout.coloraxis3.cmax", AXES, shown_error),
        Slot("layout.coloraxis3.cmin", AXES, -shown_error),
        Slot(f"layout.annotations[{len(PANELS)}].text", ("bound_b",), _titles(result)),
    )
    words = over_positions(result.partial_sums.shape[:3], lambda k, g, b: _say(result, k, g, b))
    return LiveFigure(figure, live_axes(Params), slots, Slot("", AXES, words))


def _mark_cell(figure: go.Figure, result: Result) -> None:
    """A ring around the chosen cell, and a bracket beside its row of the output."""
    ring = {"symbol": "square-open", "size": 15, "color": PALETTE["danger"]}
    for _, number, *_ in PANELS[:3]:
        figure.add_scatter(
            x=[result.params.key],
            y=[result.params.query],
            mode="markers",
            marker=ring | {"line": {"width": 3}},
            xaxis=f"x{number}",
            yaxis=f"y{number}",
            showlegend=False,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=[0.25],
        y=[result.params.query],
        mode="markers",
        marker={"symbol": "triangle-right", "size": 12, "color": PALETTE["danger"]},
        xaxis="x4",
        yaxis="y4",
        showlegend=False,
        hoverinfo="skip",
        cliponaxis=False,
    )


def _add_sum(figure: go.Figure) -> None:
    figure.add_scatter(
        x=np.arange(13),
        y=np.ones(13),
        name="sum of powers",
        mode="lines+markers",
        line={"width": 3},
        marker={"size": 9},
        xaxis="x5",
        yaxis="y5",
        showlegend=False,
        hovertemplate="up to power %{x}: %{y:.4g} of eˣ<extra></extra>",
    )


def _lay_out(figure: go.Figure) -> None:
    layout: dict[str, Any] = {
        "template": TEMPLATE,
        "height": 560,
        "margin": {"t": 30, "l": 64, "r": 20, "b": 60},
        "coloraxis": _colours(SEQUENTIAL, 0.0, 0.75, "%"),
        "coloraxis2": _colours(DIVERGING, -1.0, 0.19, "%", x=0.205),
        "coloraxis3": _colours(DIVERGING, -1.0, 0.19, ""),
        "annotations": [_title(name, sum(across) / 2, up[1]) for name, _, across, up, _ in PANELS]
        + [_title("", sum(SUM_DOMAIN) / 2, 0.94)],
        "shapes": [
            {
                "type": "line",
                "xref": "x5 domain",
                "yref": "y5",
                "x0": 0,
                "x1": 1,
                "y0": 1,
                "y1": 1,
                "line": {"color": PALETTE["exact"], "width": 4},
                "layer": "below",
            }
        ],
    }
    for _, number, across, up, _ in PANELS:
        is_output = number == "4"
        layout[f"xaxis{number}"] = {
            "title": {"text": "channel" if is_output else "key", "standoff": 4},
            "domain": across,
            "anchor": f"y{number}",
            "tickvals": [] if is_output else [1, WINDOW],
            "showgrid": False,
            "zeroline": False,
        }
        layout[f"yaxis{number}"] = {
            "title": {"text": "query", "standoff": 4} if across[0] == 0.0 else None,
            "domain": up,
            "anchor": f"x{number}",
            "tickvals": [1, WINDOW],
            "range": [WINDOW + 0.5, 0.5],
            "showgrid": False,
            "zeroline": False,
        }
    layout["xaxis5"] = {
        "title": "powers of the score that are summed",
        "domain": SUM_DOMAIN,
        "anchor": "y5",
        "range": [-0.4, 12.4],
        "dtick": 2,
    }
    layout["yaxis5"] = {
        "title": "share of eˣ",
        "domain": (0.0, 0.94),
        "anchor": "x5",
        "range": [-1.1, 3.1],
        "zeroline": True,
    }
    figure.update_layout(**layout)


def _colours(
    scale: object, lowest: float, middle: float, unit: str, *, x: float = 0.475
) -> dict[str, Any]:
    bar = {"x": x, "xanchor": "left", "y": middle, "len": 0.38, "thickness": 9}
    return {
        "cmin": lowest,
        "cmax": 1.0,
        "colorscale": scale,
        "colorbar": bar | {"nticks": 4, "ticksuffix": unit},
    }


def _title(text: str, x: float, y: float) -> dict[str, Any]:
    return {
        "text": text,
        "x": x,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "center",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 15},
    }


def _titles(result: Result) -> list[str]:
    q, k = result.params.query, result.params.key
    return [
        f"Query {q}, key {k}: score x = {_signed(x)}, eˣ = {say_number(float(np.exp(x)))}"
        for x in result.score
    ]


def _signed(x: float) -> str:
    return f"{x:.2f}".replace("-", "−")


def _compact(percent: np.ndarray) -> np.ndarray:
    return np.clip(percent, -LARGEST_PERCENT, LARGEST_PERCENT).astype(np.float16)


def _say(result: Result, k: int, g: int, b: int) -> str:
    place, params = (k, g, b), result.params
    degree = int(result.degrees[g])
    reached = float(result.partial_sums[place][degree] / np.exp(result.score[b]))
    worst = 100.0 * float(np.abs(result.approximate[place] - result.exact[b]).max())
    output = float(np.abs(result.approximate_output[place] - result.exact_output[b]).max())
    text = (
        f"At B = {float(result.bounds_b[b]):.1f} the degree-{degree} {IN_SENTENCE[KINDS[k]]} "
        f"polynomial gives this cell {say_number(100.0 * reached)} % of its eˣ. Of the weights "
        f"shown, the first {result.exact.shape[-1]} of {params.tokens} tokens, it misses none by "
        f"more than {say_number(worst)} percentage points; of their outputs, none by more than "
        f"{say_number(output)}."
    )
    if result.approximate[place].min() < 0.0:
        text += " Some of its weights are negative."
    return text
