"""Personalisation: every teacher with every student, and what the teachers say of a question."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.passages import LivePassages, Passage, Span
from workbench.figures.positions import live_axes
from workbench.figures.theme import SEQUENTIAL, TEMPLATE
from workbench.figures.wording import join, keep_together, say_gain, say_percent
from workbench.methods.teaching.personal import STUDENTS, TEACHERS, Params, Result

TEACHER_TITLES = {
    "unpersonalised": "Unpersonalised teacher",
    "for_a": "Teacher for A",
    "for_b": "Teacher for B",
}


def draw_table(result: Result) -> LiveFigure:
    """Accuracy of each student alone and with each teacher."""
    rows = ["nobody", *TEACHERS]
    cells = [
        [result.alone[s] if row == "nobody" else result.taught[row, s] for s in STUDENTS]
        for row in rows
    ]
    values = 100.0 * np.array([[c.mean for c in row] for row in cells])
    figure = go.Figure()
    figure.add_heatmap(
        z=values,
        x=["Student A", "Student B"],
        y=["Nobody", *(TEACHER_TITLES[t] for t in TEACHERS)],
        colorscale=SEQUENTIAL,
        # only the dark half of the scale, on which white is read
        zmin=float(values.min()) - 5.0,
        zmax=float(values.min()) + max(40.0, 2.6 * float(np.ptp(values))),
        text=[
            [
                f"<b>{say_percent(c.mean)}</b><br>{100 * c.low:.0f} to {100 * c.high:.0f}"
                for c in row
            ]
            for row in cells
        ],
        texttemplate="%{text}",
        textfont={"size": 16, "color": "white"},
        showscale=False,
        xgap=6,
        ygap=6,
        hovertemplate="%{y} teaching %{x}: %{z:.1f} %<extra></extra>",
    )
    figure.update_layout(template=TEMPLATE, height=420, margin={"t": 20, "l": 190, "r": 20})
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", showline=False)
    figure.update_xaxes(showgrid=False, ticks="", showline=False, side="bottom")
    return LiveFigure(figure, words=keep_together(_say(result)))


def _say(result: Result) -> str:
    gains = [
        f"for {name.upper()} {say_gain(result.gain[name])}"
        + (", no detectable effect" if result.gain[name].covers_zero else "")
        for name in STUDENTS
    ]
    params = result.params
    alike = params.student_a == params.student_b
    return join(
        [
            f"A teacher made for its student, against the unpersonalised one: {'; '.join(gains)}.",
            f"One's own teacher against the other student's, over both: {say_gain(result.match)}"
            + (", no detectable effect." if result.match.covers_zero else "."),
            "Both students are one model with two sets of demonstrations, so there is little to "
            "personalise to; choose two models to see more."
            if alike
            else "",
        ]
    )


def draw_said(result: Result) -> LivePassages:
    """What each teacher says of one question, and what it did to both students."""
    inputs = result.inputs
    n = len(inputs.questions)
    positions = live_axes(Params)["question"]
    shown = [min(int(p), n) - 1 for p in positions]
    gold = [question.gold for question in inputs.questions]

    def cards(i: int) -> list[Passage]:
        found = [Passage("The question", (Span(inputs.questions[i].text),), _answer(result, i))]
        for teacher in TEACHERS:
            outcome = ", ".join(
                f"{s.upper()} {'right' if inputs.taught[teacher, s][i] == gold[i] else 'wrong'}"
                for s in STUDENTS
            )
            said = inputs.explanations[teacher][i]
            text = Span(said) if said else Span("(nothing)", "muted")
            found.append(Passage(TEACHER_TITLES[teacher], (text,), f"Taught by it: {outcome}."))
        return found

    each = [cards(i) for i in range(n)]
    words = Slot("", ("question",), [f"Question {i + 1} of {n}. {_say(result)}" for i in shown])
    return LivePassages([each[i] for i in shown], {"question": positions}, words)


def _answer(result: Result, i: int) -> str:
    question = result.inputs.questions[i]
    alone = ", ".join(
        f"{s.upper()} {'right' if result.inputs.alone[s][i] == question.gold else 'wrong'}"
        for s in STUDENTS
    )
    return f"Right answer: {question.answer}. Alone: {alone}."
