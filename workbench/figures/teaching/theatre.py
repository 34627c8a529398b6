"""Prompt theatre: what every role is told and writes, how sure it is, and which sentence did it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_line
from workbench.figures.passages import LivePassages, Passage, Role, Span
from workbench.figures.teaching.marks import HARMED, HELPED
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, keep_together, say_percent, say_points, shorten
from workbench.methods.teaching.theatre import Result, Scene

TITLES = {
    "alone": "Student alone",
    "taught": "Student, taught",
    "bare": "Student, no reasons",
    "before": "Mental model: alone",
    "after": "Mental model: taught",
    "cot": "Teacher, thinking aloud",
    "rationalise": "Teacher, giving reasons",
    "personalised": "Teacher, personalised",
}
"""The roles in the order of the page."""
NOTICED = 0.02
"""A sentence is coloured when it moves the right answer's probability by at least this much."""
SENTENCE_CHARACTERS = 58


def draw_scenes(result: Result) -> LivePassages:
    """One card a role: examples pale, the explanation by what its sentences do, then its text.

    Examples that another card shows already are only named.
    """
    seen: dict[str, str] = {}
    passages: list[Passage] = []
    for role, title in TITLES.items():
        prefix = result.scene(role).prefix
        known = seen.setdefault(prefix, title)
        shown = prefix if known == title else f"[The examples of “{known}”.]\n\n"
        passages.append(_card(result, role, shown))
    return LivePassages(tuple(passages), words=keep_together(_say(result)))


def _card(result: Result, role: str, examples: str) -> Passage:
    scene = result.scene(role)
    spans = [
        Span(examples, "muted", "Examples, the same for every question."),
        *_asked(result, scene),
    ]
    question = result.inputs.question
    is_right = scene.answer == question.gold
    verdict: Role = "good" if is_right else "bad"
    answered = (
        question.options[scene.answer]
        if 0 <= scene.answer < len(question.options)
        else "another number"
        if scene.answer > 0
        else "no answer"
    )
    if scene.text:
        spans.append(Span(f" {scene.text}", verdict, "What it wrote."))
    else:
        spans.append(Span(f" {answered}", verdict, "Its likeliest answer."))
    confidence = result.confidence(role)
    return Passage(
        TITLES[role],
        tuple(spans),
        f"Answer: {answered}, {'right' if is_right else 'wrong'}. Probability of the right answer: "
        f"{say_percent(confidence)}.",
    )


def _asked(result: Result, scene: Scene) -> list[Span]:
    """The prompt, its explanation cut into sentences where their effect is known."""
    explanation = result.inputs.explanation
    before, found, after = scene.prompt.partition(explanation)
    if not found or scene.role not in ("taught", "after"):
        return [Span(scene.prompt)]
    if scene.role == "after" or not len(result.effects):
        return [Span(before), Span(explanation, "other", "The explanation."), Span(after)]
    sentences = [
        Span(
            f"{'' if place == 0 else ' '}{sentence}",
            "good" if effect >= NOTICED else "bad" if effect <= -NOTICED else "other",
            f"Moves the right answer by {say_points(float(effect))} points.",
        )
        for place, (sentence, effect) in enumerate(
            zip(result.inputs.sentences, result.effects, strict=True)
        )
    ]
    return [Span(before), *sentences, Span(after)]


