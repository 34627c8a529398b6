"""The polynomial beside other methods: error against B, against the budget and against work."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from workbench.figures.attention.peers_curves import (
    HEIGHT_PX,
    HIGHEST,
    LOWEST,
    MARGIN_BOTTOM_PX,
    MARGIN_TOP_PX,
    Run,
    add_leaders,
    add_names,
    draw_curves,
)
from workbench.figures.attention.peers_wording import (
    AXES,
    SHOWN,
    method_index,
    say_bound,
    say_budget,
    say_positions,
    say_work,
    say_work_spent,
)
from workbench.figures.attention.wording import log_ticks
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.attention.comparison import Params, Result


def draw_peers_by_bound(result: Result) -> LiveFigure:
    """Largest output error of every method against B, all with the live budget."""
    contest = result.contest
    run = Run(np.tile(contest.bounds_b, (len(SHOWN), 1)), "bound_b", "log2_budget")
    figure, slots = draw_curves(result, run)
    add_leaders(figure, slots, result, run, beyond=(4.03, 4.13))
    add_names(figure, slots, result, run, at=4.16)
    figure.update_xaxes(title_text="largest entry B", range=[0.15, 4.17], dtick=0.5)
    return _finish(result, figure, slots, say_bound)


def draw_peers_by_budget(result: Result) -> LiveFigure:
    """Largest output error of every method against its budget, at the live B."""
    contest = result.contest
    run = Run(np.tile(contest.budgets.astype(float), (len(SHOWN), 1)), "log2_budget", "bound_b")
    figure, slots = draw_curves(result, run)
    add_leaders(figure, slots, result, run, beyond=(262.0, 287.0))
    add_names(figure, slots, result, run, at=293.0)
    figure.update_xaxes(
        title_text="budget m: columns, features, landmarks, or keys a query",
        type="log",
        range=[math.log10(7.4), math.log10(295)],
        tickvals=contest.budgets,
        ticktext=[str(m) for m in contest.budgets],
    )
    return _finish(result, figure, slots, say_budget)


def draw_peers_by_work(result: Result) -> LiveFigure:
    """Largest output error of every method against counted multiply-adds, at the live B."""
    contest = result.contest
    work = contest.work[[method_index(name, 0) for name in SHOWN]].astype(float)
    run = Run(work, "log2_budget", "bound_b")
    figure, slots = draw_curves(result, run)
    low, high = float(work.min()) / 1.3, 1.3 * float(max(work.max(), contest.exact_work))
    add_names(figure, slots, result, run, at=high)
    figure.update_xaxes(
        title_text="multiply-adds, counted",
        type="log",
        range=[math.log10(low), math.log10(high)],
        **log_ticks(math.floor(math.log10(low)), math.ceil(math.log10(high)), 1),
    )
    figure.add_shape(
        type="line",
        x0=contest.exact_work,
        x1=contest.exact_work,
        y0=0.0,
        y1=1.0,
        yref="y domain",
        line={"color": PALETTE["exact"], "width": 2, "dash": "longdash"},
    )
    figure.add_annotation(
        x=math.log10(contest.exact_work),
        y=0.02,
        yref="y domain",
        yanchor="bottom",
        xanchor="right",
        xshift=-6,
        text=f"exact attention, {say_work(contest.exact_work)}",
        font={"color": PALETTE["exact"]},
    )
    return _finish(result, figure, slots, say_work_spent)


def _finish(
    result: Result,
    figure: go.Figure,
    slots: list[Slot],
    say_last: Callable[[Result, int, int, int], str],
) -> LiveFigure:
    low, high = math.log10(LOWEST), math.log10(HIGHEST)
    figure.update_layout(
        template=TEMPLATE,
        height=HEIGHT_PX,
        margin={"t": MARGIN_TOP_PX, "r": 190, "b": MARGIN_BOTTOM_PX},
        showlegend=False,
    )
    figure.update_yaxes(
        title_text="largest error of the output",
        type="log",
        range=[low, high],
        **log_ticks(math.ceil(low), math.floor(high), 1),
    )
    words = Slot("", AXES, say_positions(result, say_last))
    return LiveFigure(figure, live_axes(Params), tuple(slots), words)
