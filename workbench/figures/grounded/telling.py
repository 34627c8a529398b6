"""Tell it or ground it: the list of things in the prompt against the scene in the decoder."""

from __future__ import annotations

import plotly.graph_objects as go

from workbench.figures.grounded.frames import add_scene
from workbench.figures.grounded.mixer import tell_plan
from workbench.figures.grounded.wording import show_text
from workbench.figures.live import LiveFigure
from workbench.figures.passages import LivePassages, Passage, Span
from workbench.figures.theme import TEMPLATE
from workbench.figures.wording import join
from workbench.methods.grounded.telling import PLAN_NAMES, PLANS, Result


def draw_telling(result: Result) -> LivePassages:
    """What the model was told, and the four plans."""
    told = Passage(
        "What the model is told",
        (
            Span("Task: ", "muted"),
            Span(f"{result.task.instruction}\n"),
            Span("Objects: ", "muted"),
            Span(result.said),
        ),
        "The list was written before anything changed.",
    )
    plans = [
        tell_plan(name, result.plans[plan]) for plan, name in zip(PLANS, PLAN_NAMES, strict=True)
    ]
    return LivePassages((told, *plans), words=_words(result))


def draw_case(result: Result) -> LiveFigure:
    """The scene as it is when the plans begin."""
    figure = go.Figure().set_subplots(1, 1)
    add_scene(figure, [result.world], "", side_px=460)
    figure.update_layout(template=TEMPLATE, height=520, margin={"l": 16, "r": 16, "t": 24, "b": 16})
    return LiveFigure(figure, words=_words(result))


def _words(result: Result) -> str:
    wrong = {name: sum(not s.could for s in result.plans[name].steps) for name in PLANS}
    reached = [
        name for plan, name in zip(PLANS, PLAN_NAMES, strict=True)
        if result.plans[plan].outcome == "success"
    ]  # fmt: skip
    case = {
        "plain": "The list is true, but it says only names.",
        "stacked": "One thing now lies on another, and the list does not say so.",
        "gone": "One thing was taken away after the list was written.",
    }[result.params.case]
    return join(
        [
            case,
            f"Commands that could not be done: {wrong['alone']} alone, {wrong['told']} when told, "
            f"{wrong['grounded']} grounded, {wrong['both']} with both.",
            f"The goal “{show_text(result.task.instruction)}” is reached by: "
            f"{', '.join(reached).lower() if reached else 'none'}.",
        ]
    )