def draw_answers(result: Result) -> LiveFigure:
    """The probabilities of all options where each role's answer stands."""
    question = result.inputs.question
    roles = list(TITLES)
    heights = np.arange(len(roles))[::-1]
    table = np.array([result.scene(role).probabilities for role in roles])
    rest = np.clip(1.0 - table.sum(axis=1), 0.0, 1.0)
    figure = go.Figure()
    options = [question.gold, *(i for i in range(len(question.options)) if i != question.gold)]
    for place, option in enumerate(options):
        is_gold = option == question.gold
        figure.add_bar(
            x=100.0 * table[:, option],
            y=heights,
            orientation="h",
            marker={"color": HELPED if is_gold else HARMED, "line": {"width": 1, "color": "white"}},
            opacity=1.0 if place < 2 else 0.6,
            width=0.62,
            name=shorten(question.options[option], 24, at_word=True)
            + (" (right)" if is_gold else " (wrong)"),
            hovertemplate=f"{question.options[option]}: %{{x:.1f}} %<extra></extra>",
        )
    figure.add_bar(
        x=100.0 * rest,
        y=heights,
        orientation="h",
        marker={"color": PALETTE["grid"]},
        opacity=0.25,
        width=0.62,
        name="anything else",
        hovertemplate="anything else: %{x:.1f} %<extra></extra>",
    )
    figure.update_layout(
        template=TEMPLATE,
        height=460,
        barmode="stack",
        margin={"t": 56, "l": 190, "r": 20},
        legend={"traceorder": "normal"},
    )
    figure.update_xaxes(title_text="probability where the answer stands (%)", range=[0.0, 100.0])
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[TITLES[role] for role in roles],
        range=[-0.6, len(roles) - 0.4],
        showgrid=False,
    )
    return LiveFigure(figure, words=keep_together(_say(result)))


def draw_sentences(result: Result) -> LiveFigure:
    """By how much each sentence of the explanation raises the right answer's probability."""
    figure = go.Figure()
    sentences, effects = result.inputs.sentences, 100.0 * result.effects
    heights = np.arange(len(effects))[::-1]
    figure.update_layout(template=TEMPLATE, height=380, margin={"t": 20, "l": 400, "r": 24})
    reach = max(5.0, 1.25 * float(np.abs(effects).max(initial=0.0)))
    figure.update_xaxes(
        title_text="rise of the right answer's probability (points)", range=[-reach, reach]
    )
    if not len(effects):
        figure.update_layout(margin={"l": 84})
        figure.update_yaxes(visible=False)
        figure.add_annotation(
            x=0.0, y=0.0, text="No sentence was left out for this explanation.", showarrow=False
        )
        return LiveFigure(
            figure,
            words="Sentences are left out one at a time for questions with options and "
            "explanations of up to twelve sentences.",
        )
    figure.add_bar(
        x=effects,
        y=heights,
        orientation="h",
        marker={"color": [HELPED if e >= 0 else HARMED for e in effects]},
        width=0.5,
        text=[say_points(e / 100.0) for e in effects],
        textposition="outside",
        cliponaxis=False,
        showlegend=False,
        hovertext=list(sentences),
        hovertemplate="%{hovertext}<extra></extra>",
    )
    add_line(
        figure,
        x=[0.0, 0.0],
        y=[-0.6, len(effects) - 0.4],
        color=PALETTE["grid"],
        width=1.0,
        hoverinfo="skip",
    )
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[shorten(s, SENTENCE_CHARACTERS, at_word=True) for s in sentences],
        tickfont={"size": 13},
        range=[-0.6, len(effects) - 0.4],
        showgrid=False,
    )
    return LiveFigure(figure, words=keep_together(_say(result)))


def _say(result: Result) -> str:
    alone, taught = result.confidence("alone"), result.confidence("taught")
    before, after = result.confidence("before"), result.confidence("after")
    effects = result.effects
    strongest = ""
    if len(effects):
        place = int(np.abs(effects).argmax())
        strongest = (
            f"“{shorten(result.inputs.sentences[place], 70, at_word=True)}” moves it most: "
            f"{say_points(float(effects[place]))} points against leaving it out."
        )
    return join(
        [
            f"The right answer, {result.inputs.question.answer}, has {say_percent(alone)} when "
            f"the student is alone and {say_percent(taught)} with this explanation "
            f"({say_points(taught - alone)} points); the mental model expects "
            f"{say_percent(before)} and {say_percent(after)}.",
            strongest,
            "A sentence that said the answer was taken out." if result.inputs.leaked else "",
            f"{result.params.student} tells no probabilities: what it writes counts as certain."
            if np.isin(result.scene("taught").probabilities, (0.0, 1.0)).all()
            else "",
        ]
    )
