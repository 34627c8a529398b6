"""Classes by name: what the model sees in each picture, and over all of them."""

from __future__ import annotations

import html

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.gla.drawings import add_drawings, show_drawings
from workbench.figures.gla.marks import METHOD_COLOURS
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_percent, shorten
from workbench.methods.gla.names import MOST_PICTURES, Params, Result

ROWS = 20
"""Names shown over all pictures: those of the largest mean probabilities."""
SHORT = 24
"""Longer names are cut in labels."""
WINNER, OTHER = 1.0, 0.4
"""Opacity of the guess and of the other names."""


def draw_names(result: Result) -> LiveFigure:
    """The picture, and the names it gets the largest probabilities for."""
    figure = make_subplots(1, 2, column_widths=[0.3, 0.7], horizontal_spacing=0.24)
    # positions beyond the last picture show the last
    places = np.minimum(np.arange(MOST_PICTURES), len(result.titles) - 1)
    slots = [add_drawings(figure, result.drawings)]
    sources = list(slots[0].values)
    slots[0] = Slot(slots[0].path, ("picture",), [sources[place] for place in places])
    heights = np.arange(result.best.shape[1])[::-1]
    values = 100.0 * result.chances[places]
    texts = [[say_percent(v / 100.0, 0) for v in row] for row in values.tolist()]
    names = [[_label(result, m, c) for c in result.best[m].tolist()] for m in places.tolist()]
    figure.add_bar(
        x=values[0],
        y=heights,
        name="probability",
        orientation="h",
        marker={
            "color": METHOD_COLOURS["zero_shot"],
            "opacity": [WINNER, *[OTHER] * (len(heights) - 1)],
        },
        width=0.62,
        text=texts[0],
        textposition="outside",
        cliponaxis=False,
        showlegend=False,
        hovertemplate="%{x:.1f} %<extra></extra>",
        row=1,
        col=2,
    )
    slots += [
        Slot("data[1].x", ("picture",), values),
        Slot("data[1].text", ("picture",), texts),
        Slot("layout.yaxis2.ticktext", ("picture",), names),
    ]
    figure.update_layout(template=TEMPLATE, height=420, margin={"t": 20, "l": 10, "r": 20})
    show_drawings(figure, result.drawings)
    figure.update_xaxes(
        title_text="probability among the names typed (%)",
        range=[0, 112],
        tickvals=[0, 25, 50, 75, 100],
        row=1,
        col=2,
    )
    figure.update_yaxes(
        tickvals=heights,
        ticktext=names[0],
        range=[-0.7, len(heights) - 0.3],
        showgrid=False,
        row=1,
        col=2,
    )

    def say(position: int) -> str:
        place = int(places[position])
        guess = result.names[int(result.best[place, 0])]
        beyond = (
            f"There are {len(result.titles)} pictures; this is the last."
            if position > place
            else ""
        )
        return join(
            [
                beyond,
                f"“{result.titles[place]}”: of {len(result.names):,} names the model finds "
                f"“{guess}” likeliest, with {say_percent(float(result.chances[place, 0]), 0)}.",
                _judge(result, place, guess),
                "The probabilities are shares among these names only: another list, other shares.",
                _say_alike(result),
            ]
        )

    words = Slot("", ("picture",), each(say, MOST_PICTURES))
    return LiveFigure(figure, live_axes(Params), tuple(slots), words)


def draw_shares(result: Result) -> LiveFigure:
    """Mean probability of the names over all pictures, and the share of pictures given each."""
    order = np.argsort(-result.mean_chance, kind="stable")[:ROWS]
    heights = np.arange(len(order))[::-1]
    share = result.guesses / len(result.titles)
    figure = go.Figure()
    figure.add_bar(
        x=100.0 * result.mean_chance[order],
        y=heights,
        name="mean probability",
        orientation="h",
        marker={"color": METHOD_COLOURS["zero_shot"]},
        width=0.62,
        hovertemplate="mean probability %{x:.1f} %<extra></extra>",
    )
    figure.add_scatter(
        x=100.0 * share[order],
        y=heights,
        name="pictures given the name",
        mode="markers",
        marker={"size": 11, "symbol": "diamond", "color": PALETTE["vermilion"]},
        hovertemplate="given to %{x:.1f} % of the pictures<extra></extra>",
    )
    uniform = 100.0 / len(result.names)
    figure.add_scatter(
        x=[uniform, uniform],
        y=[-0.7, len(order) - 0.3],
        name="every name alike",
        mode="lines",
        line={"color": PALETTE["baseline"], "dash": "dot"},
        hoverinfo="skip",
    )
    largest = 100.0 * float(max(result.mean_chance.max(), share.max()))
    figure.update_layout(
        template=TEMPLATE, height=140 + 22 * len(order), margin={"t": 50, "l": 190, "r": 20}
    )
    figure.update_xaxes(title_text="of the pictures (%)", range=[0, 1.08 * largest])
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[_short(result.names[c]) for c in order],
        range=[-0.7, len(order) - 0.3],
        showgrid=False,
    )
    most = result.names[int(order[0])]
    never = int((result.guesses == 0).sum())
    words = join(
        [
            f"Over {len(result.titles)} pictures “{most}” gets most, "
            f"{say_percent(float(result.mean_chance.max()))} on average; {never} of "
            f"{len(result.names):,} names are given to none.",
            "That mixes what the model favours with what the pictures show. Without labels the "
            "two cannot be told apart, so there is no prior, no linear probe, no GLA and no "
            "accuracy here. Put the pictures into folders named as their classes and open “Your "
            "own task”.",
            f"Typed more than once and counted once: {_list(result.repeated)}."
            if result.repeated
            else "",
            _say_alike(result),
        ]
    )
    return LiveFigure(figure, live_axes(Params), (), words)


def _label(result: Result, m: int, c: int) -> str:
    name = _short(result.names[c])
    is_truth = result.truth[m].casefold() == result.names[c].casefold()
    return f"<b>{name}</b>" if is_truth else name


def _short(name: str) -> str:
    return html.escape(shorten(name, SHORT))


def _judge(result: Result, m: int, guess: str) -> str:
    truth = result.truth[m]
    if not truth:
        return "Nobody said what it shows, so nothing here can be right or wrong."
    if truth.casefold() not in {name.casefold() for name in result.names}:
        return f"It shows a “{truth}”, which is not among the names, so no guess can be right."
    return "That is right." if guess.casefold() == truth.casefold() else f"It shows a “{truth}”."


def _say_alike(result: Result) -> str:
    if not result.alike:
        return ""
    return (
        f"The model reads {_list(result.alike)} as the same text, because it does not know their "
        "words: it cannot choose between them."
    )


def _list(names: tuple[str, ...], most: int = 4) -> str:
    said = ", ".join(f"“{name}”" for name in names[:most])
    return said if len(names) <= most else f"{said} and {len(names) - most} more"
