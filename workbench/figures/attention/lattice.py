"""What a degree costs: every monomial is a column of the factors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.attention.microscope import AXES
from workbench.figures.attention.wording import IN_SENTENCE, log_ticks, say_number
from workbench.figures.live import LiveFigure, Slot, over_positions
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.attention.low_rank import paper_rank_bound, rank
from workbench.methods.attention.microscope import Microscope, Params
from workbench.methods.attention.polynomial import KINDS

DIMENSIONS = (1, 2, 4, 8, 16, 64)
LARGEST_SHOWN = 20
"""Exponents drawn on each side of the lattice."""
EMPTY_CELL = "rgba(143, 138, 127, 0.16)"


def draw_lattice(result: Microscope) -> LiveFigure:
    """Left, the monomials of two variables up to the degree; right, their number by dimension."""
    exponents = np.arange(LARGEST_SHOWN + 1)
    shells = exponents[:, None] + exponents
    figure = make_subplots(1, 2, horizontal_spacing=0.14)
    # One colour for shells up to the degree and another beyond it: only the scale's ends move.
    figure.add_heatmap(
        x=exponents,
        y=exponents,
        z=shells,
        xgap=2,
        ygap=2,
        zmin=0.0,
        zmax=1.0,
        colorscale=[
            [0.0, PALETTE["purple"]],
            [0.5, PALETTE["purple"]],
            [0.5, EMPTY_CELL],
            [1.0, EMPTY_CELL],
        ],
        showscale=False,
        hovertemplate="u₁ to the power %{x}, u₂ to the power %{y}: degree %{z}<extra></extra>",
        row=1,
        col=1,
    )
    names = [f"{d}" for d in DIMENSIONS]
    for label, colour in (("exponents matched", "purple"), ("the paper’s count", "published")):
        figure.add_bar(
            x=names,
            y=[1.0] * len(names),
            name=label,
            marker_color=PALETTE[colour],
            text=[""] * len(names),
            textposition="outside",
            textfont_size=13,
            textangle=0,
            constraintext="none",
            cliponaxis=False,
            hovertemplate=f"dimension %{{x}}, {label}: %{{y:.3s}} columns<extra></extra>",
            row=1,
            col=2,
        )
    _lay_out(figure)
    degrees = result.degrees
    counts = _over_degrees(degrees, lambda g: [float(rank(g, d)) for d in DIMENSIONS])
    papers = _over_degrees(degrees, lambda g: [float(paper_rank_bound(g, d)) for d in DIMENSIONS])
    labels = {g: [_short(rank(g, d)) for d in DIMENSIONS] for g in np.unique(degrees).tolist()}
    kinds, tolerances, bounds = degrees.shape
    texts = [
        [[labels[int(degrees[k, t, b])] for b in range(bounds)] for t in range(tolerances)]
        for k in range(kinds)
    ]
    slots = (
        Slot("data[0].zmin", AXES, degrees - 0.5),
        Slot("data[0].zmax", AXES, degrees + 1.5),
        # Plotly hides a bar whose logarithm is 0, and float32 ends at 3e38.
        Slot("data[1].y", AXES, np.clip(counts, 1.02, 1e36)),
        Slot("data[2].y", AXES, np.clip(papers, 1.02, 1e36)),
        Slot("data[1].text", AXES, texts),
        Slot(
            "layout.annotations[0].text",
            AXES,
            over_positions(
                degrees.shape, lambda k, t, b: f"degree {int(degrees[k, t, b])} in d = 2 variables"
            ),
        ),
    )
    words = over_positions(degrees.shape, lambda k, t, b: _say(result, k, t, b))
    return LiveFigure(figure, live_axes(Params), slots, Slot("", AXES, words))


def _over_degrees(degrees: np.ndarray, count: Callable[[int], list[float]]) -> np.ndarray:
    return np.array([count(g) for g in range(int(degrees.max()) + 1)])[degrees]


def _lay_out(figure: go.Figure) -> None:
    figure.update_layout(
        template=TEMPLATE,
        height=460,
        margin={"t": 60},
        legend={"x": 1.0, "xanchor": "right"},
        barmode="group",
        bargap=0.25,
        annotations=[
            {
                "xref": "x domain",
                "yref": "y domain",
                "x": 0.0,
                "y": 1.0,
                "xanchor": "left",
                "yanchor": "bottom",
                "text": "",
                "showarrow": False,
                "font": {"color": PALETTE["purple"], "size": 16},
            }
        ],
    )
    figure.update_xaxes(
        title_text="power of u₁", showgrid=False, dtick=5, constrain="domain", row=1, col=1
    )
    figure.update_yaxes(
        title_text="power of u₂", showgrid=False, dtick=5, scaleanchor="x", row=1, col=1
    )
    figure.update_xaxes(title_text="dimension d of a head", type="category", row=1, col=2)
    figure.update_yaxes(
        title_text="columns of the factors",
        type="log",
        range=[0.0, 21.0],
        row=1,
        col=2,
        **log_ticks(0, 36, 3),
    )


def _short(count: int) -> str:
    return f"{count:,}" if count < 100_000 else say_number(float(count))


def _say(result: Microscope, k: int, t: int, b: int) -> str:
    degree = int(result.degrees[k, t, b])
    return (
        f"Degree {degree} ({IN_SENTENCE[KINDS[k]]}, B = {float(result.bounds_b[b]):.1f}): every "
        f"product of powers of total degree up to {degree} becomes one column. Two variables give "
        f"{rank(degree, 2):,} of them, four give {_short(rank(degree, 4))}, and the 64 of a common "
        f"attention head {_short(rank(degree, 64))}. The paper, which need not save, counts "
        f"{_short(paper_rank_bound(degree, 4))} for four."
    )
