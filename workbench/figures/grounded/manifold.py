"""All commands as points: near in language is not near in what can be done."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.grounded.marks import METHOD_COLOURS
from workbench.figures.grounded.wording import join, say_percent, show_text
from workbench.figures.live import LiveFigure
from workbench.figures.theme import PALETTE, TEMPLATE


def draw_points(
    commands: tuple[str, ...],
    points: np.ndarray,
    affordance: np.ndarray,
    path: tuple[int, ...],
    saycan: int | None,
) -> LiveFigure:
    """Embeddings of the commands in two dimensions, coloured by what the scene allows.

    Args:
        commands: m texts.
        points: ``(m, 2)`` place of each.
        affordance: ``(m,)`` in [0, 1].
        path: commands that the grounded plan chose, in order.
        saycan: the command that SayCan chooses first; ``None`` when unknown.
    """
    able = affordance >= 0.5
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
    chosen = list(path)
    if chosen:
        figure.add_scatter(
            x=points[chosen, 0],
            y=points[chosen, 1],
            mode="lines+markers+text",
            name="grounded plan",
            line={"color": METHOD_COLOURS["greedy"], "width": 2},
            marker={"color": METHOD_COLOURS["greedy"], "size": 13},
            text=[str(i + 1) for i in range(len(chosen))],
            textposition="top center",
            hovertext=[show_text(commands[i], 90) for i in chosen],
            hovertemplate="%{hovertext}<extra></extra>",
        )
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
    figure.update_layout(template=TEMPLATE, height=520, margin={"t": 56, "l": 24, "r": 24, "b": 44})
    figure.update_xaxes(title_text="first direction of the embeddings", showticklabels=False)
    figure.update_yaxes(title_text="", showticklabels=False)
    like = _neighbours_alike(points, able)
    words = join(
        [
            f"{int(able.sum())} of {len(commands)} commands can be done in this scene.",
            f"The nearest neighbour of one of them can be done too in {say_percent(like)} of "
            f"cases; by chance it would be {say_percent(_chance(able))}."
            if 1 < able.sum() < len(able)
            else "",
            "Distances are between sentence embeddings, drawn in their two widest directions: "
            "what words mean does not tell what the scene allows.",
        ]
    )
    return LiveFigure(figure, words=words)


def _neighbours_alike(points: np.ndarray, able: np.ndarray) -> float:
    """Share of the possible commands whose nearest other point is possible too."""
    at = np.flatnonzero(able)
    if not len(at):
        return 0.0
    distance = np.linalg.norm(points[at, None] - points[None], axis=-1)
    distance[np.arange(len(at)), at] = np.inf
    return float(able[distance.argmin(axis=1)].mean())


def _chance(able: np.ndarray) -> float:
    return float((able.sum() - 1) / (len(able) - 1))
