"""The trigger grid: which sentence before the answer makes which question come out right."""

from __future__ import annotations

import html

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_label, add_line, add_points, segments, thrice
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import NO_EFFECT, join, say_gain, say_percent, shorten
from workbench.methods.dsp.published import (
    AQUA_ITEMS,
    MULTIARITH_ITEMS,
    TRIGGERS,
)
from workbench.methods.dsp.triggers import TriggerGrid
from workbench.methods.intervals import wilson


def draw_triggers(found: TriggerGrid) -> LiveFigure:
    """Questions by triggers: right or wrong; the share right of every trigger with intervals."""
    columns = np.argsort(found.accuracy.mean, kind="stable")  # the best lowest, read from the top
    rows = np.argsort(-found.is_right.mean(axis=1), kind="stable")
    n, t = found.is_right.shape
    heights = np.arange(t, dtype=float)
    grid = found.is_right[rows][:, columns].T.astype(float)
    figure = make_subplots(
        1, 2, column_widths=[0.62, 0.38], horizontal_spacing=0.02, shared_yaxes=True
    )
    texts = np.array([[html.escape(shorten(found.questions[i], 90)) for i in rows]] * t)
    figure.add_heatmap(
        x=np.arange(1, n + 1),
        y=heights,
        z=grid,
        customdata=texts,
        colorscale=[[0.0, "rgba(140,131,119,0.22)"], [1.0, PALETTE["green"]]],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=0.5,
        ygap=2,
        hovertemplate="%{customdata}<br>%{y}: %{z:.0f} (1 = right)<extra></extra>",
        row=1,
        col=1,
    )
    mean, low, high = (
        100.0 * getattr(found.accuracy, part)[columns] for part in ("mean", "low", "high")
    )
    add_line(
        figure,
        1,
        2,
        x=segments(low, high),
        y=thrice(heights),
        name="95 % interval",
        color=PALETTE["exact"],
        width=3,
        showlegend=False,
        hoverinfo="skip",
    )
    best = int(np.flatnonzero(columns == found.best)[0])
    add_points(
        figure,
        1,
        2,
        x=mean,
        y=heights,
        name="right",
        color=[PALETTE["green"] if i == best else PALETTE["blue"] for i in range(t)],
        size=11,
        showlegend=False,
        hovertemplate="%{x:.1f} %<extra></extra>",
    )
    top = t - 0.1
    for share, name, role in (
        (found.fair, "chosen fairly", "threshold"),
        (found.oracle.mean, "oracle", "exact"),
    ):
        add_line(
            figure,
            1,
            2,
            x=[100.0 * share] * 2,
            y=[-0.6, top],
            name=name,
            color=PALETTE[role],
            width=1.5,
            dash="dot",
            showlegend=False,
            hovertemplate=f"{name}: %{{x:.1f}} %<extra></extra>",
        )
        add_label(
            figure,
            1,
            2,
            f"{name} {say_percent(share, 0)}",
            x=100.0 * share,
            y=top,
            xanchor="right" if share > 0.3 else "left",
            yanchor="bottom",
            color=PALETTE[role],
            yshift=18 if name == "oracle" else 0,
        )
    figure.update_layout(
        template=TEMPLATE, height=max(420, 160 + 26 * t), margin={"t": 48, "l": 236, "r": 56}
    )
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[html.escape(shorten(found.triggers[c], 34)) for c in columns],
        range=[-0.6, t - 0.1],
        showgrid=False,
    )
    figure.update_layout(
        yaxis2={
            "side": "right",
            "showticklabels": True,
            "ticktext": [f"{value:.0f} %" for value in mean],
        }
    )
    figure.update_xaxes(
        title_text="question, easiest first", range=[0.4, n + 0.6], showgrid=False, row=1, col=1
    )
    figure.update_xaxes(title_text="answered right (%)", range=[-4.0, 104.0], row=1, col=2)
    return LiveFigure(figure, {}, (), _words(found))


