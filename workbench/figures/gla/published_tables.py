"""Published accuracies, row by row, beside those measured here; other data, other models."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, say_percent, say_points
from workbench.methods.gla.benefit import TUNINGS, Params, Result
from workbench.methods.intervals import Interval

FEW_SHOT = {1: 61.87, 2: 62.64, 4: 63.31, 8: 64.48, 16: 65.63}
"""Accuracy of GLA in % by training pictures a class: ImageNet, CLIP RN50, mean of three seeds; from
the readme of the authors' code for arXiv:2310.08106."""
LADDER = (
    ("Zero-shot", 68.3),
    ("Linear probe", 79.3),
    ("Whole model", 81.3),
    ("Plain ensemble", 82.2),
    ("WiSE-FT", 82.5),
    ("GLA", None),
)
"""Accuracy in % on ImageNet, CLIP ViT-B/16, as the authors print it in their follow-up on
variance-reduced fine-tuning; that table has no row for GLA."""

ROWS = tuple(name for name, _ in LADDER)


def draw_published_tables(result: Result) -> LiveFigure:
    """GLA by training pictures a class, and a ladder of methods: printed and measured here."""
    figure = make_subplots(
        1,
        2,
        column_widths=[0.42, 0.58],
        horizontal_spacing=0.2,
        subplot_titles=["GLA, few-shot", "Every method"],
    )
    add_line(
        figure,
        1,
        1,
        x=list(FEW_SHOT),
        y=list(FEW_SHOT.values()),
        name="published: ImageNet, CLIP RN50 and ViT-B/16",
        color=PALETTE["published"],
        hovertemplate="%{x} pictures a class: %{y:.1f} %, published<extra></extra>",
    )
    add_points(
        figure,
        1,
        1,
        x=list(FEW_SHOT),
        y=list(FEW_SHOT.values()),
        name="published",
        color=PALETTE["published"],
        symbol="square",
        showlegend=False,
        hoverinfo="skip",
        size=9,
    )
    ours = 100.0 * np.array([_ends(result.benefits[kind].accuracy("gla")) for kind in TUNINGS])
    few = len(list(figure.data))
    figure.add_scatter(
        x=[result.params.shots] * 3,
        y=ours[0],
        name="measured here: emoji, 95 % interval",
        mode="lines+markers",
        line={"color": PALETTE["green"], "width": 4},
        marker={"size": [0, 14, 0], "color": PALETTE["green"], "opacity": 1},
        hovertemplate="%{x} pictures a class: %{y:.1f} %, measured here<extra></extra>",
        row=1,
        col=1,
    )
    heights = np.arange(len(LADDER))[::-1].astype(float)
    printed = [(value, height) for (_, value), height in zip(LADDER, heights, strict=True) if value]
    add_points(
        figure,
        1,
        2,
        x=[value for value, _ in printed],
        y=[height for _, height in printed],
        name="published",
        color=PALETTE["published"],
        size=13,
        symbol="square",
        showlegend=False,
        hovertemplate="%{x:.1f} %, published<extra></extra>",
    )
    mean, low, high = np.array([_ladder(result, kind) for kind in TUNINGS]).transpose(2, 0, 1)
    strokes = np.stack([low, high, np.full_like(low, np.nan)], axis=-1).reshape(len(TUNINGS), -1)
    bars = add_line(
        figure,
        1,
        2,
        x=strokes[0],
        y=np.repeat(heights, 3),
        name="95 % interval",
        color=PALETTE["green"],
        width=4,
        showlegend=False,
        hoverinfo="skip",
    )
    points = add_points(
        figure,
        1,
        2,
        x=mean[0],
        y=heights,
        name="measured here",
        color=PALETTE["green"],
        size=13,
        showlegend=False,
        hovertemplate="%{x:.1f} %, measured here<extra></extra>",
    )
    everything = [*FEW_SHOT.values(), *(value for value, _ in printed), *low.ravel(), *high.ravel()]
    span = [min(everything) - 3.0, max(everything) + 3.0]
    figure.update_layout(template=TEMPLATE, height=440, margin={"t": 80, "r": 20})
    figure.update_layout(legend={"y": 1.12})
    figure.update_xaxes(
        title_text="training pictures a class",
        type="log",
        range=[-0.1, np.log10(80.0)],
        tickvals=[1, 2, 4, 8, 16, 32, 64],
        row=1,
        col=1,
    )
    figure.update_yaxes(title_text="test pictures guessed right (%)", range=span, row=1, col=1)
    figure.update_xaxes(title_text="test pictures guessed right (%)", range=span, row=1, col=2)
    figure.update_yaxes(
        tickvals=heights,
        ticktext=list(ROWS),
        range=[-0.6, len(LADDER) - 0.4],
        row=1,
        col=2,
    )
    slots = (
        Slot(f"data[{few}].y", ("tuning",), ours),
        Slot(f"data[{bars}].x", ("tuning",), strokes),
        Slot(f"data[{points}].x", ("tuning",), mean),
    )

    named = {name: value for name, value in LADDER if value}
    printed_gain = (named["WiSE-FT"] - named["Whole model"]) / 100.0

    def say(t: int) -> str:
        wise = ROWS.index("WiSE-FT")
        compared = (
            f"Printed, WiSE-FT lies {say_points(printed_gain)} points over the whole model "
            f"fine-tuned; here {say_points((mean[t, wise] - mean[t, wise - 2]) / 100.0)}."
            if TUNINGS[t] == "full"
            else "Ensemble, WiSE-FT and GLA here join the linear probe; the printed ones join the "
            "whole model."
        )
        return (
            f"{compared} GLA has {say_percent(mean[t, -1] / 100.0)} here with "
            f"{result.params.shots} training pictures a class; printed, it rises from "
            f"{say_percent(FEW_SHOT[1] / 100.0)} to {say_percent(FEW_SHOT[16] / 100.0)} between 1 "
            "and 16. Other data and far larger models: compare the order of the methods, not "
            "their heights."
        )

    words = Slot("", ("tuning",), each(say, len(TUNINGS)))
    return LiveFigure(figure, live_axes(Params), slots, words)


def _ladder(result: Result, kind: str) -> list[tuple[float, float, float]]:
    """Mean and ends in % for each row of ``LADDER``; joined rows with the chosen fine-tuning."""
    full, linear, chosen = (result.benefits[k] for k in ("full", "linear", kind))
    rows = (
        full.accuracy("zero_shot"),
        linear.accuracy("fine_tuned"),
        full.accuracy("fine_tuned"),
        chosen.accuracy("ensemble"),
        chosen.accuracy("wise_ft"),
        chosen.accuracy("gla"),
    )
    return [(100.0 * one.mean, 100.0 * one.low, 100.0 * one.high) for one in rows]


def _ends(one: Interval) -> tuple[float, float, float]:
    return one.low, one.mean, one.high
