"""The decision map: which class each method guesses, for every pair of numbers the models see."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_percent
from workbench.methods.gla.decision_map import (
    DEPENDS,
    EDGE,
    LIVE,
    METHOD_NAMES,
    METHODS,
    Params,
    Result,
    region,
)

CLASS_COLOURS = (PALETTE["blue"], PALETTE["amber"], PALETTE["vermilion"])
CLASS_NAMES = ("A", "B", "C")
CORNERS = 8
"""No region has more: a square cut by two lines, closed."""
CIRCLE = np.linspace(0.0, 2.0 * np.pi, 49)
BLANK = np.full((1, 2), np.nan)


def draw_map(result: Result) -> LiveFigure:
    """Regions of the three classes under each method, with the classes' own spread."""
    figure = make_subplots(
        2, 3, horizontal_spacing=0.05, vertical_spacing=0.14, subplot_titles=METHOD_NAMES
    )
    slots: list[Slot] = []
    circles = _circles(result)
    for m, method in enumerate(METHODS):
        row, col = divmod(m, 3)
        for k, colour in enumerate(CLASS_COLOURS):
            corners = _corners(result, method, k)
            number = len(list(figure.data))
            figure.add_scatter(
                x=corners.reshape(-1, CORNERS, 2)[0, :, 0],
                y=corners.reshape(-1, CORNERS, 2)[0, :, 1],
                name=f"guessed {CLASS_NAMES[k]}",
                legendgroup=CLASS_NAMES[k],
                showlegend=False,
                mode="lines",
                fill="toself",
                fillcolor=colour,
                line={"color": colour, "width": 1},
                opacity=0.35,
                hoverinfo="skip",
                row=row + 1,
                col=col + 1,
            )
            slots += [
                Slot(f"data[{number}].x", DEPENDS[method], corners[..., 0]),
                Slot(f"data[{number}].y", DEPENDS[method], corners[..., 1]),
            ]
        number = len(list(figure.data))
        figure.add_scatter(
            x=circles[0, :, 0],
            y=circles[0, :, 1],
            name="two in three pictures of a class",
            mode="lines",
            line={"color": PALETTE["exact"], "width": 1.5},
            showlegend=False,
            hoverinfo="skip",
            row=row + 1,
            col=col + 1,
        )
        slots += [
            Slot(f"data[{number}].x", ("correlation",), circles[..., 0]),
            Slot(f"data[{number}].y", ("correlation",), circles[..., 1]),
        ]
        number = len(list(figure.data))
        figure.add_scatter(
            x=result.means[:, 0],
            y=result.means[:, 1],
            text=list(CLASS_NAMES),
            name="classes",
            mode="text",
            textfont={"size": 17},
            showlegend=False,
            hoverinfo="skip",
            row=row + 1,
            col=col + 1,
        )
        number = len(list(figure.data))
        accuracy = result.accuracy[m]
        figure.add_scatter(
            x=[0.0],
            y=[-EDGE + 0.55],
            text=[""],
            name="accuracy",
            mode="text",
            textfont={"size": 17},
            showlegend=False,
            hoverinfo="skip",
            row=row + 1,
            col=col + 1,
        )
        texts = each(lambda *i, a=accuracy: f"<b>{say_percent(a[i])}</b>", *accuracy.shape)
        slots.append(Slot(f"data[{number}].text[0]", LIVE, texts))
    _lay_out(figure)
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", LIVE, _words(result)))


def _corners(result: Result, method: str, k: int) -> np.ndarray:
    """``(…, 8, 2)`` closed outlines of a region; a region smaller than that repeats a corner."""
    rules = result.rules[method]
    found = np.full((*rules.shape, CORNERS, 2), np.nan)
    for place, rule in np.ndenumerate(rules):
        corners = region(rule, k)
        if len(corners):
            closed = np.vstack([corners, corners[:1]])
            found[place] = np.vstack([closed, *([closed[-1:]] * (CORNERS - len(closed)))])
    return found


def _circles(result: Result) -> np.ndarray:
    """``(r, points, 2)`` ellipses at 1.5 standard deviations of each class, with gaps between.

    Inside lies ``1 - exp(-1.5² / 2)``, two thirds of the pictures of a class.
    """
    round_ = 1.5 * np.stack([np.cos(CIRCLE), np.sin(CIRCLE)], axis=1)
    found = []
    for rho in result.correlations:
        shape = round_ @ np.linalg.cholesky([[1.0, rho], [rho, 1.0]]).T
        found.append(np.vstack([part for mean in result.means for part in (mean + shape, BLANK)]))
    return np.array(found)


def _lay_out(figure: go.Figure) -> None:
    figure.update_layout(template=TEMPLATE, height=640, margin={"t": 40, "r": 10, "b": 50})
    figure.update_xaxes(range=[-EDGE, EDGE], showgrid=False, dtick=2)
    figure.update_yaxes(range=[-EDGE, EDGE], showgrid=False, dtick=2)
    for row, col in ((1, 3), (2, 1), (2, 2)):
        figure.update_xaxes(title_text="what zero-shot sees", row=row, col=col)
    for row in (1, 2):
        figure.update_yaxes(title_text="what fine-tuned sees", row=row, col=1)


def _words(result: Result) -> list[list[list[str]]]:
    def say(p: int, s: int, r: int) -> str:
        accuracy = dict(zip(METHODS, result.accuracy[:, p, s, r], strict=True))
        gap = accuracy["bayes"] - accuracy["gla"]
        return join(
            [
                f"The plain ensemble guesses {say_percent(accuracy['ensemble'])} right, GLA "
                f"{say_percent(accuracy['gla'])}. Move either prior: every region shifts but "
                "GLA's.",
                "With independent errors GLA is the best possible rule."
                if gap < 5e-5
                else f"The two numbers are correlated, so GLA counts shared evidence twice: the "
                f"best possible rule has {say_percent(accuracy['bayes'])}.",
            ]
        )

    return each(say, *result.accuracy.shape[1:])
