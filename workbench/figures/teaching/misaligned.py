"""A misaligned teacher: what it does to accuracy and to confidence."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.teaching.marks import (
    CHANCE,
    FIGURE_HEIGHT,
    HARMED,
    HELPED,
    RANDOM,
    SAME,
    add_band,
    outline,
    there_and_back,
)
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, keep_together, say_gain, say_percent, shorten
from workbench.methods.teaching.misaligned import BUDGET, QUESTIONS, Params, Result

QUESTION_CHARACTERS = 52


def draw_misled(result: Result) -> LiveFigure:
    """Accuracy as the misaligned teacher explains more, against chance and honest teaching."""
    figure = go.Figure()
    n = len(result.inputs.questions)
    counts = np.arange(n + 1)
    curve, low, high = (100.0 * each for each in (result.curve, result.low, result.high))
    add_band(
        figure,
        x=there_and_back(counts),
        y=outline(low, high),
        color=HARMED,
        opacity=0.16,
        name="95 % interval",
    )
    for name, values, colour, dash in (
        ("misleading, least useful first", curve, HARMED, "solid"),
        ("misleading, at random", 100.0 * result.random, RANDOM, "dash"),
    ):
        add_line(
            figure,
            x=counts,
            y=values,
            color=colour,
            width=3.0 if dash == "solid" else 2.0,
            dash=dash,
            name=name,
            hovertemplate=f"{name}: %{{y:.1f}} %<extra></extra>",
            showlegend=True,
        )
    levels = [
        ("every question explained truly", 100.0 * result.taught["true"].mean, HELPED, "top"),
        ("chance", 100.0 * result.chance, CHANCE, "top"),
    ]
    for name, level, colour, anchor in levels:
        add_line(
            figure,
            x=[0.0, n],
            y=[level] * 2,
            color=colour,
            width=1.5,
            dash="dashdot",
            name=name,
            hovertemplate=f"{name}: %{{y:.1f}} %<extra></extra>",
            showlegend=False,
        )
        figure.add_annotation(
            x=n,
            y=level,
            text=name,
            font={"color": colour},
            xanchor="right",
            yanchor=anchor,
            showarrow=False,
        )
    marker = add_points(
        figure,
        x=[0.0],
        y=[curve[0]],
        text=[""],
        mode="markers+text",
        textposition="bottom center",
        textfont={"size": 16, "color": HARMED},
        color=HARMED,
        size=13,
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_layout(template=TEMPLATE, height=FIGURE_HEIGHT, margin={"t": 52, "r": 24})
    figure.update_xaxes(title_text="misleadingly explained questions", range=[-0.5, n + 0.5])
    ends = [*(level for _, level, _, _ in levels), float(low.min()), float(high.max())]
    figure.update_yaxes(
        title_text="questions the student gets right (%)",
        range=[max(0.0, min(ends) - 6.0), min(101.0, max(ends) + 5.0)],
    )
    axes = live_axes(Params)
    at = [min(int(k), n) for k in BUDGET.positions()]
    slots = (
        Slot(f"data[{marker}].x", ("budget",), np.array(at, dtype=float)[:, None]),
        Slot(f"data[{marker}].y", ("budget",), curve[at][:, None]),
        Slot(f"data[{marker}].text", ("budget",), [[f"<b>{curve[k]:.1f} %</b>"] for k in at]),
    )
    words = [keep_together(say_misled(result, k)) for k in at]
    return LiveFigure(figure, axes, slots, Slot("", ("budget",), words))


def say_misled(result: Result, k: int) -> str:
    """What k misleading explanations do to accuracy."""
    n = len(result.inputs.questions)
    mean, low, high = (float(each[k]) for each in (result.curve, result.low, result.high))
    against = (
        "its interval covers chance"
        if low <= result.chance <= high
        else "below chance"
        if mean < result.chance
        else "above chance"
    )
    drop = result.drop
    return join(
        [
            f"With {k} of {n} questions explained misleadingly the student has {say_percent(mean)} "
            f"right (95 % interval {say_percent(low)} to {say_percent(high)}): {against}.",
            f"Misled everywhere, it changes by {say_gain(drop)} against being alone"
            + (": no detectable effect." if drop.covers_zero else "."),
            f"True explanations of the same questions give "
            f"{say_percent(result.taught['true'].mean)}. With so few questions the intervals are "
            "wide.",
        ]
    )


def draw_pull(result: Result) -> LiveFigure:
    """Confidence in the right answer of each question: alone, and after either explanation."""
    alone, true, misled = confidences(result)
    n = len(alone)
    rows = np.arange(n)[::-1]
    figure = go.Figure()
    chosen = add_line(
        figure,
        x=[0.0, 1.0],
        y=[0.0, 0.0],
        color=PALETTE["sky"],
        width=16.0,
        opacity=0.22,
        hoverinfo="skip",
    )
    add_line(
        figure,
        x=np.stack([misled, true, np.full_like(true, np.nan)], axis=1).ravel(),
        y=np.repeat(rows, 3).astype(float),
        color=SAME,
        width=1.5,
        hoverinfo="skip",
    )
    for name, values, colour in (
        ("alone", alone, PALETTE["blue"]),
        ("after a true explanation", true, HELPED),
        ("after a misleading one", misled, HARMED),
    ):
        add_points(
            figure,
            x=values,
            y=rows,
            color=colour,
            name=name,
            showlegend=True,
            customdata=np.arange(1, n + 1),
            meta="pick",
            hovertemplate=f"{name}: %{{x:.2f}}<extra></extra>",
            size=9,
        )
    figure.update_layout(
        template=TEMPLATE, height=560, margin={"t": 56, "r": 20, "l": 350, "b": 56}
    )
    figure.update_yaxes(
        tickvals=rows,
        ticktext=[
            shorten(one.question.text, QUESTION_CHARACTERS, at_word=True)
            for one in result.inputs.questions
        ],
        tickfont={"size": 12},
        range=[-0.8, n - 0.2],
        showgrid=False,
    )
    figure.update_xaxes(
        title_text="confidence in the right answer (mean of the runs)", range=[0.0, 1.0]
    )
    at = np.minimum(np.arange(QUESTIONS), n - 1)
    slots = (
        Slot(
            f"data[{chosen}].y",
            ("question",),
            np.repeat(rows[at][:, None], 2, axis=1).astype(float),
        ),
    )
    lifted, lowered = int((true > alone).sum()), int((misled < alone).sum())
    words = (
        f"True explanations raise the confidence in the right answer on {lifted} of {n} questions, "
        f"misleading ones lower it on {lowered}. After the true one the student is surer of the "
        f"right answer than after the misleading one on {int((true > misled).sum())} of {n}; a "
        f"coin would make it {n / 2:g}. Click a question to read its explanations."
    )
    return LiveFigure(figure, live_axes(Params), slots, keep_together(words))


def confidences(result: Result) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(n,)`` mean probability of the right answer alone, told the truth, and misled."""
    gold = result.inputs.records.gold

    def of(probabilities: np.ndarray) -> np.ndarray:
        return probabilities[:, np.arange(len(gold)), gold].mean(axis=0)

    taught = result.inputs.taught
    return (
        of(result.inputs.records.student_probabilities),
        of(taught["true"]),
        of(taught["harmful_1"]),
    )
