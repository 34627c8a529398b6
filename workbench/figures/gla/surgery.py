"""Logit surgery: one picture, and the four terms that decide its class."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.gla.drawings import add_drawings, show_drawings
from workbench.figures.gla.one_picture import (
    bold_truth,
    of_pictures,
    say_outside,
)
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join
from workbench.methods.gla.surgery import Result
from workbench.methods.gla.terms import TERMS, UNKNOWN

TERM_NAMES = ("zero-shot", "− log π<sub>p</sub>", "fine-tuned", "− log π<sub>s</sub>")
TERM_WORDS = (
    "zero-shot logits",
    "the pre-training prior out",
    "fine-tuned logits",
    "the fine-tuning prior out",
)
TERM_COLOURS = (PALETTE["blue"], PALETTE["sky"], PALETTE["vermilion"], PALETTE["amber"])
AXES = ("picture", *TERMS)


def draw_surgery(result: Result) -> LiveFigure:
    """The picture, and for each candidate class its four terms stacked to their sum."""
    figure = make_subplots(1, 2, column_widths=[0.27, 0.73], horizontal_spacing=0.2)
    pictures, candidates = result.candidates.shape
    heights = np.arange(candidates)[::-1]
    slots = [add_drawings(figure, result.drawings)]
    for t, term in enumerate(TERMS):
        number = len(list(figure.data))
        figure.add_bar(
            x=result.parts[0, t],
            y=heights,
            name=TERM_NAMES[t],
            orientation="h",
            marker={"color": TERM_COLOURS[t]},
            width=0.62,
            hovertemplate=f"{TERM_NAMES[t]}: %{{x:.2f}}<extra></extra>",
            row=1,
            col=2,
        )
        both = np.stack([np.zeros_like(result.parts[:, t]), result.parts[:, t]], axis=1)
        slots.append(Slot(f"data[{number}].x", ("picture", term), both))
    present = np.array(list(np.ndindex(2, 2, 2, 2)), dtype=float)  # (16, 4)
    sums = np.einsum("st,mtc->msc", present, result.parts).reshape(pictures, 2, 2, 2, 2, -1)
    number = len(list(figure.data))
    figure.add_scatter(
        x=sums[0, 1, 1, 1, 1],
        y=heights,
        name="sum",
        mode="markers",
        marker={
            "symbol": "diamond",
            "size": 13,
            "color": PALETTE["exact"],
            "line": {"width": 1.5, "color": "white"},
        },
        hovertemplate="sum: %{x:.2f}<extra></extra>",
        row=1,
        col=2,
    )
    slots.append(Slot(f"data[{number}].x", AXES, sums))
    slots.append(Slot(f"data[{number}].marker.color", AXES, _winner_colours(result)))
    names = bold_truth(result, result.candidates)
    slots.append(Slot("layout.yaxis2.ticktext", ("picture",), names))
    limit = 1.08 * float(
        np.maximum(
            np.where(result.parts > 0, result.parts, 0).sum(axis=1),
            -np.where(result.parts < 0, result.parts, 0).sum(axis=1),
        ).max()
    )
    figure.update_layout(
        template=TEMPLATE, height=460, margin={"t": 60, "l": 10, "r": 20}, barmode="relative"
    )
    show_drawings(figure, result.drawings)
    figure.update_xaxes(
        title_text="for the class, against the mean of those shown (nats)",
        range=[-limit, limit],
        zeroline=True,
        row=1,
        col=2,
    )
    figure.update_yaxes(
        tickvals=heights, ticktext=names[0], range=[-0.7, candidates - 0.3], row=1, col=2
    )
    words = Slot("", AXES, _words(result))
    return of_pictures(result, figure, slots, words)


def _winner_colours(result: Result) -> list:
    def colours(m: int, *present: int) -> list[str]:
        guess, truth = int(result.guesses[(m, *present)]), int(result.truth[m])
        won = PALETTE[{UNKNOWN: "purple", guess: "green"}.get(truth, "danger")]
        return [won if c == guess else PALETTE["exact"] for c in result.candidates[m].tolist()]

    return each(colours, len(result.truth), 2, 2, 2, 2)


def _words(result: Result) -> list:
    def say(m: int, *present: int) -> str:
        truth = int(result.truth[m])
        guess, whole = (int(result.guesses[(m, *p)]) for p in (present, (1, 1, 1, 1)))
        this = "This is your own picture." if truth == UNKNOWN else f"This is “{name(truth)}”."
        if not any(present):
            return f"{this} No term is in: every class is equally good."
        named = [words for words, there in zip(TERM_WORDS, present, strict=True) if there]
        terms = "all four terms, which is GLA" if all(present) else ", ".join(named)
        verdict = {UNKNOWN: ".", guess: ": right."}.get(truth, ": wrong.")
        return join(
            [
                f"{this} With {terms}, the guess is “{name(guess)}”{verdict}",
                "" if all(present) else f"All four terms together, GLA, say “{name(whole)}”.",
                say_outside(result),
            ]
        )

    def name(c: int) -> str:
        return result.class_names[c]

    return each(say, len(result.truth), 2, 2, 2, 2)
