"""Error against B, beside the rank that the degree costs."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.attention.wording import (
    AXES,
    IN_SENTENCE,
    KIND_COLOURS,
    KIND_NAMES,
    log_ticks,
    say_number,
)
from workbench.figures.live import LiveFigure, Slot, over_positions
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.attention.polynomial import KINDS
from workbench.methods.attention.sweep import Params, Result

FLOOR = 1e-17
"""Smaller errors are drawn here: below rounding an error is noise."""
CEILING = 1e3
WIDTH_CHOSEN, WIDTH_OTHER = 4.0, 1.8
MARKER = {"size": 15, "line": {"width": 2, "color": "white"}}
OPACITY_CHOSEN, OPACITY_OTHER = 1.0, 0.5


def draw_error(result: Result) -> LiveFigure:
    """Largest output error of each kind of polynomial against B, with what was certified.

    The degree moves all curves, B moves the marker, the kind decides which curve stands out. The
    right-hand panel holds the rank of each degree against the number of tokens.
    """
    figure = make_subplots(1, 2, column_widths=[0.68, 0.32], horizontal_spacing=0.11)
    slots: list[Slot] = []
    _add_errors(figure, slots, result)
    _add_ranks(figure, slots, result)
    _lay_out(figure, result)
    words = over_positions(result.grid.max_abs_error.shape, lambda k, g, b: _say(result, k, g, b))
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", AXES, words))


def _add_errors(figure: go.Figure, slots: list[Slot], result: Result) -> None:
    grid = result.grid
    drawn = np.clip(grid.max_abs_error, FLOOR, CEILING)
    certified = np.where(grid.certified_bound <= CEILING, grid.certified_bound, np.nan)
    emphasis = np.eye(len(KINDS))  # row: chosen kind
    for index, kind in enumerate(KINDS):
        for name, values, dash, width in (
            (KIND_NAMES[kind], drawn[index], "solid", WIDTH_CHOSEN),
            (f"{KIND_NAMES[kind]}, certified", certified[index], "dash", WIDTH_OTHER),
        ):
            number = len(list(figure.data))
            figure.add_scatter(
                x=grid.bounds_b,
                y=values[0],
                name=name,
                legendgroup=kind,
                showlegend=dash == "solid",
                mode="lines",
                line={"color": KIND_COLOURS[kind], "dash": dash, "width": width},
                hovertemplate=f"{name}<br>B = %{{x:.1f}}: %{{y:.2g}}<extra></extra>",
                row=1,
                col=1,
            )
            chosen = emphasis[:, index]
            opacity = OPACITY_OTHER + (OPACITY_CHOSEN - OPACITY_OTHER) * chosen
            slots.append(Slot(f"data[{number}].y", ("degree",), values))
            slots.append(Slot(f"data[{number}].opacity", ("kind",), opacity))
            if dash == "solid":
                widths = WIDTH_OTHER + (WIDTH_CHOSEN - WIDTH_OTHER) * chosen
                slots.append(Slot(f"data[{number}].line.width", ("kind",), widths))
    figure.add_scatter(
        x=[None],
        y=[None],
        name="certified in advance, 2ε/(1 − ε)",
        mode="lines",
        line={"color": PALETTE["exact"], "dash": "dash", "width": WIDTH_OTHER},
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=grid.bounds_b,
        y=grid.mean_of_values_error,
        name="mean of V (reads nothing)",
        mode="lines",
        line={"color": PALETTE["baseline"], "dash": "dot", "width": 2.5},
        hovertemplate="Mean of V<br>B = %{x:.1f}: %{y:.2g}<extra></extra>",
        row=1,
        col=1,
    )
    number = len(list(figure.data))
    figure.add_scatter(
        x=[grid.bounds_b[0]],
        y=[drawn[0, 0, 0]],
        name="chosen",
        showlegend=False,
        mode="markers+text",
        text=[""],
        textposition="bottom right",
        textfont={"size": 17},
        cliponaxis=False,
        marker={
            "size": 15,
            "color": KIND_COLOURS[KINDS[0]],
            "line": {"width": 2, "color": "white"},
        },
        hoverinfo="skip",
        row=1,
        col=1,
    )
    slots.append(Slot(f"data[{number}].x[0]", ("bound_b",), grid.bounds_b))
    slots.append(Slot(f"data[{number}].y[0]", AXES, drawn))
    colours = [KIND_COLOURS[kind] for kind in KINDS]
    slots.append(Slot(f"data[{number}].marker.color", ("kind",), colours))
    labels = over_positions(
        grid.max_abs_error.shape,
        lambda k, g, b: f"<b>{say_number(float(grid.max_abs_error[k, g, b]))}</b>",
    )
    slots.append(Slot(f"data[{number}].text[0]", AXES, labels))


def _add_ranks(figure: go.Figure, slots: list[Slot], result: Result) -> None:
    degrees = result.grid.degrees
    last, low = len(degrees) - 1, 1
    for name, ranks, dash, colour, label, height in (
        ("rank, exponents matched", result.ranks, "solid", "purple", "exponents matched", low),
        (
            "rank as the paper counts it",
            result.paper_ranks,
            "dash",
            "published",
            "paper's count",
            last,
        ),
    ):
        figure.add_scatter(
            x=degrees,
            y=[float(r) for r in ranks],
            name=name,
            showlegend=False,
            mode="lines",
            line={"color": PALETTE[colour], "dash": dash, "width": 2.5},
            hovertemplate=f"{name}<br>degree %{{x}}: %{{y:,}} columns<extra></extra>",
            row=1,
            col=2,
        )
        figure.add_annotation(
            x=degrees[last],
            y=math.log10(ranks[height]),
            text=label,
            font={"color": PALETTE[colour]},
            xanchor="right",
            yanchor="middle" if height == low else "bottom",
            yshift=0 if height == low else 6,
            showarrow=False,
            row=1,
            col=2,
        )
    number = len(list(figure.data))
    figure.add_scatter(
        x=[degrees[0]],
        y=[float(result.ranks[0])],
        name="chosen degree",
        showlegend=False,
        mode="markers+text",
        text=[""],
        textposition="bottom right",
        textfont={"size": 17},
        marker={"color": PALETTE["purple"], **MARKER},
        cliponaxis=False,
        hoverinfo="skip",
        row=1,
        col=2,
    )
    slots.append(Slot(f"data[{number}].x[0]", ("degree",), degrees.astype(float)))
    slots.append(Slot(f"data[{number}].y[0]", ("degree",), np.array(result.ranks, dtype=float)))
    slots.append(
        Slot(f"data[{number}].text[0]", ("degree",), [f"<b>{r:,}</b>" for r in result.ranks])
    )


def _lay_out(figure: go.Figure, result: Result) -> None:
    tokens = result.params.tokens
    highest_rank = math.ceil(math.log10(max(*result.paper_ranks, tokens)))
    figure.update_layout(
        template=TEMPLATE,
        height=520,
        margin={"t": 70, "r": 30},
        legend={"y": 1.04},
    )
    figure.update_xaxes(title_text="largest entry B", range=[0.0, 4.1], dtick=0.5, row=1, col=1)
    figure.update_yaxes(
        title_text="largest error of the output",
        type="log",
        range=[math.log10(FLOOR) - 0.2, 1.9],
        row=1,
        col=1,
        **log_ticks(-15, 0, 3),
    )
    line = {"color": PALETTE["threshold"], "width": 2, "dash": "longdash"}
    at = result.threshold_b
    figure.add_shape(
        type="line", x0=at, x1=at, xref="x", y0=0.0, y1=1.0, yref="y domain", line=line
    )
    figure.add_annotation(
        x=result.threshold_b,
        y=0.02,
        yref="y domain",
        text=f"√(ln n) = {result.threshold_b:.2f}",
        font={"color": PALETTE["threshold"], "size": 16},
        xanchor="left",
        yanchor="bottom",
        xshift=7,
        showarrow=False,
        row=1,
        col=1,
    )
    figure.update_xaxes(title_text="degree g", dtick=2, range=[0.5, 12.5], row=1, col=2)
    figure.update_yaxes(
        title_text="columns of the factors",
        type="log",
        range=[0.0, highest_rank + 0.5],
        row=1,
        col=2,
        **log_ticks(0, highest_rank, 1 if highest_rank < 7 else 2),
    )
    figure.add_shape(
        type="line",
        x0=0.0,
        x1=1.0,
        xref="x2 domain",
        y0=tokens,
        y1=tokens,
        yref="y2",
        line=line | {"color": PALETTE["danger"]},
    )
    figure.add_annotation(
        x=12.3,
        y=math.log10(tokens),
        text=f"n = {tokens}",
        font={"color": PALETTE["danger"], "size": 16},
        xanchor="right",
        yanchor="top",
        showarrow=False,
        row=1,
        col=2,
    )


def _say(result: Result, k: int, g: int, b: int) -> str:
    """What the reader sees at one position, in two or three sentences."""
    grid, tokens = result.grid, result.params.tokens
    degree, bound_b = int(grid.degrees[g]), float(grid.bounds_b[b])
    error = float(grid.max_abs_error[k, g, b])
    mean = float(grid.mean_of_values_error[b])
    negative = int(grid.negative_rows[k, g, b])
    polynomial = f"the degree-{degree} {IN_SENTENCE[KINDS[k]]} polynomial"
    judged = "no better than" if error >= mean else "against"
    first = (
        f"At B = {bound_b:.1f}, {polynomial} changes an output by {say_number(error)} at worst, "
        f"{judged} {say_number(mean)} for answering every query with the mean of V."
    )
    if negative:
        first += (
            f" In {negative} of {tokens} rows its weights sum to a negative number or zero: those "
            "outputs mean nothing."
        )
    epsilon = float(grid.relative_error[k, g, b])
    if epsilon < 1.0:
        promise = float(grid.certified_bound[k, g, b])
        second = f"Without looking at the data, {say_number(promise)} was certified."
    else:
        second = "Nothing was certified in advance: as far as is known beforehand, a weight may be "
        second += f"wrong by {say_number(epsilon)} times its own size."
    rank = result.ranks[g]
    third = f"It needs {rank:,} columns for {tokens} tokens" + (
        ", so the factors are no smaller than the matrix." if rank >= tokens else "."
    )
    return f"{first} {second} {third}"
