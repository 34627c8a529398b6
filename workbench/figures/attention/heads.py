"""The head atlas: one cell for each attention head of a model."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.attention.wording import keep_together, log_ticks
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.theme import PALETTE, SEQUENTIAL, TEMPLATE
from workbench.methods.attention.heads import QUANTITIES, Result
from workbench.methods.attention.low_rank import rank

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
BOUNDS = ("raw_bound", "balanced_bound", "per_channel_bound", "centred_rotated_bound")
"""Quantities that the paper's threshold speaks of."""


def draw_heads(result: Result) -> LiveFigure:
    """Layers across, heads down, one number a cell; beside it all heads in order of size."""
    names = list(QUANTITIES)
    maps = np.stack([result.maps[name] for name in names]).astype(np.float64)
    layers, heads = maps.shape[1:]
    figure = make_subplots(1, 2, column_widths=[0.74, 0.26], horizontal_spacing=0.09)
    figure.add_trace(
        go.Heatmap(
            x=np.arange(layers),
            y=np.arange(heads),
            z=maps[0].T,
            text=_pairs(result),
            name="heads",
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
    ordered = np.sort(maps.reshape(len(names), -1), axis=1)
    figure.add_scatter(
        x=np.arange(1, ordered.shape[1] + 1),
        y=ordered[0],
        name="heads in order",
        mode="lines",
        line={"color": PALETTE["blue"], "width": 4},
        showlegend=False,
        hovertemplate="%{x} heads are at or below %{y:.3~r}<extra></extra>",
        row=1,
        col=2,
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
        showlegend=False,
        hoverinfo="skip",
        row=1,
        col=2,
    )
    _lay_out(figure, heads)
    low, high = ordered[:, 0], ordered[:, -1]
    is_bound = np.array([name in BOUNDS for name in names])
    threshold = np.where(is_bound[:, None], result.threshold_b, np.nan).repeat(2, axis=1)
    axis_low = np.log10(np.maximum(np.where(is_bound, result.threshold_b, low), 1e-4)) - 0.25
    axis = ("quantity",)
    slots = (
        Slot("data[0].z", axis, np.swapaxes(maps, 1, 2)),
        Slot("data[1].y", axis, ordered),
        Slot("data[2].y", axis, threshold),
        Slot("layout.coloraxis.cmin", axis, low),
        Slot("layout.coloraxis.cmax", axis, np.where(high > low, high, low + 1.0)),
        Slot("layout.coloraxis.colorbar.title.text", axis, [TITLES[name] for name in names]),
        Slot("layout.yaxis2.title.text", axis, [QUANTITIES[name] for name in names]),
        Slot("layout.yaxis2.range[0]", axis, axis_low),
        Slot("layout.yaxis2.range[1]", axis, np.log10(np.maximum(high, 1e-3)) + 0.15),
    )
    words = Slot("", axis, [keep_together(_say(result, name)) for name in names])
    return LiveFigure(figure, {"quantity": names}, slots, words)


def _lay_out(figure: go.Figure, heads: int) -> None:
    figure.update_layout(
        template=TEMPLATE,
        height=470 if heads <= 12 else 470 + 18 * (heads - 12),
        margin={"t": 30, "r": 20, "b": 130},
        coloraxis={
            "cmin": 0.0,
            "cmax": 1.0,
            "colorscale": SEQUENTIAL,
            "colorbar": {
                "orientation": "h",
                "x": 0.35,
                "xanchor": "center",
                "len": 0.5,
                "y": -0.22,
                "yanchor": "top",
                "title": {"text": "B", "side": "bottom"},
            },
        },
    )
    figure.update_xaxes(title_text="layer", dtick=5, showgrid=False, row=1, col=1)
    figure.update_yaxes(title_text="head", dtick=2, showgrid=False, row=1, col=1)
    figure.update_xaxes(title_text="heads, smallest first", showgrid=False, row=1, col=2)
    figure.update_yaxes(
        title_text="B", type="log", range=[0.0, 2.0], row=1, col=2, **log_ticks(-4, 8, 1, (1, 2, 5))
    )


def _pairs(result: Result) -> list[list[str]]:
    """For each head (rows) and layer (columns), the tokens with the largest score, in words."""
    layers, heads, _ = result.peaks.shape

    def pair(layer: int, head: int) -> str:
        query, key = (_show(result.tokens[int(i)]) for i in result.peaks[layer, head])
        return f"largest score: “{query}” looking at “{key}”"

    return [[pair(layer, head) for layer in range(layers)] for head in range(heads)]


def _show(token: str) -> str:
    """A token as it can stand in a hover text: no markup, no control characters."""
    text = "".join(c if c.isprintable() else "␣" for c in token) or "␣"
    return text[:20].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _say(result: Result, name: str) -> str:
    values = result.maps[name]
    low, middle, high = float(values.min()), float(np.median(values)), float(values.max())
    tokens, threshold = len(result.tokens), result.threshold_b
    spread = f"between {low:.3g} and {high:.3g}, {middle:.3g} in the middle"
    if name in BOUNDS:
        below = int((values < threshold).sum())
        lead = {
            "raw_bound": f"On these {tokens} tokens the heads' largest entries B lie {spread}",
            "balanced_bound": f"With queries and keys balanced, B lies {spread}",
            "per_channel_bound": f"Balanced channel by channel, B lies {spread}",
            "centred_rotated_bound": (
                f"With keys centred, both rotated and balanced, B lies {spread}"
            ),
        }[name]
        verdict = (
            f"the paper's threshold √(ln n) is {threshold:.2f}, and "
            + ("no head is" if below == 0 else f"{below} of {values.size} heads are")
            + " below it (its constant is unknown)."
        )
        same = "" if name == "raw_bound" else " The attention is exactly the same as before."
        return f"{lead}; {verdict}{same}"
    d = result.head_dimension
    return {
        "max_abs_score": (
            f"The largest scores lie {spread}. B² would allow "
            f"{float(np.median(result.maps['raw_bound'] ** 2 / np.maximum(values, 1e-9))):.0f} "
            "times as much at the median head: entries say little about scores."
        ),
        "row_half_range": (
            f"Softmax forgets a shift of each row, so half a row's range is what a polynomial has "
            f"to cover: {spread}. Without the first token, where many heads rest, the middle is "
            f"{float(np.median(result.maps['row_half_range_without_first'])):.3g}."
        ),
        "value_bound": f"The largest values |V| lie {spread}; every error bound grows with them.",
        "needed_degree": (
            f"To keep each weight within 1 %, a Chebyshev polynomial on the row's range needs a "
            f"degree {spread}."
        ),
        "log10_needed_rank": (
            f"In dimension {d} that degree means 10 to the power of {middle:.0f} columns at the "
            f"median head; for {tokens} tokens the matrix itself has {tokens}. Even degree 4 needs "
            f"{rank(4, d):,}. Real heads are not made fast by small entries, but by structure."
        ),
        "first_token_weight": (
            f"The share of attention that goes to the first token lies {spread}: a resting place, "
            "which widens the scores of many heads."
        ),
    }[name]
