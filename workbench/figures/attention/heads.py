"""The head atlas: one cell for each attention head of a model."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.attention.heads_wording import BOUNDS, name_heads, name_pairs, say_heads
from workbench.figures.attention.wording import log_ticks
from workbench.figures.live import LiveFigure, Position, Slot
from workbench.figures.theme import PALETTE, SEQUENTIAL, TEMPLATE
from workbench.figures.wording import keep_together
from workbench.methods.attention.head_statistics import BINS
from workbench.methods.attention.heads import QUANTITIES, Result

TITLES = {
    "raw_bound": "B",
    "balanced_bound": "B, balanced",
    "per_channel_bound": "B, by channel",
    "centred_rotated_bound": "B, rotated",
    "max_abs_score": "|s|",
    "row_half_range": "half range",
    "value_bound": "|V|",
    "needed_degree": "degree",
    "log10_needed_rank": "log₁₀ rank",
    "first_token_weight": "weight",
}


def draw_heads(result: Result) -> LiveFigure:
    """Layers across, heads down, one number a cell; below all heads in order, and the chosen one.

    A click on a cell chooses the head whose scores are shown.
    """
    names = list(QUANTITIES)
    maps = np.stack([result.maps[name] for name in names]).astype(np.float64)
    figure = make_subplots(
        2,
        2,
        specs=[[{"colspan": 2}, None], [{}, {}]],
        row_heights=[0.52, 0.48],
        horizontal_spacing=0.13,
        vertical_spacing=0.22,
    )
    slots = [
        *_add_map(figure, result, maps),
        *_add_order(figure, result, maps),
        *_add_scores(figure, result),
    ]
    layers, heads = maps.shape[1:]
    _lay_out(figure, heads)
    axes: dict[str, list[Position]] = {
        "quantity": [*names],
        "layer": [*range(layers)],
        "head": [*range(heads)],
    }
    words = Slot("", ("quantity",), [keep_together(say_heads(result, name)) for name in names])
    return LiveFigure(figure, axes, tuple(slots), words)


def _add_map(figure: go.Figure, result: Result, maps: np.ndarray) -> list[Slot]:
    layers, heads = maps.shape[1:]
    figure.add_trace(
        go.Heatmap(
            x=np.arange(layers),
            y=np.arange(heads),
            z=maps[0].T,
            text=name_pairs(result),
            name="heads",
            meta="pick",
            coloraxis="coloraxis",
            xgap=1,
            ygap=1,
            texttemplate="%{z:.2~r}" if layers <= 32 else None,
            textfont={"size": 11},
            hovertemplate="layer %{x}, head %{y}: <b>%{z:.3~r}</b><br>%{text}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    low, high = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))
    axis = ("quantity",)
    return [
        Slot("data[0].z", axis, np.swapaxes(maps, 1, 2)),
        Slot("layout.coloraxis.cmin", axis, low),
        Slot("layout.coloraxis.cmax", axis, np.where(high > low, high, low + 1.0)),
        Slot("layout.coloraxis.colorbar.title.text", axis, [TITLES[n] for n in QUANTITIES]),
    ]


def _add_order(figure: go.Figure, result: Result, maps: np.ndarray) -> list[Slot]:
    flat = maps.reshape(len(maps), -1)
    ordered = np.sort(flat, axis=1)
    figure.add_scatter(
        x=np.arange(1, ordered.shape[1] + 1),
        y=ordered[0],
        name="heads in order",
        mode="lines",
        line={"color": PALETTE["blue"], "width": 4},
        hovertemplate="%{x} heads are at or below %{y:.3~r}<extra></extra>",
        row=2,
        col=1,
    )
    figure.add_scatter(
        x=[1, ordered.shape[1]],
        y=[result.threshold_b, result.threshold_b],
        name="threshold",
        mode="lines+text",
        text=["", f"√(ln n) = {result.threshold_b:.2f}"],
        textposition="top left",
        textfont={"color": PALETTE["threshold"], "size": 15},
        line={"color": PALETTE["threshold"], "width": 2, "dash": "longdash"},
        hoverinfo="skip",
        row=2,
        col=1,
    )
    for name, row in (("chosen cell", 1), ("chosen head", 2)):
        figure.add_scatter(
            x=[0],
            y=[0],
            name=name,
            mode="markers",
            marker={
                "symbol": "square-open" if row == 1 else "circle",
                "size": 24 if row == 1 else 15,
                "color": PALETTE["vermilion"],
                "line": {
                    "width": 3 if row == 1 else 2,
                    "color": PALETTE["vermilion"] if row == 1 else "white",
                },
            },
            cliponaxis=False,
            hoverinfo="skip",
            row=row,
            col=1,
        )
    places = np.argsort(np.argsort(flat, axis=1, kind="stable"), axis=1).reshape(maps.shape) + 1
    is_bound = np.array([name in BOUNDS for name in QUANTITIES])
    threshold = np.where(is_bound[:, None], result.threshold_b, np.nan).repeat(2, axis=1)
    low = np.where(is_bound, result.threshold_b, ordered[:, 0])
    axis, whole = ("quantity",), ("quantity", "layer", "head")
    return [
        Slot("data[1].y", axis, ordered),
        Slot("data[2].y", axis, threshold),
        Slot("data[3].x[0]", ("layer",), np.arange(maps.shape[1], dtype=float)),
        Slot("data[3].y[0]", ("head",), np.arange(maps.shape[2], dtype=float)),
        Slot("data[4].x[0]", whole, places.astype(float)),
        Slot("data[4].y[0]", whole, maps),
        Slot("layout.yaxis2.title.text", axis, [QUANTITIES[name] for name in QUANTITIES]),
        Slot("layout.yaxis2.range[0]", axis, np.log10(np.maximum(low, 1e-4)) - 0.25),
        Slot("layout.yaxis2.range[1]", axis, np.log10(np.maximum(ordered[:, -1], 1e-3)) + 0.15),
    ]


def _add_scores(figure: go.Figure, result: Result) -> list[Slot]:
    """Where the chosen head's scores lie, and where its attention goes."""
    low, high = result.maps["lowest_score"], result.maps["highest_score"]
    width = np.maximum((high - low) / (BINS - 1), 1e-6)
    axes = ("layer", "head")
    slots: list[Slot] = []
    for name, shares, colour, fill in (
        ("pairs of words", result.pair_shares, PALETTE["exact"], "tozeroy"),
        ("attention", result.attention_shares, PALETTE["vermilion"], None),
    ):
        number = len(list(figure.data))
        # Nothing beyond each end closes the outline.
        drawn = np.pad(100.0 * shares, ((0, 0), (0, 0), (1, 1)))
        figure.add_scatter(
            x0=0.0,
            dx=1.0,
            y=drawn[0, 0],
            name=name,
            mode="lines",
            fill=fill,
            line={"color": colour, "width": 2.5},
            hovertemplate=f"score %{{x:.1f}}: %{{y:.2~r}} % of the {name}<extra></extra>",
            row=2,
            col=2,
        )
        slots += [
            Slot(f"data[{number}].x0", axes, low - width),
            Slot(f"data[{number}].dx", axes, width),
            Slot(f"data[{number}].y", axes, drawn.astype(np.float16)),
        ]
    for text, colour, shift in (
        ("share of the pairs of words", PALETTE["exact"], 22),
        ("share of the attention", PALETTE["vermilion"], 4),
        ("", None, 46),
    ):
        figure.add_annotation(
            text=text,
            font={"color": colour} if colour else {},
            x=0.0,
            xref="x3 domain",
            xanchor="left",
            y=1.0,
            yref="y3 domain",
            yanchor="bottom",
            yshift=shift,
            showarrow=False,
        )
    last = len(figure.layout.annotations) - 1
    return [
        *slots,
        Slot("layout.xaxis3.range[0]", axes, low - 2 * width),
        Slot("layout.xaxis3.range[1]", axes, high + 2 * width),
        Slot(f"layout.annotations[{last}].text", axes, name_heads(result)),
    ]


def _lay_out(figure: go.Figure, heads: int) -> None:
    figure.update_layout(
        template=TEMPLATE,
        height=620 if heads <= 12 else 620 + 18 * (heads - 12),
        margin={"t": 20, "r": 20, "b": 60},
        showlegend=False,
        coloraxis={
            "cmin": 0.0,
            "cmax": 1.0,
            "colorscale": SEQUENTIAL,
            "colorbar": {"len": 0.5, "y": 0.77, "title": {"text": "B", "side": "top"}},
        },
    )
    figure.update_xaxes(title_text="layer", dtick=5, showgrid=False, row=1, col=1)
    figure.update_yaxes(title_text="head", dtick=2, showgrid=False, row=1, col=1)
    figure.update_xaxes(title_text="heads, smallest first", showgrid=False, row=2, col=1)
    figure.update_yaxes(
        title_text="B", type="log", range=[0.0, 2.0], row=2, col=1, **log_ticks(-4, 8, 1, (1, 2, 5))
    )
    figure.update_xaxes(title_text="score s", range=[0.0, 1.0], showgrid=False, row=2, col=2)
    figure.update_yaxes(title_text="share, %", rangemode="tozero", row=2, col=2)
