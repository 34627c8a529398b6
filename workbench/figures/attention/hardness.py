"""The hidden pair: what attention reveals of it, and what an approximation may get wrong."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.attention.wording import log_ticks, say_number, say_power
from workbench.figures.live import LiveFigure, Slot, over_positions
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.attention.costs import log_rank
from workbench.methods.attention.hardness import Params, Result

FLOOR = 1e-9
"""Smaller errors are drawn here: the margin they are held against is far above."""
MARKER = {"size": 15, "line": {"width": 2, "color": "white"}}


def draw_hidden_pair(result: Result) -> LiveFigure:
    """Row sums read from the outputs, one point a query; beside it the signal and its background.

    Row sums are divided by what n unrelated strings would give.
    """
    sweep, tokens = result.sweep, result.params.tokens
    figure = make_subplots(1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.12)
    others = np.delete(sweep.row_sums, result.query, axis=1)
    queries = np.delete(np.arange(1, tokens + 1), result.query)
    figure.add_scatter(
        x=queries,
        y=others[0],
        name="other rows",
        mode="markers",
        marker={"color": PALETTE["exact"], "size": 6, "opacity": 0.75},
        hovertemplate="row %{x}: %{y:.3g}<extra></extra>",
        row=1,
        col=1,
    )
    _add_point(figure, "row of the hidden pair", "vermilion", column=1, x=result.query + 1)
    # what the hidden row has above the others, in the signal's own unit
    excess = tokens * (sweep.row_sums[:, result.query] - np.median(others, axis=1))
    for name, y, line, marker in (
        ("signal e^(B²Δ)", sweep.signals, {"color": PALETTE["vermilion"], "width": 4}, None),
        ("background n", np.full_like(sweep.signals, tokens), _rule("exact", "solid"), None),
        (
            "hidden row above the median",
            np.where(excess >= 1.0, excess, np.nan),
            None,
            {"color": PALETTE["blue"], "size": 8, "symbol": "circle-open", "line": {"width": 2}},
        ),
    ):
        figure.add_scatter(
            x=sweep.bounds_b,
            y=y,
            meta="pick",
            name=name,
            mode="lines" if line else "markers",
            line=line,
            marker=marker,
            hovertemplate=f"{name}<br>B = %{{x:.1f}}: %{{y:.3g}}<extra></extra>",
            row=1,
            col=2,
        )
    _add_point(figure, "chosen", "vermilion", column=2)
    highest = math.ceil(math.log10(max(float(sweep.row_sums.max()), 10.0)))
    _lay_out_hidden(figure, result, highest)
    hidden = sweep.row_sums[:, result.query]
    slots = (
        Slot("data[0].y", ("bound_b",), others),
        Slot("data[1].y[0]", ("bound_b",), hidden),
        Slot("data[1].text[0]", ("bound_b",), [f"<b>{say_number(y)}</b>" for y in hidden.tolist()]),
        Slot("data[5].x[0]", ("bound_b",), sweep.bounds_b),
        Slot("data[5].y[0]", ("bound_b",), sweep.signals),
        Slot(
            "data[5].text[0]",
            ("bound_b",),
            [f"<b>{say_number(y)}</b>" for y in sweep.signals.tolist()],
        ),
    )
    words = over_positions((len(sweep.bounds_b),), lambda b: _say_hidden(result, b))
    return LiveFigure(figure, live_axes(Params), slots, Slot("", ("bound_b",), words))


def draw_margin(result: Result) -> LiveFigure:
    """The error that still shows the pair, and the error of a polynomial of the chosen degree."""
    sweep = result.sweep
    margin = np.where(sweep.gaps > 0.0, sweep.gaps / 2.0, np.nan)
    errors = np.maximum(sweep.errors, FLOOR)
    figure = go.Figure()
    for name, y, line in (
        ("error that still shows the pair", margin, {"color": PALETTE["blue"], "width": 4}),
        ("error of the polynomial", errors[0], {"color": PALETTE["vermilion"], "width": 4}),
    ):
        figure.add_scatter(
            x=sweep.bounds_b,
            y=y,
            name=name,
            mode="lines",
            line=line,
            hovertemplate=f"{name}<br>B = %{{x:.1f}}: %{{y:.2g}}<extra></extra>",
        )
    _add_point(figure, "allowed", "blue", label="bottom right")
    _add_point(figure, "made", "vermilion")
    _add_crossing(figure, result, height=0.99)
    figure.update_layout(template=TEMPLATE, height=480, margin={"t": 60, "r": 30})
    figure.update_xaxes(title_text="largest entry B", range=[0.0, 12.4], dtick=2)
    figure.update_yaxes(
        title_text="error of an output",
        type="log",
        range=[math.log10(FLOOR) - 0.2, 1.1],
        **log_ticks(-9, 0, 3),
    )
    both = ("degree", "bound_b")
    slots = (
        Slot("data[1].y", ("degree",), errors),
        Slot("data[2].x[0]", ("bound_b",), sweep.bounds_b),
        Slot("data[2].y[0]", ("bound_b",), margin),
        Slot("data[2].text[0]", ("bound_b",), [_bold(y) for y in margin.tolist()]),
        Slot("data[3].x[0]", ("bound_b",), sweep.bounds_b),
        Slot("data[3].y[0]", both, errors),
        Slot("data[3].text[0]", both, [[_bold(y) for y in row] for row in sweep.errors.tolist()]),
    )
    words = over_positions(sweep.errors.shape, lambda g, b: _say_margin(result, g, b))
    return LiveFigure(figure, live_axes(Params), slots, Slot("", both, words))


def _add_point(
    figure: go.Figure,
    name: str,
    colour: str,
    *,
    column: int | None = None,
    x: float = 0.5,
    label: str = "top left",
) -> None:
    place = {} if column is None else {"row": 1, "col": column}
    figure.add_scatter(
        x=[x],
        y=[1.0],
        name=name,
        showlegend=column == 1,
        mode="markers+text",
        text=[""],
        textposition=label,
        textfont={"size": 17},
        marker=MARKER | {"color": PALETTE[colour]},
        cliponaxis=False,
        hoverinfo="skip",
        **place,
    )


def _add_crossing(
    figure: go.Figure,
    result: Result,
    axes: tuple[str, str] = ("x", "y"),
    *,
    height: float = 0.01,
) -> None:
    """A line at √(ln n), and one where the signal is as large as the background."""
    x, y = axes
    for at, role, text in (
        (math.sqrt(math.log(result.params.tokens)), "exact", "√(ln n)"),
        (result.crossing_b, "threshold", "√(ln n / Δ)"),
    ):
        figure.add_shape(
            type="line",
            x0=at,
            x1=at,
            xref=x,
            y0=0.0,
            y1=1.0,
            yref=f"{y} domain",
            line=_rule(role, "longdash"),
        )
        figure.add_annotation(
            x=at,
            xref=x,
            y=height,
            yref=f"{y} domain",
            text=f"{text} = {at:.1f}",
            font={"color": PALETTE[role], "size": 16},
            xanchor="left",
            yanchor="bottom" if height < 0.5 else "top",
            xshift=5,
            showarrow=False,
        )


def _lay_out_hidden(figure: go.Figure, result: Result, highest: int) -> None:
    tokens = result.params.tokens
    figure.update_layout(template=TEMPLATE, height=480, margin={"t": 60, "r": 30})
    figure.update_xaxes(title_text="query", range=[-0.03 * tokens, 1.03 * tokens], row=1, col=1)
    figure.update_yaxes(
        title_text="row sum, 1 = unrelated strings",
        type="log",
        range=[-0.5, highest + 0.2],
        row=1,
        col=1,
        **log_ticks(0, highest, 1),
    )
    top = math.ceil(math.log10(float(result.sweep.signals.max())))
    figure.update_xaxes(title_text="largest entry B", range=[0.0, 12.4], dtick=2, row=1, col=2)
    figure.update_yaxes(
        title_text="sum of e^score, in units of one unrelated string",
        type="log",
        range=[-1.0, top + 0.2],
        row=1,
        col=2,
        **log_ticks(0, top, 1 if top < 8 else 2),
    )
    _add_crossing(figure, result, ("x2", "y2"))


def _rule(role: str, dash: str) -> dict[str, object]:
    return {"color": PALETTE[role], "dash": dash, "width": 2.0}


def _bold(value: float) -> str:
    return f"<b>{say_number(value)}</b>" if math.isfinite(value) else ""


def _say_hidden(result: Result, b: int) -> str:
    sweep, params = result.sweep, result.params
    hidden = float(sweep.row_sums[b, result.query])
    median = float(np.median(sweep.row_sums[b]))
    larger = int((sweep.row_sums[b] > hidden).sum())
    seen = (
        "the largest of all: the pair is found"
        if larger == 0
        else f"below {larger} of the {params.tokens - 1} other rows: the pair drowns"
    )
    ratio = result.crossing_b / math.sqrt(math.log(params.tokens))
    return (
        f"At B = {float(sweep.bounds_b[b]):.1f} the hidden pair adds "
        f"{say_number(float(sweep.signals[b]))} to its row, against a background of "
        f"{params.tokens} unrelated strings. Read from the outputs alone, its row sum is "
        f"{say_number(hidden)} with {say_number(median)} in the middle, {seen}. The signal passes "
        f"the background at B = {result.crossing_b:.2f}, which is {ratio:.1f} √(ln n) whatever n "
        "is: attention that is fast there would find near pairs faster than is believed possible."
    )


def _say_margin(result: Result, g: int, b: int) -> str:
    sweep, params = result.sweep, result.params
    bound_b, degree = float(sweep.bounds_b[b]), int(sweep.degrees[g])
    error, gap = float(sweep.errors[g, b]), float(sweep.gaps[b])
    made = f"A degree-{degree} polynomial is wrong by up to {say_number(error)}"
    if gap <= 0.0:
        return (
            f"At B = {bound_b:.1f} even exact attention does not show the pair: other rows stand "
            f"higher. {made}: easy to compute, and nothing to be seen."
        )
    allowed = gap / 2.0
    enough = sweep.degrees[sweep.errors[:, b] < allowed].tolist()
    verdict = "the pair is still seen" if error < allowed else "the pair may be lost"
    needed = (
        f"Degree {enough[0]} is enough, which in {4 * params.bits} dimensions takes about "
        f"{_say_rank(enough[0], 4 * params.bits)} columns for {params.tokens} queries."
        if enough
        else f"No degree up to {int(sweep.degrees[-1])} is enough."
    )
    return (
        f"At B = {bound_b:.1f} the hidden output stands {say_number(gap)} above the next, so an "
        f"error below {say_number(allowed)} still shows it. {made}: {verdict}. {needed}"
    )


def _say_rank(degree: int, dimension: int) -> str:
    return say_power(round(float(log_rank(np.array(degree), np.array(dimension))) / math.log(10.0)))
