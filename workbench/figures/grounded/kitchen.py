"""Thought and plan in the kitchen: three aligned bars, and the dialogue with its brackets."""

from __future__ import annotations

import numpy as np

from workbench.figures.grounded.bars import Bars, draw_bars
from workbench.figures.grounded.wording import say_value
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.passages import LivePassages, Passage, Span
from workbench.figures.wording import each, join, say_percent
from workbench.methods.grounded.kitchen import Plan, Result

SHOWN = 12


def draw_phrases(result: Result) -> LiveFigure:
    """What the language model says of each phrase, what the detector says, and the product."""
    best = np.maximum(result.language, result.product.max(axis=0))
    order = np.argsort(-best, kind="stable")[:SHOWN]
    order = order[np.argsort(-result.language[order], kind="stable")]
    labels = [result.phrases[i] for i in order]
    count = len(result.strengths)
    bars = Bars(
        labels=[labels] * count,
        language=np.tile(result.language[order], (count, 1)),
        scene=np.tile(result.scene[order], (count, 1)),
        product=result.product[:, order],
        chosen=[int(np.flatnonzero(order == c)[0]) for c in result.chosen],
        scene_title="detector's score",
    )
    figure, slots = draw_bars(bars, "strength")
    words = Slot("", ("strength",), each(lambda k: _words(result, k), count))
    axes = {"strength": [float(s) for s in result.strengths]}
    return LiveFigure(figure, axes, tuple(slots), words)


def draw_dialogue(result: Result) -> LivePassages:
    """The language model's own thought and plan beside the grounded one."""
    alone = int(result.chosen[0])
    passages = [
        (
            _tell(result, alone, "Language model alone"),
            _tell(result, int(chosen), f"Grounded, λ = {strength:g}"),
        )
        for strength, chosen in zip(result.strengths, result.chosen, strict=True)
    ]
    words = Slot("", ("strength",), each(lambda k: _words(result, k), len(result.strengths)))
    return LivePassages(passages, {"strength": [float(s) for s in result.strengths]}, words)


def _tell(result: Result, phrase: int, title: str) -> Passage:
    plan = result.plans.get(phrase)
    is_there = result.scene[phrase] >= result.there
    spans = [
        Span("Robot thought: ", "muted"),
        Span("the person wants the ["),
        Span(
            f" {result.phrases[phrase]} ",
            "good" if is_there else "bad",
            f"detector {say_value(float(result.scene[phrase]))}",
        ),
        Span("].\n"),
    ]
    steps = zip(plan.steps, plan.has_worked, strict=True) if plan else ()
    for number, (step, worked) in enumerate(steps, 1):
        spans += [
            Span(f"Step {number}: ", "muted"),
            Span(f"{step}\n", "" if worked else "bad", "" if worked else "could not be done"),
        ]
    return Passage(title, tuple(spans), _verdict(plan))


def _verdict(plan: Plan | None) -> str:
    if plan is None:
        return "No plan was made for this phrase: plans are made for λ = 0 and λ = 1."
    if plan.is_done is None:
        return "A free instruction: its goal is not checked."
    return "The goal is reached." if plan.is_done else "The goal is not reached."


def _words(result: Result, k: int) -> str:
    alone, chosen = int(result.chosen[0]), int(result.chosen[k])
    named = result.phrases[chosen]
    if chosen == alone:
        verdict = (
            f"Inside the brackets both say “{named}”, which the detector scores "
            f"{say_value(float(result.scene[chosen]))}."
        )
    else:
        verdict = (
            f"Alone, the model would write “{result.phrases[alone]}” "
            f"({say_percent(float(result.language[alone]), 0)} of what may be named), which the "
            f"detector scores {say_value(float(result.scene[alone]))}. With the detector it says "
            f"“{named}” ({say_value(float(result.scene[chosen]))})."
        )
    return join(
        [
            verdict,
            _verdict(result.plans.get(chosen)),
            "Change a score in the table: only the green and the orange bars move."
            if result.seen is None
            else "The scores are a detector's, of your photo.",
        ]
    )
