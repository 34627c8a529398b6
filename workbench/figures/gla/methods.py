"""Method by method: one picture, and the classes that each way of joining the models sees in it."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.gla.drawings import add_drawings, show_drawings
from workbench.figures.gla.marks import METHOD_COLOURS
from workbench.figures.gla.one_picture import (
    bold_truth,
    is_known,
    of_pictures,
    say_outside,
)
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.theme import TEMPLATE
from workbench.figures.wording import each, join, say_percent
from workbench.methods.gla.surgery import Result
from workbench.methods.gla.terms import METHOD_NAMES, METHODS

PICTURE_WIDTH, BARS_FROM, GAP = 0.2, 0.34, 0.02
"""Where the picture ends and the bars begin, and what lies between panels, of the width."""
WINNER, OTHER = 1.0, 0.4
"""Opacity of a method's guess and of its other classes."""


def draw_methods(result: Result) -> LiveFigure:
    """The picture, and a panel of bars for each method: probabilities of the likely classes."""
    count = len(METHODS)
    figure = make_subplots(
        1,
        1 + count,
        horizontal_spacing=0.0,
        subplot_titles=[" ", *METHOD_NAMES],
    )
    slots = [add_drawings(figure, result.drawings)]
    figure.update_xaxes(domain=[0.0, PICTURE_WIDTH], row=1, col=1)
    heights = np.arange(result.likely.shape[1])[::-1]
    for number, method in enumerate(METHODS, start=1):
        values = 100.0 * result.chances[:, number - 1]  # (m, l)
        is_guess = result.likely == result.guesses_by_method[:, number - 1, None]
        opacity = np.where(is_guess, WINNER, OTHER)
        texts = [
            [say_percent(v / 100, 0) if won else "" for v, won in zip(row, of_picture, strict=True)]
            for row, of_picture in zip(values.tolist(), is_guess.tolist(), strict=True)
        ]
        figure.add_bar(
            x=values[0],
            y=heights,
            name=METHOD_NAMES[number - 1],
            orientation="h",
            marker={"color": METHOD_COLOURS[method], "opacity": opacity[0]},
            width=0.62,
            text=texts[0],
            textposition="outside",
            cliponaxis=False,
            showlegend=False,
            hovertemplate=f"{METHOD_NAMES[number - 1]}: %{{x:.1f}} %<extra></extra>",
            row=1,
            col=1 + number,
        )
        slots += [
            Slot(f"data[{number}].x", ("picture",), values),
            Slot(f"data[{number}].marker.opacity", ("picture",), opacity),
            Slot(f"data[{number}].text", ("picture",), texts),
        ]
        left = BARS_FROM + (1.0 - BARS_FROM) * (number - 1) / count
        right = left + (1.0 - BARS_FROM) / count - GAP
        figure.update_xaxes(
            range=[0, 140],
            tickvals=[0, 50, 100],
            domain=[left, right],
            row=1,
            col=1 + number,
        )
        figure.layout.annotations[number].x = (left + right) / 2
        figure.update_yaxes(
            range=[-0.7, len(heights) - 0.3],
            showticklabels=False,
            ticks="",
            showgrid=False,
            row=1,
            col=1 + number,
        )
    names = bold_truth(result, result.likely)
    slots.append(Slot("layout.yaxis2.ticktext", ("picture",), names))
    figure.update_yaxes(showticklabels=True, tickvals=heights, ticktext=names[0], row=1, col=2)
    show_drawings(figure, result.drawings)
    figure.update_layout(template=TEMPLATE, height=400, margin={"t": 50, "l": 10, "r": 10})
    figure.update_xaxes(title_text="probability (%)", row=1, col=2 + count // 2)
    words = Slot("", ("picture",), _words(result))
    return of_pictures(result, figure, slots, words)


def _words(result: Result) -> list[str]:
    def say(m: int) -> str:
        guesses = dict(zip(METHODS, result.guesses_by_method[m].tolist(), strict=True))
        truth = int(result.truth[m])
        said = (
            f"This is “{result.class_names[truth]}”, in bold."
            if is_known(result, m)
            else "This is your own picture, as the models see it."
        )
        by_guess: dict[int, list[str]] = {}
        for method, name in zip(METHODS, METHOD_NAMES, strict=True):
            by_guess.setdefault(guesses[method], []).append(name)
        named = "; ".join(
            f"{', '.join(names)}: “{result.class_names[c]}”" + (" (right)" if c == truth else "")
            for c, names in by_guess.items()
        )
        if len(by_guess) == 1:
            named = f"All five methods see “{result.class_names[guesses['gla']]}”"
        return join([said, f"{named}.", say_outside(result)])

    return each(say, len(result.truth))
