"""The grounder mixer: success and feasible commands at every strength of the scene."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.grounded.marks import PRODUCT, SCENE
from workbench.figures.grounded.theatre import say_outcome
from workbench.figures.grounded.wording import show_text
from workbench.figures.live import LiveFigure
from workbench.figures.passages import LivePassages, Passage, Span
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, say_percent
from workbench.methods.grounded.episode import Episode
from workbench.methods.grounded.mixer import STRENGTHS, Result


def draw_mixer(result: Result) -> LiveFigure:
    """Goals reached and commands that can be done, against the exponent λ of p_G."""
    places = np.arange(len(STRENGTHS))
    figure = go.Figure()
    figure.add_scatter(
        x=places,
        y=100.0 * result.feasible,
        name="commands that could be done",
        mode="lines+markers",
        line={"color": SCENE, "width": 2.5},
        hovertemplate="λ = %{customdata:g}: %{y:.0f} % of the commands<extra></extra>",
        customdata=result.strengths,
    )
    figure.add_scatter(
        x=places,
        y=100.0 * result.success,
        name="goals reached",
        mode="lines+markers",
        line={"color": PRODUCT, "width": 3.5},
        marker={"size": 10},
        hovertemplate="λ = %{customdata:g}: %{y:.0f} % of the scenes<extra></extra>",
        customdata=result.strengths,
    )
    paper = STRENGTHS.index(1.0)
    figure.add_scatter(
        x=[paper, paper],
        y=[0, 100],
        name="the paper's product",
        mode="lines",
        line={"color": PALETTE["threshold"], "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    figure.update_layout(template=TEMPLATE, height=460, margin={"t": 56, "l": 76, "r": 30})
    figure.update_xaxes(
        title_text="strength λ of the scene (0: language alone)",
        tickvals=places,
        ticktext=[f"{strength:g}" for strength in STRENGTHS],
    )
    figure.update_yaxes(title_text="share (%)", range=[-4, 104])
    last = len(STRENGTHS) - 1
    scenes = len(result.episodes)
    words = join(
        [
            f"{scenes} scene{'s' if scenes > 1 else ''}. Commands that could be done: "
            f"{say_percent(float(result.feasible[0]), 0)} with the model alone (λ = 0), "
            f"{say_percent(float(result.feasible[paper]), 0)} with the paper's λ = 1.",
            f"Goals reached: {say_percent(float(result.success[0]), 0)} alone, "
            f"{say_percent(float(result.success[paper]), 0)} at λ = 1, "
            f"{say_percent(float(result.success[last]), 0)} at λ = {STRENGTHS[last]:g}.",
            "So few scenes show a mechanism, not a rate: take more for that." if scenes < 5 else "",
        ]
    )
    return LiveFigure(figure, words=words)


def draw_mixed_plans(result: Result) -> LivePassages:
    """The plan of the first scene at no, the paper's and the largest strength."""
    row = result.episodes[0]
    shown = (0, STRENGTHS.index(1.0), len(STRENGTHS) - 1)
    titles = (
        "Language alone, λ = 0",
        "As in the paper, λ = 1",
        f"The scene, λ = {STRENGTHS[-1]:g}",
    )
    passages = [tell_plan(title, row[k]) for title, k in zip(titles, shown, strict=True)]
    words = (
        f"The instruction: “{show_text(row[0].task.instruction, 120)}”. Red commands could not be "
        "done in the scene they were given in."
    )
    return LivePassages(tuple(passages), words=words)


def tell_plan(title: str, episode: Episode) -> Passage:
    """An episode as text: its commands, red where they could not be done.

    Args:
        title: what stands above it.
        episode: whose plan it is.
    """
    spans: list[Span] = []
    for number, step in enumerate(episode.steps, 1):
        spans.append(Span(f"Step {number}: ", "muted"))
        if not step.could:
            spans.append(Span(f"{step.command or '(nothing)'}\n", "bad", "could not be done"))
        elif not step.succeeded:
            spans.append(Span(f"{step.command} (the hand failed)\n", "mark", "the hand failed"))
        else:
            spans.append(Span(f"{step.command}\n"))
    return Passage(title, tuple(spans), say_outcome(episode))
