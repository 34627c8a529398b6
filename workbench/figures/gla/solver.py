"""The solver theatre: the path on the simplex, and what its numbers say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.gla.marks import POWERS_OF_TEN, lay_out_prior
from workbench.figures.gla.solver_words import say_states
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import RING, add_label, add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.gla.solver import Params, Result, Run

AXES = ("log10_rate", "iterations")
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
"""Where the three classes stand in the drawing of the simplex."""
PUBLISHED_SUM = 0.804
"""Sum of the 1,000 entries of the authors' released ImageNet prior (their file q.pt)."""
HIGHEST_SUM = 1.6
SMALLEST_KL = 1e-4
"""Where the logarithmic axis ends."""


def draw_simplex(result: Result) -> LiveFigure:
    """Three classes: the path of q on the simplex with curves of equal loss, and the sum of q."""
    figure = make_subplots(1, 2, column_widths=[0.55, 0.45], horizontal_spacing=0.12)
    run = result.three
    with np.errstate(invalid="ignore"):
        place = (run.prior / run.sums[..., None]) @ CORNERS  # (rates, iterations, 2)
    outline = np.vstack([CORNERS, CORNERS[:1]])
    add_line(
        figure,
        1,
        1,
        x=outline[:, 0],
        y=outline[:, 1],
        name="simplex",
        color=PALETTE["grid"],
        showlegend=False,
        hoverinfo="skip",
    )
    for name, corner, anchor in zip(
        ("all A", "all B", "all C"), CORNERS, ("top", "top", "bottom"), strict=True
    ):
        add_label(
            figure, 1, 1, name, x=corner[0], y=corner[1], yanchor=anchor, color=PALETTE["grid"]
        )
    levels = np.insert(result.contours @ CORNERS, len(result.contours[0]), np.nan, axis=1)
    add_line(
        figure,
        1,
        1,
        x=levels[..., 0].ravel(),
        y=levels[..., 1].ravel(),
        name="equal loss",
        color=PALETTE["grid"],
        width=1.2,
        hoverinfo="skip",
    )
    path = add_line(
        figure,
        1,
        1,
        x=place[0, :, 0],
        y=place[0, :, 1],
        name="path of q",
        color=PALETTE["vermilion"],
        hoverinfo="skip",
    )
    for name, log_prior, colour, symbol in (
        ("planted prior", run.log_truth, "exact", "diamond"),
        ("best fit", run.log_optimum, "green", "star"),
    ):
        at = np.exp(log_prior) @ CORNERS
        add_points(
            figure,
            1,
            1,
            x=[at[0]],
            y=[at[1]],
            name=name,
            color=PALETTE[colour],
            symbol=symbol,
            size=15,
            hovertemplate=f"{name}<extra></extra>",
        )
    now = add_points(
        figure,
        1,
        1,
        x=[place[0, 0, 0]],
        y=[place[0, 0, 1]],
        name="q now",
        color=PALETTE["vermilion"],
        size=13,
        line=RING,
        hoverinfo="skip",
    )
    slots = [
        Slot(f"data[{path}].x", ("log10_rate",), place[..., 0]),
        Slot(f"data[{path}].y", ("log10_rate",), place[..., 1]),
        Slot(f"data[{now}].x[0]", AXES, place[..., 0]),
        Slot(f"data[{now}].y[0]", AXES, place[..., 1]),
        *_add_sums(figure, result, run),
    ]
    _lay_out_simplex(figure)
    words = Slot("", AXES, say_states(result, run, "three classes"))
    return LiveFigure(figure, live_axes(Params), tuple(slots), words)


def _lay_out_simplex(figure: go.Figure) -> None:
    figure.update_layout(template=TEMPLATE, height=500, margin={"t": 60, "r": 20})
    hidden = {"showgrid": False, "showline": False, "ticks": "", "showticklabels": False}
    figure.update_xaxes(range=[-0.08, 1.08], row=1, col=1, **hidden)
    figure.update_yaxes(range=[-0.1, 0.96], scaleanchor="x", scaleratio=1.0, row=1, col=1, **hidden)


def _add_sums(figure: go.Figure, result: Result, run: Run) -> list[Slot]:
    figure.update_yaxes(title_text="sum of q", range=[0.4, HIGHEST_SUM], row=1, col=2)
    return _add_course(
        figure,
        result,
        np.minimum(run.sums, HIGHEST_SUM),
        (
            (1.0, "constraint: Σ q = 1", "exact", "bottom"),
            (PUBLISHED_SUM, f"published ImageNet prior: {PUBLISHED_SUM}", "published", "top"),
        ),
        name="Σ q",
        hover="iteration %{x}: Σ q = %{y:.3f}<extra></extra>",
    )


