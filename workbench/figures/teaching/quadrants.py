"""The four kinds of questions by what help does to the answer, and which were explained."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.teaching.curves import LIVE, words_everywhere
from workbench.figures.teaching.marks import FIGURE_HEIGHT, KIND_COLOURS
from workbench.figures.teaching.verdict import quadrant_words
from workbench.figures.theme import TEMPLATE
from workbench.methods.teaching.allocation import TEACHERS, Params, Result
from workbench.methods.teaching.spending import KINDS

KIND_NAMES = (
    "<b>Persuadable</b><br>wrong → right",
    "<b>Sure thing</b><br>right → right",
    "<b>Lost cause</b><br>wrong → wrong",
    "<b>Harmed</b><br>right → wrong",
)


def draw_quadrants(result: Result) -> LiveFigure:
    """One bar a kind: how many there are, and how many of them the budget was spent on."""
    spendings = [result.spendings[t] for t in TEACHERS]
    spent = np.array([s.spent for s in spendings])
    kinds = np.array([s.kinds for s in spendings])
    heights = np.arange(len(KINDS))[::-1]
    figure = go.Figure()
    colours = [KIND_COLOURS[kind] for kind in KINDS]
    figure.add_bar(
        x=kinds[0],
        y=heights,
        orientation="h",
        marker={"color": colours},
        opacity=0.28,
        width=0.6,
        name="all",
        showlegend=False,
        hovertemplate="%{x:.1f} questions of this kind<extra></extra>",
    )
    figure.add_bar(
        x=spent[0, 0, 0],
        y=heights,
        orientation="h",
        marker={"color": colours},
        width=0.6,
        name="explained",
        text=[""] * len(KINDS),
        textposition="none",
        showlegend=False,
        hovertemplate="%{x:.1f} of them explained<extra></extra>",
    )
    figure.add_scatter(
        x=kinds[0],
        y=heights,
        text=[""] * len(KINDS),
        mode="text",
        textposition="middle right",
        textfont={"size": 15},
        showlegend=False,
        hoverinfo="skip",
    )
    labels = [
        [
            [
                [f"  {_say(x)} of {_say(k)} explained" for x, k in zip(row, kinds[t], strict=True)]
                for row in spent[t, f]
            ]
            for f in range(spent.shape[1])
        ]
        for t in range(len(spendings))
    ]
    figure.update_layout(
        template=TEMPLATE,
        height=FIGURE_HEIGHT - 60,
        barmode="overlay",
        margin={"t": 16, "l": 150, "r": 20},
    )
    figure.update_xaxes(
        title_text="questions (mean of the runs)", range=[0.0, float(kinds.max()) * 1.32]
    )
    figure.update_yaxes(
        tickvals=heights, ticktext=list(KIND_NAMES), range=[-0.6, len(KINDS) - 0.4], showgrid=False
    )
    slots = (
        Slot("data[0].x", ("teacher",), kinds),
        Slot("data[1].x", LIVE, spent),
        Slot("data[2].x", ("teacher",), kinds),
        Slot("data[2].text", LIVE, labels),
    )
    say = words_everywhere(lambda t, f, b: quadrant_words(result, t, f, b), spent.shape[2])
    return LiveFigure(figure, live_axes(Params), slots, say)


def _say(count: float) -> str:
    return f"{count:.0f}" if abs(count - round(count)) < 0.05 else f"{count:.1f}"
