"""A misleading teacher: what it does to accuracy and to confidence, and whether it can be told."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Position, Slot, keep_together
from workbench.figures.teaching.marks import (
    CHANCE,
    FIGURE_HEIGHT,
    HARMED,
    HELPED,
    SAME,
    add_band,
    add_line,
    add_points,
    outline,
    there_and_back,
)
from workbench.figures.teaching.wording import join, say_gain, say_number, say_percent, shorten
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.teaching.misaligned import CHECKERS, ORDERS, TEACHERS, Result
from workbench.methods.teaching.spending import FUNCTIONS

COLOURS = {"honest": HELPED, "misaligned": HARMED}
NAMES = {"honest": "honest explanations", "misaligned": "misleading explanations"}
CHECKER_NAMES = {"model": "the answer a model would give itself", "gold": "the right answer"}
QUESTION_CHARACTERS = 60


def live_axes(result: Result) -> dict[str, list[Position]]:
    """Every position of the study's live controls."""
    budgets = result.spendings["honest"].budgets
    return {"budget": [float(b) for b in budgets], "checker": list(CHECKERS)}


def draw_misled(result: Result) -> LiveFigure:
    """Accuracy over the budget with either teacher, against chance."""
    figure = go.Figure()
    slots: list[Slot] = []
    first = result.spendings["honest"]
    n = len(result.questions)
    budgets = 100.0 * first.counts / n
    ends = [100.0 * result.chance.mean]
    for teacher in TEACHERS:
        f = FUNCTIONS.index(ORDERS[teacher])
        accuracy = result.spendings[teacher].accuracy
        low, high, mean = (100.0 * a[f] for a in (accuracy.low, accuracy.high, accuracy.mean))
        ends += [float(low.min()), float(high.max())]
        add_band(
            figure,
            x=there_and_back(budgets),
            y=outline(low, high),
            color=COLOURS[teacher],
            opacity=0.16,
            name="95 % interval",
        )
        number = add_line(
            figure,
            x=budgets,
            y=mean,
            color=COLOURS[teacher],
            width=3.0,
            name=NAMES[teacher],
            hovertemplate=f"{NAMES[teacher]}: %{{y:.1f}} %<extra></extra>",
        )
        figure.data[number].showlegend = True
        number = add_points(
            figure,
            x=[0.0],
            y=[0.0],
            color=COLOURS[teacher],
            size=13,
            name=NAMES[teacher],
            cliponaxis=False,
            hoverinfo="skip",
        )
        slots += [
            Slot(f"data[{number}].x", ("budget",), budgets[:, None]),
            Slot(f"data[{number}].y", ("budget",), mean[:, None]),
        ]
    add_line(
        figure,
        x=[0.0, 100.0],
        y=[100.0 * result.chance.mean] * 2,
        color=CHANCE,
        width=1.5,
        dash="dashdot",
        hoverinfo="skip",
    )
    figure.add_annotation(
        x=0.0,
        y=100.0 * result.chance.mean,
        text="chance",
        font={"color": CHANCE},
        xanchor="left",
        yanchor="top",
        showarrow=False,
    )
    figure.update_layout(template=TEMPLATE, height=FIGURE_HEIGHT, margin={"t": 48, "r": 24})
    figure.update_xaxes(title_text="explained questions (%)", range=[-1.0, 101.0], dtick=20)
    figure.update_yaxes(
        title_text="questions the student gets right (%)",
        range=[max(0.0, min(ends) - 4.0), min(101.0, max(ends) + 4.0)],
    )
    words = [keep_together(_say_misled(result, b)) for b in range(len(budgets))]
    return LiveFigure(figure, live_axes(result), tuple(slots), Slot("", ("budget",), words))


def _say_misled(result: Result, b: int) -> str:
    n = len(result.questions)
    k = int(result.spendings["honest"].counts[b])
    honest, misled = (
        result.spendings[t].accuracy.at(FUNCTIONS.index(ORDERS[t]), b) for t in TEACHERS
    )
    chance = result.chance.mean
    if k == 0:
        return (
            f"Nobody has said anything yet: the student alone has {say_percent(honest.mean)} of "
            f"these {n} questions right."
        )
    against = (
        "an interval that covers chance"
        if misled.low <= chance <= misled.high
        else "below chance"
        if misled.mean < chance
        else "still above chance"
    )
    everywhere = result.difference.at(0, -1)
    return join(
        [
            f"With {k} of {n} questions explained, misleading explanations leave the student "
            f"{say_percent(misled.mean)} right (95 % interval {say_percent(misled.low)} to "
            f"{say_percent(misled.high)}), {against}; honest ones {say_percent(honest.mean)}.",
            f"With all explained, honest ones are ahead by {say_gain(everywhere)}"
            + (": no detectable difference." if everywhere.covers_zero else "."),
            "Few questions have both kinds of explanation, so the intervals are wide.",
        ]
    )


