"""A misaligned teacher's explanations, and whether they are noticed."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points
from workbench.figures.passages import LivePassages, Passage, Role, Span
from workbench.figures.positions import live_axes
from workbench.figures.teaching.marks import HARMED, HELPED
from workbench.figures.teaching.misaligned import confidences, say_misled
from workbench.figures.theme import TEMPLATE
from workbench.figures.wording import keep_together, say_number, say_percent
from workbench.methods.teaching.misaligned import QUESTIONS, Params, Result

KIND_NAMES = {
    "true": "true explanation",
    "harmful_1": "first misleading one",
    "harmful_2": "second misleading one",
}


def draw_explanations(result: Result) -> LivePassages:
    """One question with its true and its misleading explanations, and what they do."""
    questions = result.inputs.questions
    n = len(questions)
    alone, _, _ = confidences(result)
    gold = result.inputs.records.gold

    def cards(i: int) -> list[Passage]:
        one = questions[i]
        wrong = one.question.options[one.wrong]
        found = [
            Passage(
                "The question",
                (Span(one.question.text),),
                f"Right answer: {one.question.answer}. Alone the student gives it "
                f"{say_percent(float(alone[i]))}.",
            )
        ]
        texts = {
            "true": one.question.explanation,
            "harmful_1": one.harmful[0],
            "harmful_2": one.harmful[-1],
        }
        for kind, text in texts.items():
            taught = result.inputs.taught[kind][:, i, gold[i]].mean()
            role: Role = "good" if kind == "true" else "bad"
            argued = one.question.answer if kind == "true" else wrong
            found.append(
                Passage(
                    KIND_NAMES[kind].capitalize(),
                    (Span(text, role, f"Argues for {argued}."),),
                    f"With it the right answer has {say_percent(float(taught))}.",
                )
            )
        return found

    shown = [min(i, n - 1) for i in range(QUESTIONS)]
    axes = {"question": live_axes(Params)["question"]}
    words = [keep_together(f"Question {i + 1} of {n}. {say_misled(result, n)}") for i in shown]
    return LivePassages([cards(i) for i in shown], axes, Slot("", ("question",), words))


def draw_detection(result: Result) -> LiveFigure:
    """How improbable the student alone held the answer each explanation leads to."""
    figure = go.Figure()
    jitter = np.random.default_rng(0)
    kinds = ("harmful_2", "harmful_1", "true")
    for row, kind in enumerate(kinds):
        values = result.detection.suspicion[kind].ravel()
        colour = HELPED if kind == "true" else HARMED
        add_points(
            figure,
            x=values,
            y=row + jitter.uniform(-0.25, 0.25, len(values)),
            color=colour,
            size=8,
            name=KIND_NAMES[kind],
            hovertemplate="%{x:.2f}<extra></extra>",
            showlegend=False,
        )
        add_line(
            figure,
            x=[float(values.mean())] * 2,
            y=[row - 0.36, row + 0.36],
            color=colour,
            width=4.0,
            name="mean",
            hovertemplate="mean %{x:.2f}<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(template=TEMPLATE, height=400, margin={"t": 20, "r": 20, "l": 190})
    figure.update_yaxes(
        tickvals=list(range(len(kinds))),
        ticktext=[KIND_NAMES[kind] for kind in kinds],
        range=[-0.6, len(kinds) - 0.4],
        showgrid=False,
    )
    figure.update_xaxes(
        title_text="suspicion: how improbable the student alone held the answer it leads to",
        range=[-0.02, 1.02],
    )
    area = result.detection.area
    told = (
        "no better than a coin"
        if area.low <= 0.5 <= area.high
        else "better than a coin"
        if area.mean > 0.5
        else "worse than a coin"
    )
    words = (
        "An explanation is suspect when it leads to an answer that the student held improbable; "
        f"nothing here knows the right answer. Of a question's two explanations the misleading one "
        f"is the more suspect in {say_percent(area.mean, 0)} of pairs (95 % interval "
        f"{say_number(100 * area.low, 0)} to {say_percent(area.high, 0)}): {told}."
    )
    return LiveFigure(figure, words=keep_together(words))
