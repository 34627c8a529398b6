"""Your own questions: what explanations did to accuracy, and each question with its answers."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_line, add_points
from workbench.figures.passages import LivePassages, Passage, Role, Span
from workbench.figures.positions import live_axes
from workbench.figures.teaching.curves import curves_of
from workbench.figures.teaching.marks import CHANCE, RANDOM
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, keep_together, say_count, say_gain, say_percent
from workbench.methods.teaching.own import SOURCE_NAMES, SOURCES, Params, Result

SHOWN_QUESTIONS = 60
CHANGES: dict[tuple[bool, bool], tuple[str, Role]] = {
    (False, True): ("put right", "good"),
    (True, False): ("spoiled", "bad"),
    (True, True): ("right either way", "other"),
    (False, False): ("wrong either way", "muted"),
}
"""What help did to an answer, by right alone and right when taught."""


def draw_own_curves(result: Result) -> LiveFigure:
    """Every function's curve on the file's questions, as of the project's own sets."""
    return curves_of(result, live_axes(Params))


def draw_own(result: Result) -> LiveFigure:
    """Accuracy without reasons, alone and taught, each with its interval, against chance."""
    rows = (
        ("taught", result.taught, PALETTE["green"]),
        ("alone", result.alone, PALETTE["blue"]),
        ("without reasons", result.baseline, RANDOM),
    )
    heights = np.arange(len(rows))[::-1]
    figure = go.Figure()
    for height, (name, one, colour) in zip(heights, rows, strict=True):
        add_line(
            figure,
            x=[100.0 * one.low, 100.0 * one.high],
            y=[height, height],
            color=PALETTE["exact"],
            width=3.0,
            hoverinfo="skip",
        )
        add_points(
            figure,
            x=[100.0 * one.mean],
            y=[height],
            text=[say_percent(one.mean)],
            mode="markers+text",
            textposition="top center",
            color=colour,
            size=15,
            hovertemplate=f"{name}: %{{x:.1f}} %<extra></extra>",
        )
    if chance := result.chance.mean:
        for level, name in ((chance, "chance"), (result.commonest, "always the commonest")):
            add_line(
                figure,
                x=[100.0 * level] * 2,
                y=[-0.5, len(rows) - 0.4],
                color=CHANCE,
                width=1.5,
                dash="dashdot" if name == "chance" else "dot",
                name=name,
                hovertemplate=f"{name}: %{{x:.1f}} %<extra></extra>",
                showlegend=True,
            )
    figure.update_layout(template=TEMPLATE, height=360, margin={"t": 44, "l": 140, "r": 24})
    figure.update_xaxes(title_text="questions the student gets right (%)", range=[-2.0, 102.0])
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[name for name, _, _ in rows],
        range=[-0.6, len(rows) - 0.3],
        showgrid=False,
    )
    return LiveFigure(figure, words=keep_together(_say(result)))


def _say(result: Result) -> str:
    inputs = result.inputs
    n = len(inputs.records.questions)
    params = result.params
    if params.source != "file":
        source = f"of {SOURCE_NAMES[SOURCES.index(params.source)]}, as the hub has it"
    else:
        source = "of your file" if inputs.columns else "of the built-in five-choice set"
    chance = result.chance.mean
    covers = chance and result.taught.low <= chance <= result.taught.high
    return join(
        [
            f"{say_count(n, 'question')} {source}: {say_percent(result.alone.mean)} right alone, "
            f"{say_percent(result.taught.mean)} with every explanation, {say_gain(result.gain)}"
            + (": no detectable effect." if result.gain.covers_zero else "."),
            f"The interval of the taught student covers chance, {say_percent(chance)}."
            if covers
            else "",
            inputs.findings.words,
        ]
    )


def draw_own_questions(result: Result) -> LivePassages:
    """Each question with what the student was shown and what it did."""
    records = result.inputs.records
    changes = zip(records.student_correct[0], records.taught_correct[0], strict=True)
    cards: list[Passage] = []
    for i, (alone, taught) in enumerate(changes):
        if i == SHOWN_QUESTIONS:
            break
        question = records.questions[i]
        change, role = CHANGES[bool(alone), bool(taught)]
        shown = records.explanations[0][i]
        cards.append(
            Passage(
                f"{i + 1}: {change}",
                (Span(f"{question.text}\n"), Span(shown or "(no explanation)", role)),
                f"Right answer: {question.options[question.gold]}. Alone: "
                f"{_name(question.options, records.student_answers[0, i])}; taught: "
                f"{_name(question.options, records.taught_answers[0, i])}.",
            )
        )
    more = len(records.questions) - len(cards)
    words = join([_say(result), f"The first {len(cards)} questions are listed." if more else ""])
    return LivePassages(tuple(cards), words=keep_together(words))


def _name(options: tuple[str, ...], answer: int) -> str:
    if 0 <= answer < len(options):
        return options[answer]
    return "none that can be read" if answer < 0 else "another number"