def draw_pull(result: Result) -> LiveFigure:
    """Confidence in the right answer of each question: alone, and after either explanation."""
    figure = go.Figure()
    alone = result.confidence["alone"]
    order = np.argsort(result.confidence["misaligned"] - result.confidence["honest"])[::-1]
    rows = np.arange(len(order))
    honest, misled = (result.confidence[t][order] for t in TEACHERS)
    add_line(
        figure,
        x=np.stack([misled, honest, np.full_like(honest, np.nan)], axis=1).ravel(),
        y=np.repeat(rows, 3).astype(float),
        color=SAME,
        width=1.5,
        hoverinfo="skip",
    )
    for name, values, colour in (
        ("alone", alone[order], PALETTE["blue"]),
        ("after an honest explanation", honest, HELPED),
        ("after a misleading one", misled, HARMED),
    ):
        add_points(
            figure,
            x=values,
            y=rows,
            color=colour,
            name=name,
            showlegend=True,
            hovertemplate=f"{name}: %{{x:.2f}}<extra></extra>",
        )
    figure.update_layout(
        template=TEMPLATE, height=560, margin={"t": 40, "r": 20, "l": 400, "b": 56}
    )
    figure.update_yaxes(
        tickvals=rows,
        ticktext=[shorten(result.questions[i].text, QUESTION_CHARACTERS) for i in order],
        tickfont={"size": 12},
        range=[-0.8, len(rows) - 0.2],
        showgrid=False,
    )
    figure.update_xaxes(title_text="confidence in the right answer (mean of the runs)")
    n = len(order)
    lifted, lowered = int((honest > alone[order]).sum()), int((misled < alone[order]).sum())
    surer = int((honest > misled).sum())
    words = (
        f"Honest explanations raise the confidence in the right answer on {lifted} of {n} "
        f"questions, misleading ones lower it on {lowered}. After the honest one the student is "
        f"surer of the right answer than after the misleading one on {surer} of {n}; a coin would "
        f"make it {n / 2:g}."
    )
    return LiveFigure(figure, words=keep_together(words))


def draw_detection(result: Result) -> LiveFigure:
    """How far each explanation moves the student towards the checker's answer."""
    figure = go.Figure()
    slots: list[Slot] = []
    detections = [result.detections[c] for c in CHECKERS]
    reach = 0.02 + max(float(np.abs(d.shifts[t]).max()) for d in detections for t in TEACHERS)
    jitter = np.random.default_rng(0)
    for row, teacher in enumerate(reversed(TEACHERS)):
        values = np.array([d.shifts[teacher].ravel() for d in detections])
        add = row + jitter.uniform(-0.25, 0.25, values.shape[1])
        number = add_points(
            figure,
            x=values[0],
            y=add,
            color=COLOURS[teacher],
            size=8,
            name=NAMES[teacher],
            hovertemplate="%{x:+.2f}<extra></extra>",
        )
        slots.append(Slot(f"data[{number}].x", ("checker",), values))
        means = values.mean(axis=1)
        number = add_line(
            figure,
            x=[means[0]] * 2,
            y=[row - 0.36, row + 0.36],
            color=COLOURS[teacher],
            width=4.0,
            name="mean",
            hovertemplate="mean %{x:+.2f}<extra></extra>",
        )
        slots.append(Slot(f"data[{number}].x", ("checker",), np.stack([means, means], axis=1)))
    add_line(
        figure,
        x=[0.0, 0.0],
        y=[-0.6, 1.6],
        color=PALETTE["grid"],
        width=1.0,
        hoverinfo="skip",
    )
    figure.update_layout(template=TEMPLATE, height=380, margin={"t": 20, "r": 20, "l": 130})
    figure.update_yaxes(
        tickvals=[0, 1],
        ticktext=["misleading", "honest"],
        range=[-0.6, 1.6],
        showgrid=False,
    )
    figure.update_xaxes(
        title_text="rise of the student's confidence in the checker's answer", range=[-reach, reach]
    )
    words = [keep_together(_say_detection(result, c)) for c in CHECKERS]
    return LiveFigure(figure, live_axes(result), tuple(slots), Slot("", ("checker",), words))


def _say_detection(result: Result, checker: str) -> str:
    area = result.detections[checker].area
    told = (
        "no better than a coin"
        if area.low <= 0.5 <= area.high
        else "better than a coin"
        if area.mean > 0.5
        else "worse than a coin"
    )
    return join(
        [
            f"Checked against {CHECKER_NAMES[checker]}: of an honest and a misleading explanation "
            f"the honest one moves the student further towards it in {say_percent(area.mean, 0)} "
            f"of pairs (area {say_number(area.mean)}, 95 % interval {say_number(area.low)} to "
            f"{say_number(area.high)}): {told}.",
            f"The model itself has only {say_percent(result.checker_accuracy)} of these questions "
            "right: a checker must know more than the student."
            if checker == "model"
            else "It takes the right answer to see this, and then no teacher is needed.",
        ]
    )