def draw_trigger_choice(found: TriggerGrid) -> LiveFigure:
    """How often a random half of the questions would choose each trigger, and what that costs."""
    order = np.argsort(found.chosen_share, kind="stable")
    t = len(order)
    figure = go.Figure()
    figure.add_bar(
        x=100.0 * found.chosen_share[order],
        y=np.arange(t),
        orientation="h",
        width=0.6,
        marker={"color": PALETTE["blue"]},
        texttemplate="%{x:.0f}",
        textposition="outside",
        cliponaxis=False,
        hovertemplate="chosen by %{x:.1f} % of the halves<extra></extra>",
    )
    figure.update_layout(
        template=TEMPLATE, height=max(380, 130 + 26 * t), margin={"t": 20, "l": 236, "r": 40}
    )
    figure.update_yaxes(
        tickvals=np.arange(t),
        ticktext=[html.escape(shorten(found.triggers[c], 34)) for c in order],
        range=[-0.6, t - 0.4],
    )
    figure.update_xaxes(
        title_text="chosen as the best by a random half of the questions (%)",
        range=[0.0, max(10.0, 112.0 * float(found.chosen_share.max()))],
    )
    return LiveFigure(figure, {}, (), _words(found))


def draw_published_triggers(found: TriggerGrid) -> LiveFigure:
    """The paper's trigger table with the intervals that its number of questions allows."""
    figure = make_subplots(
        1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.03, shared_yaxes=True
    )
    heights = np.arange(len(TRIGGERS), dtype=float)[::-1]
    for col, items, values in (
        (1, MULTIARITH_ITEMS, [row.multiarith for row in TRIGGERS]),
        (2, AQUA_ITEMS, [row.aqua for row in TRIGGERS]),
    ):
        found_ends = [wilson(round(value / 100 * items), items) for value in values]
        add_line(
            figure,
            1,
            col,
            x=segments(
                np.array([100 * one.low for one in found_ends]),
                np.array([100 * one.high for one in found_ends]),
            ),
            y=thrice(heights),
            name="95 % interval",
            color=PALETTE["exact"],
            width=3,
            showlegend=False,
            hoverinfo="skip",
        )
        add_points(
            figure,
            1,
            col,
            x=values,
            y=heights,
            texttemplate="%{x:.1f}",
            textposition="top center",
            name="published",
            symbol="square",
            color=PALETTE["published"],
            showlegend=False,
            hovertemplate="%{x:.1f} %, published<extra></extra>",
        )
    figure.update_layout(template=TEMPLATE, height=460, margin={"t": 20, "l": 262, "r": 20})
    figure.update_yaxes(
        tickvals=heights, ticktext=[row.trigger for row in TRIGGERS], range=[-0.6, 6.7]
    )
    figure.update_xaxes(title_text="MultiArith, published (%)", range=[35, 95], row=1, col=1)
    figure.update_xaxes(title_text="AQuA, published (%)", range=[20, 50], row=1, col=2)
    own = say_percent(float(found.accuracy.mean[found.best]), 0)
    words = (
        "Published, with InstructGPT; the intervals are ours, from 250 and 254 questions. On AQuA "
        "the trained trigger beats “First,” by a single question. "
        f"Here, with a far smaller model and other questions, the best trigger answers {own}."
    )
    return LiveFigure(figure, {}, (), words)


def _say_selector(found: TriggerGrid) -> str:
    if found.selector is None:
        return ""
    gain = found.selector.gain
    verdict = f", {NO_EFFECT}" if gain.covers_zero else ""
    return (
        "A selector that learns from one half which trigger suits a question has "
        f"{say_percent(found.selector.accuracy.mean)} on the other: {say_gain(gain)} against the "
        f"single best of that half{verdict}."
    )


def _words(found: TriggerGrid) -> str:
    best = f"“{shorten(found.triggers[found.best], 50)}”"
    gain = found.gain.at(found.best)
    against = (
        f" ({NO_EFFECT} against “{shorten(found.triggers[0], 50)}”, {say_gain(gain)})"
        if found.best and gain.covers_zero
        else f" ({say_gain(gain)} against “{shorten(found.triggers[0], 50)}”)"
        if found.best
        else ""
    )
    lucky = found.fair + found.selection_noise
    return join(
        [
            f"The best of {len(found.triggers)} triggers, {best}, answers "
            f"{say_percent(float(found.accuracy.mean[found.best]), 0)} of "
            f"{len(found.questions)} questions{against}.",
            f"The best of a random half has {say_percent(lucky)} on that half and "
            f"{say_percent(found.fair)} on the other: {100.0 * found.selection_noise:.1f} points "
            "are luck of the choice.",
            _say_selector(found),
            f"An oracle that picked a trigger for each question would have "
            f"{say_percent(found.oracle.mean, 0)}, but much of that is luck too: "
            f"{len(found.triggers)} tries a question.",
        ]
    )
