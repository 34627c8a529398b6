"""Your own task: the prior a model carries on it, and accuracy with and without."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.gla.marks import METHOD_COLOURS, POWERS_OF_TEN, add_estimates
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_label, add_line, segments, thrice
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_gain, say_percent
from workbench.methods.gla.own_task import METHOD_NAMES, METHODS, Params, Result
from workbench.methods.intervals import NORMAL_95

COLOURS = [METHOD_COLOURS["fine_tuned" if m == "linear_probe" else m] for m in METHODS]


def _scale(log_prior: np.ndarray) -> dict[str, Any]:
    """A logarithmic axis; marked at powers of ten alone where it spans several."""
    is_wide = np.ptp(log_prior) > np.log(100.0)
    return POWERS_OF_TEN if is_wide else {"type": "log", "tickformat": ".4~g"}


def draw_own_task(result: Result) -> LiveFigure:
    """Sorted prior with intervals; accuracy of each method with its interval."""
    order = np.argsort(-result.prior.log_prior, kind="stable")
    log_prior = result.prior.log_prior[order]
    error = NORMAL_95 * result.prior.standard_error[order]
    ranks = np.arange(1, len(order) + 1)
    figure = make_subplots(1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.2)
    add_estimates(
        figure,
        ranks,
        segments(np.exp(log_prior - error), np.exp(log_prior + error)),
        np.exp(log_prior),
        opacity=0.5,
        showlegend=False,
        name="prior",
        color=PALETTE["green"],
        hovertext=[html.escape(result.class_names[c]) for c in order],
        hovertemplate="%{hovertext}: %{y:.2~%}<extra></extra>",
    )
    add_line(
        figure,
        1,
        1,
        x=[0.5, len(order) + 0.5],
        y=[1.0 / len(order)] * 2,
        name="uniform",
        color=PALETTE["baseline"],
        dash="dot",
        showlegend=False,
        hoverinfo="skip",
    )
    add_label(
        figure,
        1,
        1,
        "uniform",
        x=len(order) + 0.5,
        y=-np.log10(len(order)),
        xanchor="right",
        yanchor="bottom",
        color=PALETTE["baseline"],
    )
    heights = np.arange(len(METHODS))[::-1]
    rows = [
        [result.accuracy[m][t if m == "gla" else 0] for m in METHODS]
        for t in range(len(result.strengths))
    ]
    mean, low, high = np.moveaxis(
        100.0 * np.array([[(a.mean, a.low, a.high) for a in row] for row in rows]), -1, 0
    )
    strokes = add_line(
        figure,
        1,
        2,
        x=segments(low, high)[0],
        y=thrice(heights),
        name="95 % interval",
        color=PALETTE["exact"],
        width=3,
        showlegend=False,
        hoverinfo="skip",
    )
    number = len(list(figure.data))
    figure.add_scatter(
        x=mean[0],
        y=heights,
        text=[""] * len(METHODS),
        textposition="top center",
        name="accuracy",
        mode="markers+text",
        marker={"size": 14, "color": COLOURS},
        showlegend=False,
        hoverinfo="skip",
        row=1,
        col=2,
    )
    ticks = len(order) <= 24
    figure.update_layout(template=TEMPLATE, height=460, margin={"t": 30, "r": 20})
    figure.update_xaxes(
        title_text="" if ticks else "class, most favoured first",
        tickvals=ranks if ticks else None,
        ticktext=[html.escape(result.class_names[c]) for c in order] if ticks else None,
        row=1,
        col=1,
    )
    figure.update_yaxes(title_text="prior the model carries", row=1, col=1, **_scale(log_prior))
    figure.update_xaxes(title_text="test pictures guessed right (%)", range=[0, 102], row=1, col=2)
    figure.update_yaxes(
        tickvals=heights,
        ticktext=list(METHOD_NAMES),
        range=[-0.6, len(METHODS) - 0.3],
        row=1,
        col=2,
    )
    axis = ("strength",)
    slots = (
        Slot(f"data[{strokes}].x", axis, segments(low, high)),
        Slot(f"data[{number}].x", axis, mean),
        Slot(
            f"data[{number}].text",
            axis,
            [[say_percent(x / 100.0) for x in row] for row in mean],
        ),
    )

    def say(t: int) -> str:
        favoured, ignored = (result.class_names[order[i]] for i in (0, -1))
        zero_shot = result.accuracy["zero_shot"][0].mean
        return join(
            [
                f"The model favours “{favoured}” most and “{ignored}” least. Without that prior "
                f"zero-shot moves from {say_percent(zero_shot)} to "
                f"{say_percent(result.accuracy['zero_shot_debiased'][0].mean)}.",
                f"GLA at strength {result.strengths[t]:g} has "
                f"{say_percent(result.accuracy['gla'][t].mean)} on {result.test_pictures:,} test "
                f"pictures; at full strength its gain over the linear probe is "
                f"{say_gain(result.gain)}.",
                "The interval holds zero: this task does not show a gain."
                if result.gain.low <= 0.0 <= result.gain.high
                else "",
                "The model is nearly always right, so its prior can hardly be seen."
                if zero_shot > 0.95
                else "",
            ]
        )

    words = Slot("", axis, each(say, len(result.strengths)))
    return LiveFigure(figure, live_axes(Params), slots, words)
