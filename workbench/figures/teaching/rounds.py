"""Lessons that last: accuracy on unexplained questions as explained examples are added."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points
from workbench.figures.passages import LivePassages, Passage, Span
from workbench.figures.positions import live_axes
from workbench.figures.teaching.marks import CHANCE, FIGURE_HEIGHT, RANDOM
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, keep_together, say_gain, say_percent
from workbench.methods.teaching.prompts import Example
from workbench.methods.teaching.rounds import (
    A_ROUND,
    ROUNDS,
    SOURCE_NAMES,
    SOURCES,
    Params,
    Result,
)

COLOURS = {
    "teacher": PALETTE["vermilion"],
    "human": PALETTE["blue"],
    "student": PALETTE["purple"],
    "none": RANDOM,
}
ASIDE = {"teacher": -0.18, "human": -0.06, "student": 0.06, "none": 0.18}
"""Beside each other, so that intervals can be told apart; in demonstrations."""


def draw_rounds(result: Result) -> LiveFigure:
    """Accuracy after each round for the four sources of explanations, with intervals."""
    figure = go.Figure()
    slots: list[Slot] = []
    sizes = A_ROUND * np.arange(1, ROUNDS + 1)
    ends = [100.0 * result.before.low, 100.0 * result.before.high]
    if result.chance:
        ends.append(100.0 * result.chance)
        _level(figure, 100.0 * result.chance, "chance", CHANCE, is_above=False)
    before = 100.0 * result.before.mean
    _level(figure, before, "before the first round", PALETTE["exact"], is_above=True)
    for source, name in zip(SOURCES, SOURCE_NAMES, strict=True):
        mean, low, high = (
            100.0 * np.array([getattr(one, part) for one in result.accuracy[source]])
            for part in ("mean", "low", "high")
        )
        ends += [float(low.min()), float(high.max())]
        places = sizes + ASIDE[source]
        add_line(
            figure,
            x=np.repeat(places, 3),
            y=np.stack([low, high, np.full_like(low, np.nan)], axis=1).ravel(),
            color=COLOURS[source],
            width=1.5,
            opacity=0.55,
            hoverinfo="skip",
        )
        add_line(
            figure,
            x=places,
            y=mean,
            color=COLOURS[source],
            width=2.5,
            name=name,
            hovertemplate=f"{name}: %{{y:.1f}} %<extra></extra>",
            showlegend=True,
        )
        number = add_points(
            figure,
            x=places[-1:],
            y=mean[-1:],
            color=COLOURS[source],
            size=13,
            name=name,
            hoverinfo="skip",
            showlegend=False,
        )
        slots += [
            Slot(f"data[{number}].x", ("round",), places[:, None]),
            Slot(f"data[{number}].y", ("round",), mean[:, None]),
        ]
    figure.update_layout(template=TEMPLATE, height=FIGURE_HEIGHT, margin={"t": 52, "r": 24})
    figure.update_xaxes(
        title_text="demonstrations of the student",
        tickvals=sizes,
        range=[sizes[0] - 0.7, sizes[-1] + 0.7],
    )
    figure.update_yaxes(
        title_text="unexplained questions it gets right (%)",
        range=[max(0.0, min(ends) - 3.0), min(101.0, max(ends) + 3.0)],
    )
    words = [keep_together(_say(result, r)) for r in range(ROUNDS)]
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", ("round",), words))


def _level(figure: go.Figure, level: float, name: str, colour: str, *, is_above: bool) -> None:
    ends = [0.0, A_ROUND * (ROUNDS + 1.0)]
    add_line(
        figure, x=ends, y=[level] * 2, color=colour, width=1.5, dash="dashdot", hoverinfo="skip"
    )
    figure.add_annotation(
        x=A_ROUND - 0.65,
        y=level,
        text=name,
        font={"color": colour},
        xanchor="left",
        yanchor="bottom" if is_above else "top",
        showarrow=False,
    )


def _say(result: Result, r: int) -> str:
    sizes = A_ROUND * (r + 1)
    shares = ", ".join(
        f"{name[0].lower() + name[1:]} {say_percent(result.accuracy[source][r].mean)}"
        for source, name in zip(SOURCES, SOURCE_NAMES, strict=True)
    )
    gains = [
        f"explained by {name[0].lower() + name[1:]} {say_gain(result.gain[source])}"
        + (", no detectable effect" if result.gain[source].covers_zero else "")
        for source, name in zip(SOURCES[:-1], SOURCE_NAMES[:-1], strict=True)
    ]
    n = len(result.inputs.questions)
    return join(
        [
            f"After round {r + 1} the student has {sizes} demonstrations and is tested on {n} "
            "questions that nobody explains. Right, by who explained the demonstrations: "
            f"{shares}.",
            f"After the last round, against the same demonstrations unexplained: "
            f"{'; '.join(gains)}.",
        ]
    )


def draw_lessons(result: Result) -> LivePassages:
    """The growing list of demonstrations by source; the newest ones are marked."""

    def card(source: str, r: int) -> Passage:
        shown = result.inputs.examples[source][: A_ROUND * (r + 1)]
        spans: list[Span] = []
        for place, example in enumerate(shown):
            is_new = place >= A_ROUND * r
            spans += _demonstration(source, example, is_new=is_new)
        name = SOURCE_NAMES[SOURCES.index(source)]
        title = "Explained by nobody" if source == "none" else f"Explained by: {name.lower()}"
        accuracy = result.accuracy[source][r]
        return Passage(
            title,
            tuple(spans),
            f"With these {len(shown)}: {say_percent(accuracy.mean)} right (95 % interval "
            f"{say_percent(accuracy.low)} to {say_percent(accuracy.high)}).",
        )

    texts = [[card(source, r) for source in SOURCES] for r in range(ROUNDS)]
    words = [keep_together(_say(result, r)) for r in range(ROUNDS)]
    return LivePassages(texts, live_axes(Params), Slot("", ("round",), words))


def _demonstration(source: str, example: Example, *, is_new: bool) -> list[Span]:
    question = example.question
    is_right = example.answer == question.gold
    answer = question.options[example.answer]
    found = [
        Span(f"{question.text}\n", "mark" if is_new else "", "New in this round." if is_new else "")
    ]
    if source != "none" and example.explanation:
        found.append(Span(f"{example.explanation} ", "other"))
    found.append(
        Span(f"{answer}.\n\n", "good" if is_right else "bad", "right" if is_right else "wrong")
    )
    return found
