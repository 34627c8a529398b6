"""All commands as points: near in language is not near in what can be done."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.grounded.marks import METHOD_COLOURS
from workbench.figures.grounded.wording import show_text
from workbench.figures.live import LiveFigure
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, say_percent
from workbench.methods.grounded.manifold import NEIGHBOURS, Result


def draw_manifold(result: Result) -> LiveFigure:
    """Embeddings of all commands in two dimensions, coloured by what the first state allows."""
    commands, points = result.commands, result.points
    able = result.grounding.possible[:-1]
    figure = go.Figure()
    for mask, name, colour, size, opacity in (
        (~able, "cannot be done now", PALETTE["baseline"], 6, 0.4),
        (able, "can be done now", PALETTE["green"], 9, 0.95),
    ):
        at = np.flatnonzero(mask)
        figure.add_scatter(
            x=points[at, 0],
            y=points[at, 1],
            mode="markers",
            name=name,
            marker={"color": colour, "size": size, "opacity": opacity},
            hovertext=[show_text(commands[i], 90) for i in at],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    chosen = list(result.path)
    if chosen:
        figure.add_scatter(
            x=points[chosen, 0],
            y=points[chosen, 1],
            mode="lines+markers+text",
            name="grounded plan",
            line={"color": METHOD_COLOURS["greedy"], "width": 2},
            marker={"color": METHOD_COLOURS["greedy"], "size": 13},
            text=[str(i + 1) for i in range(len(chosen))],
            textposition="bottom right",  # clear of the star around the first
            hovertext=[show_text(commands[i], 90) for i in chosen],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    saycan = result.saycan
    if saycan is not None:
        figure.add_scatter(
            x=[points[saycan, 0]],
            y=[points[saycan, 1]],
            mode="markers",
            name="SayCan's first",
            marker={
                "symbol": "star-open",
                "size": 20,
                "color": METHOD_COLOURS["saycan"],
                "line": {"width": 2.5},
            },
            hovertext=[show_text(commands[saycan], 90)],
            hovertemplate="SayCan: %{hovertext}<extra></extra>",
        )
    figure.update_layout(template=TEMPLATE, height=520, margin={"t": 56, "l": 44, "r": 24, "b": 44})
    figure.update_xaxes(title_text="first direction of the embeddings", showticklabels=False)
    figure.update_yaxes(showticklabels=False)
    figure.update_yaxes(title_text="second direction")
    words = join(
        [
            f"{int(able.sum())} of {len(commands)} commands can be done in this scene.",
            f"Of the {NEIGHBOURS} nearest neighbours of such a command "
            f"{say_percent(result.neighbours_alike, 0)} can be done too; by chance it would be "
            f"{say_percent(result.possible, 0)}."
            if np.isfinite(result.neighbours_alike)
            else "",
            "Neighbours are found among whole sentence embeddings; the drawing keeps only the two "
            f"widest directions, {say_percent(result.spread, 0)} of their spread.",
        ]
    )
    return LiveFigure(figure, words=words)
