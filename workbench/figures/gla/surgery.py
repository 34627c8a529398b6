"""Logit surgery: one picture, and the four terms that decide its class."""

from __future__ import annotations

import base64
import io

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from plotly.subplots import make_subplots

from workbench.figures.gla.wording import each, join
from workbench.figures.live import LiveFigure, Position, Slot
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.gla.surgery import TERMS, Result

TERM_NAMES = ("zero-shot", "− log π<sub>p</sub>", "fine-tuned", "− log π<sub>s</sub>")
TERM_WORDS = (
    "zero-shot logits",
    "the pre-training prior out",
    "fine-tuned logits",
    "the fine-tuning prior out",
)
TERM_COLOURS = (PALETTE["blue"], PALETTE["sky"], PALETTE["vermilion"], PALETTE["amber"])
AXES = ("picture", *TERMS)
ENLARGED = 5
"""Drawings are shown so many times larger, so that their pixels stay sharp."""


def draw_surgery(result: Result) -> LiveFigure:
    """The picture, and for each candidate class its four terms stacked to their sum."""
    figure = make_subplots(1, 2, column_widths=[0.27, 0.73], horizontal_spacing=0.2)
    pictures, candidates = result.candidates.shape
    heights = np.arange(candidates)[::-1]
    side = result.drawings.shape[1]
    figure.add_trace(
        go.Image(source=_png(result.drawings[0]), hoverinfo="skip", name="picture"), row=1, col=1
    )
    slots = [Slot("data[0].source", ("picture",), [_png(d) for d in result.drawings])]
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
    slots.append(Slot("layout.yaxis2.ticktext", ("picture",), _names(result)))
    limit = 1.08 * float(
        np.maximum(
            np.where(result.parts > 0, result.parts, 0).sum(axis=1),
            -np.where(result.parts < 0, result.parts, 0).sum(axis=1),
        ).max()
    )
    figure.update_layout(
        template=TEMPLATE, height=460, margin={"t": 60, "l": 10, "r": 20}, barmode="relative"
    )
    edge = side * ENLARGED
    hidden = {"showgrid": False, "showline": False, "ticks": "", "showticklabels": False}
    figure.update_xaxes(range=[-0.5, edge - 0.5], row=1, col=1, **hidden)
    figure.update_yaxes(range=[edge - 0.5, -0.5], row=1, col=1, **hidden)
    figure.update_xaxes(
        title_text="for the class, against the mean of those shown (nats)",
        range=[-limit, limit],
        zeroline=True,
        row=1,
        col=2,
    )
    figure.update_yaxes(
        tickvals=heights, ticktext=_names(result)[0], range=[-0.7, candidates - 0.3], row=1, col=2
    )
    axes: dict[str, list[Position]] = {"picture": [*range(1, pictures + 1)]}
    for term in TERMS:
        axes[term] = [False, True]
    return LiveFigure(figure, axes, tuple(slots), Slot("", AXES, _words(result)))


def _png(drawing: np.ndarray) -> str:
    image = Image.fromarray(drawing)
    large = image.resize(
        (image.width * ENLARGED, image.height * ENLARGED), Image.Resampling.NEAREST
    )
    buffer = io.BytesIO()
    large.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _names(result: Result) -> list[list[str]]:
    return [
        [
            f"<b>{_name(result, c)}</b>" if c == truth else _name(result, c)
            for c in of_picture.tolist()
        ]
        for of_picture, truth in zip(result.candidates, result.truth.tolist(), strict=True)
    ]


def _name(result: Result, c: int) -> str:
    return result.class_names[c]


def _winner_colours(result: Result) -> list:
    def colours(m: int, *present: int) -> list[str]:
        guess, truth = int(result.guesses[(m, *present)]), int(result.truth[m])
        won = PALETTE["green"] if guess == truth else PALETTE["danger"]
        return [won if c == guess else PALETTE["exact"] for c in result.candidates[m].tolist()]

    return each(colours, len(result.truth), 2, 2, 2, 2)


def _words(result: Result) -> list:
    def say(m: int, *present: int) -> str:
        truth = int(result.truth[m])
        if not any(present):
            return f"This is “{_name(result, truth)}”. No term is in: every class is equally good."
        guess = int(result.guesses[(m, *present)])
        whole = int(result.guesses[m, 1, 1, 1, 1])
        named = [name for name, there in zip(TERM_WORDS, present, strict=True) if there]
        verdict = "right" if guess == truth else "wrong"
        return join(
            [
                f"This is “{_name(result, truth)}”. With {', '.join(named)}, the guess is "
                f"“{_name(result, guess)}”: {verdict}.",
                ""
                if all(present)
                else f"All four terms together, GLA, say “{_name(result, whole)}”.",
            ]
        )

    return each(say, len(result.truth), 2, 2, 2, 2)