def _add_course(  # noqa: PLR0913  one panel of a figure
    figure: go.Figure,
    result: Result,
    values: np.ndarray,
    levels: Sequence[tuple[float, str, str, str]],
    *,
    name: str,
    hover: str,
    is_log: bool = False,
) -> list[Slot]:
    """The right panel: a number over the iterations, the present one marked, beside levels.

    Args:
        figure: with two panels.
        result: says which iterations.
        values: ``(rates, iterations)``.
        levels: height, words, colour's role and side of the words, for each dotted line.
        name: of the line.
        hover: template of its hover text.
        is_log: whether the axis of values is logarithmic.
    """
    x = result.iterations.astype(float)
    line = add_line(
        figure,
        1,
        2,
        x=x,
        y=values[0],
        name=name,
        color=PALETTE["vermilion"],
        showlegend=False,
        hovertemplate=hover,
    )
    for height, words, role, side in levels:
        add_line(
            figure,
            1,
            2,
            x=[x[0], x[-1]],
            y=[height, height],
            name=words,
            color=PALETTE[role],
            dash="dot",
            showlegend=False,
            hoverinfo="skip",
        )
        add_label(
            figure,
            1,
            2,
            words,
            x=x[-1],
            y=np.log10(height) if is_log else height,
            xanchor="right",
            yanchor=side,
            color=PALETTE[role],
        )
    point = add_points(
        figure,
        1,
        2,
        x=[0.0],
        y=[values[0, 0]],
        name="now",
        color=PALETTE["vermilion"],
        size=13,
        line=RING,
        showlegend=False,
        hoverinfo="skip",
    )
    figure.update_xaxes(title_text="iteration", range=[-20, x[-1] + 20], row=1, col=2)
    return [
        Slot(f"data[{line}].y", ("log10_rate",), values),
        Slot(f"data[{point}].x[0]", ("iterations",), x),
        Slot(f"data[{point}].y[0]", AXES, values),
    ]


def draw_twenty(result: Result) -> LiveFigure:
    """Twenty classes: q beside the best fit and the planted prior, and its distance on the way."""
    figure = make_subplots(1, 2, column_widths=[0.55, 0.45], horizontal_spacing=0.13)
    run = result.twenty
    order = np.argsort(-run.log_truth, kind="stable")
    ranks = np.arange(1, len(order) + 1)
    with np.errstate(invalid="ignore"):
        q = (run.prior / run.sums[..., None])[..., order]
    add_line(
        figure,
        1,
        1,
        x=ranks,
        y=np.exp(run.log_truth[order]),
        name="planted prior",
        color=PALETTE["exact"],
        width=5,
        hoverinfo="skip",
    )
    add_points(
        figure,
        1,
        1,
        x=ranks,
        y=np.exp(run.log_optimum[order]),
        name="best fit",
        color=PALETTE["green"],
        symbol="star",
        hovertemplate="rank %{x}: best fit %{y:.4f}<extra></extra>",
        size=9,
    )
    bars = add_points(
        figure,
        1,
        1,
        x=ranks,
        y=q[0, 0],
        name="q, normalised",
        color=PALETTE["vermilion"],
        hovertemplate="rank %{x}: q %{y:.4f}<extra></extra>",
        size=9,
    )
    course = _add_course(
        figure,
        result,
        np.maximum(run.kl_to_truth, SMALLEST_KL),
        (
            (run.kl_uniform, "uniform, where q starts", "baseline", "bottom"),
            (max(run.kl_optimum, SMALLEST_KL), "best fit", "green", "bottom"),
        ),
        name="KL",
        hover="iteration %{x}: %{y:.3f} nats<extra></extra>",
        is_log=True,
    )
    figure.update_layout(template=TEMPLATE, height=500, margin={"t": 60, "r": 20})
    lay_out_prior(figure, "class, commonest first", [0.0, len(order) + 1.0], [-2.8, 0.0])
    figure.update_yaxes(
        title_text="KL to the planted prior (nats)",
        range=[-3.2, 0.6],
        row=1,
        col=2,
        **POWERS_OF_TEN,
    )
    slots = (Slot(f"data[{bars}].y", AXES, q.astype(np.float16)), *course)
    words = Slot("", AXES, say_states(result, run, "twenty classes"))
    return LiveFigure(figure, live_axes(Params), slots, words)
