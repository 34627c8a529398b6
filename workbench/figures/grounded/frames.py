"""Several states of a world as frames of one trace, and what never moves drawn once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.grounded.scene import OUTLINE, Mark, marks_of
from workbench.figures.live import Slot
from workbench.figures.theme import PALETTE
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.world import World


def add_scene(
    figure: go.Figure,
    frames: Sequence[World],
    axis: str,
    *,
    col: int = 1,
    side_px: float = 330.0,
    order: Sequence[int] | None = None,
) -> list[Slot]:
    """Add states as marks that move with a live parameter.

    Args:
        figure: with a subplot in row 1 at ``col``.
        frames: the states, at least one.
        axis: name of the live parameter; with one frame and no ``order`` nothing moves.
        col: of the subplot.
        side_px: length of the square's side on the page.
        order: number of the frame at each position of the parameter; each frame once if None.

    Returns:
        The slots of the trace that moves.
    """
    drawn = [marks_of(world, side_px) for world in frames]
    picked = drawn if order is None else [drawn[i] for i in order]
    return add_frames(figure, picked, frames[0], axis, col=col)


def add_frames(
    figure: go.Figure,
    drawn: Sequence[Sequence[Mark]],
    world: World,
    axis: str,
    *,
    col: int = 1,
) -> list[Slot]:
    """Add marks at every position of a live parameter; what never moves is drawn once.

    Args:
        figure: with a subplot in row 1 at ``col``.
        drawn: the marks of each position, at least one.
        world: a state of the world that they are of.
        axis: name of the live parameter.
        col: of the subplot.

    Returns:
        The slots of the trace that moves.
    """
    is_table = isinstance(world, Tabletop)
    shared = set(drawn[0]).intersection(*drawn)
    still = [mark for mark in drawn[0] if mark in shared and not (is_table and _is_lying(mark))]
    if len(drawn) < 2:
        still = list(drawn[0])
    moving = [[mark for mark in marks if mark not in still] for marks in drawn]
    most = max(map(len, moving))
    moving = [marks + [_NOTHING] * (most - len(marks)) for marks in moving]
    is_letters = isinstance(world, Tabletop) and world.domain == "letters"
    if is_table:
        _add_edge(figure, col)
    number = _add_marks(figure, still, col, is_letters)
    hide = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-0.04, 1.04], constrain="domain", row=1, col=col, **hide)
    anchor = figure.to_plotly_json()["data"][number].get("xaxis", "x")
    figure.update_yaxes(
        range=[-0.04, 1.04], scaleanchor=anchor, constrain="domain", row=1, col=col, **hide
    )
    if not most or len(drawn) < 2:
        return []
    number = _add_marks(figure, moving[0], col, is_letters)
    return [
        Slot(f"data[{number}].x", (axis,), np.array([[m.x for m in f] for f in moving])),
        Slot(f"data[{number}].y", (axis,), np.array([[m.y for m in f] for f in moving])),
        *(
            Slot(f"data[{number}].{path}", (axis,), [[take(m) for m in f] for f in moving])
            for path, take in _PARTS.items()
            if any([take(m) for m in f] != [take(m) for m in moving[0]] for f in moving)
        ),
    ]


def _add_edge(figure: go.Figure, col: int) -> None:
    """The edge of the table."""
    figure.add_scatter(
        x=[0, 1, 1, 0, 0],
        y=[0, 0, 1, 1, 0],
        mode="lines",
        line={"color": PALETTE["grid"], "width": 1},
        hoverinfo="skip",
        showlegend=False,
        row=1,
        col=col,
    )


_NOTHING = Mark(np.nan, np.nan, "circle", "rgba(0,0,0,0)", 1.0, "", "")


def _is_lying(mark: Mark) -> bool:
    """Whether a mark must be drawn after what moves: blocks and letters, not bowls and places."""
    return not (mark.symbol.endswith("-open") or mark.colour.startswith("rgba"))


def _add_marks(figure: go.Figure, marks: Sequence[Mark], col: int, is_letters: bool) -> int:
    number = len(list(figure.data))
    places = ["bottom center" if m.symbol.startswith("line") else "top center" for m in marks]
    figure.add_scatter(
        x=[m.x for m in marks],
        y=[m.y for m in marks],
        text=[m.text for m in marks],
        hovertext=[m.name for m in marks],
        hovertemplate="%{hovertext}<extra></extra>",
        mode="markers+text",
        textposition="middle center" if is_letters else places,
        textfont={"size": 15, "color": "#22262c"} if is_letters else {"size": 12},
        cliponaxis=False,
        marker={
            "symbol": [m.symbol for m in marks],
            "color": [m.colour for m in marks],
            "size": [m.size_px for m in marks],
            "opacity": 1,
            "line": {
                "width": [_outline(m) for m in marks],
                "color": [_edge(m) for m in marks],
            },
        },
        showlegend=False,
        row=1,
        col=col,
    )
    return number


_PARTS: Mapping[str, Callable[[Mark], Any]] = {
    "text": lambda m: m.text,
    "hovertext": lambda m: m.name,
    "marker.symbol": lambda m: m.symbol,
    "marker.color": lambda m: m.colour,
    "marker.size": lambda m: m.size_px,
    "marker.line.color": lambda m: _edge(m),
    "marker.line.width": lambda m: _outline(m),
}


def _outline(mark: Mark) -> float:
    """Bowls and boxes are all rim, so theirs is wide; walls and places have none."""
    if mark.colour.startswith("rgba"):
        return 0.0
    return 5.0 if mark.symbol.endswith("-open") else 1.2


def _edge(mark: Mark) -> str:
    return mark.colour if mark.symbol.endswith("-open") else OUTLINE
