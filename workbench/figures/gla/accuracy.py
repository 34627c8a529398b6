"""The main figures: accuracy of every method, and of every strength and weight of the mixture."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.gla.marks import GROUP_COLOURS, GROUP_NAMES, METHOD_COLOURS
from workbench.figures.gla.verdict import mixture_words
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points, segments, thrice
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, SEQUENTIAL, TEMPLATE
from workbench.figures.wording import each, say_percent
from workbench.methods.gla.benefit import METHOD_NAMES, TUNINGS, Params, Result
from workbench.methods.gla.comparison import METHODS
from workbench.methods.intervals import interval_ends

AXES = ("tuning", "strength", "weight")
HEIGHTS = np.arange(len(METHODS))[::-1]
LIGHT, DARK = SEQUENTIAL[-1][1], SEQUENTIAL[0][1]


def words(result: Result) -> Slot:
    """The sentences for every position."""
    shape = (len(TUNINGS), len(result.strengths), len(result.weights))
    return Slot("", AXES, each(lambda *at: mixture_words(result, *at), *shape))


def spread_over(result: Result, fixed: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    """``(tunings, t, w, methods)``: numbers of all methods, GLA's row at every position."""
    shape = (len(TUNINGS), len(result.strengths), len(result.weights), len(METHODS))
    found = np.broadcast_to(fixed[:, None, None, :], shape).copy()
    found[..., METHODS.index("gla")] = mixture
    return found


def draw_accuracy(result: Result) -> LiveFigure:
    """One row a method: accuracy with its interval, and head, middle and tail classes apart."""
    figure = make_subplots(
        1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.04, shared_yaxes=True
    )
    benefits = [result.benefits[kind] for kind in TUNINGS]
    means, lows, highs = np.moveaxis(
        np.array(
            [
                [(a.mean, a.low, a.high) for a in (benefit.accuracy(m) for m in METHODS)]
                for benefit in benefits
            ]
        ),
        -1,
        0,
    )
    mixtures = [benefit.mixture for benefit in benefits]
    mixed = (
        np.array([m.by_class.mean(axis=-1) for m in mixtures]),
        *interval_ends(np.array([m.replicates for m in mixtures])),
    )
    mean, low, high = (
        100.0 * spread_over(result, fixed, moving)
        for fixed, moving in zip((means, lows, highs), mixed, strict=True)
    )
    strokes = add_line(
        figure,
        1,
        1,
        x=segments(low, high)[0, 0, 0],
        y=thrice(HEIGHTS),
        name="95 % interval",
        color=PALETTE["exact"],
        width=3,
        showlegend=False,
        hoverinfo="skip",
    )
    points = len(list(figure.data))
    figure.add_scatter(
        x=mean[0, 0, 0],
        y=HEIGHTS,
        text=[""] * len(METHODS),
        textposition="top center",
        name="accuracy",
        mode="markers+text",
        marker={"size": 14, "color": [METHOD_COLOURS[m] for m in METHODS]},
        showlegend=False,
        hovertemplate="%{x:.1f} %<extra></extra>",
        row=1,
        col=1,
    )
    slots = [
        Slot(f"data[{strokes}].x", AXES, segments(low, high)),
        Slot(f"data[{points}].x", AXES, mean),
        Slot(
            f"data[{points}].text",
            AXES,
            each(lambda *at: [say_percent(x / 100.0) for x in mean[at]], *mean.shape[:3]),
        ),
    ]
    for g, name in enumerate(GROUP_NAMES):
        own = result.groups == g
        fixed = np.array([[b.answers[m].by_class[own].mean() for m in METHODS] for b in benefits])
        moving = np.array([b.mixture.by_class[..., own].mean(axis=-1) for b in benefits])
        values = 100.0 * spread_over(result, fixed, moving)
        number = add_points(
            figure,
            1,
            2,
            x=values[0, 0, 0],
            y=HEIGHTS,
            name=f"{name} classes",
            color=GROUP_COLOURS[g],
            size=12,
            hovertemplate=f"{name} classes: %{{x:.1f}} %<extra></extra>",
        )
        slots.append(Slot(f"data[{number}].x", AXES, values))
    figure.update_layout(template=TEMPLATE, height=500, margin={"t": 60, "l": 150, "r": 20})
    figure.update_yaxes(
        tickvals=HEIGHTS, ticktext=list(METHOD_NAMES), range=[-0.6, len(METHODS) - 0.3]
    )
    for col, title in (
        (1, "all classes, guessed right (%)"),
        (2, "by frequency in pre-training (%)"),
    ):
        figure.update_xaxes(title_text=title, row=1, col=col)
    figure.update_xaxes(range=_around(low, high), row=1, col=1)
    figure.update_xaxes(range=[0.0, 100.0], row=1, col=2)
    return LiveFigure(figure, live_axes(Params), tuple(slots), words(result))


def _around(low: np.ndarray, high: np.ndarray) -> list[float]:
    return [max(0.0, float(np.nanmin(low)) - 4.0), min(100.0, float(np.nanmax(high)) + 4.0)]


def draw_mixture(result: Result) -> LiveFigure:
    """Accuracy over strength and weight, with the named methods where they lie."""
    figure = go.Figure()
    planes = 100.0 * np.array([result.benefits[k].mixture.by_class.mean(axis=-1) for k in TUNINGS])
    figure.add_heatmap(
        x=result.weights,
        y=result.strengths,
        z=planes[0],
        colorscale=SEQUENTIAL,
        colorbar={"title": {"text": "%"}},
        meta="pick",
        hovertemplate="weight %{x}, strength %{y}: <b>%{z:.1f} %</b><extra></extra>",
    )
    for name, weight, strength, anchor in (
        ("zero-shot", 0.0, 0.0, "left"),
        ("zero-shot, debiased", 0.0, 1.0, "left"),
        ("plain ensemble", 0.5, 0.0, "center"),
        ("GLA", 0.5, 1.0, "center"),
        ("fine-tuned", 1.0, 0.0, "right"),
    ):
        figure.add_annotation(
            x=weight,
            y=strength,
            text=name,
            font={"color": LIGHT},
            bgcolor=DARK,
            opacity=0.85,
            xanchor=anchor,
            yshift=20,
            showarrow=False,
        )
    number = len(list(figure.data))
    figure.add_scatter(
        x=[0.0],
        y=[0.0],
        name="chosen",
        mode="markers",
        marker={"size": 15, "color": PALETTE["green"], "line": {"width": 2, "color": "white"}},
        showlegend=False,
        hoverinfo="skip",
    )
    figure.update_layout(template=TEMPLATE, height=500, margin={"t": 30, "r": 20})
    figure.update_xaxes(title_text="weight w of the fine-tuned model", range=[-0.0625, 1.0625])
    figure.update_yaxes(title_text="strength τ of the correction", range=[-0.125, 2.125])
    slots = (
        Slot("data[0].z", ("tuning",), planes),
        Slot("data[0].zmin", ("tuning",), planes.min(axis=(1, 2))),
        Slot("data[0].zmax", ("tuning",), planes.max(axis=(1, 2)) + 1e-6),
        Slot(f"data[{number}].x[0]", ("weight",), result.weights),
        Slot(f"data[{number}].y[0]", ("strength",), result.strengths),
    )
    return LiveFigure(figure, live_axes(Params), slots, words(result))
