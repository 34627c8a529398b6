"""A state of a world as marks on a unit square, and several states as frames of one trace."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import Slot
from workbench.figures.theme import PALETTE
from workbench.methods.grounded.worlds import grid, kitchen
from workbench.methods.grounded.worlds.grid import GridWorld
from workbench.methods.grounded.worlds.kitchen import Kitchen
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.vocabulary import (
    BLOCKS,
    BOWLS,
    BOXES,
    COLOURS,
    FOOD,
    PLACES,
    colour_of,
    find_domain,
)
from workbench.methods.grounded.worlds.world import World

OUTLINE = PALETTE["exact"]
LIFT = 0.024
"""How much higher a thing is drawn for everything below it."""
HEADINGS = ("triangle-right", "triangle-down", "triangle-left", "triangle-up")


class Mark(NamedTuple):
    """One thing as it is drawn: middle, shape, fill, size in pixels, text in it, name."""

    x: float
    y: float
    symbol: str
    colour: str
    size_px: float
    text: str
    name: str


def marks_of(world: World, side_px: float = 330.0) -> list[Mark]:
    """Everything in a state, what lies lowest first.

    Args:
        world: a state of any of the worlds.
        side_px: length of the square's side on the page.
    """
    match world:
        case Tabletop():
            return _table(world, side_px)
        case GridWorld():
            return _maze(world, side_px)
        case Kitchen():
            return _kitchen(world)
        case _:
            return []


def _table(world: Tabletop, side_px: float) -> list[Mark]:
    places = [
        Mark(x, y, "square", "rgba(143,138,127,0.16)", side_px * 0.12, "", name)
        for name, (x, y) in PLACES.items()
        if name in find_domain(world.domain).places
    ]
    order = sorted(range(len(world.things)), key=lambda i: (world.level(i), i))
    things = []
    for number in order:
        thing = world.things[number]
        symbol, colour, share, text = _look(thing.name)
        below = world.name_below(thing)
        said = f"{thing.name}, on the {below}" if below else thing.name
        spread = _spread(world, number)
        y = thing.y + LIFT * world.level(number)
        things.append(Mark(thing.x + spread, y, symbol, colour, share * side_px, text, said))
    return [*places, *things]


def _spread(world: Tabletop, number: int) -> float:
    """Things in one box stand beside each other."""
    below = world.things[number].on
    if not isinstance(below, int) or world.things[below].name not in BOXES:
        return 0.0
    beside = [i for i, thing in enumerate(world.things) if thing.on == below]
    return 0.045 * (beside.index(number) - 0.5 * (len(beside) - 1))


def _look(name: str) -> tuple[str, str, float, str]:
    """Shape, fill, size as a share of the side, and text of a thing of the table."""
    colour = COLOURS.get(colour_of(name), COLOURS["grey"])
    if name in BLOCKS:
        return "square", colour, 0.068, ""
    if name in BOWLS:
        return "circle-open", colour, 0.11, ""
    if name in BOXES:
        return "square-open", colour, 0.16, ""
    if name.startswith("letter "):
        return "square", COLOURS["white"], 0.075, f"<b>{name[-1]}</b>"
    fill = COLOURS["orange"] if name in FOOD else colour
    return "circle", fill, 0.055, html.escape(name)


def _maze(world: GridWorld, side_px: float) -> list[Mark]:
    kinds = world.cells[..., 0]
    inside = np.argwhere(kinds != 1)
    (left, top), (right, bottom) = inside.min(axis=0), inside.max(axis=0)
    count = int(max(right - left, bottom - top)) + 1
    cell_px = side_px / count

    def place(x: float, y: float) -> tuple[float, float]:
        return (x - left + 0.5) / count, 1.0 - (y - top + 0.5) / count

    marks = []
    for x, y in inside:
        kind, colour, state = (int(number) for number in world.cells[x, y])
        if kind == grid.WALL:
            look = ("square", "rgba(143,138,127,0.45)", 1.0, "", "wall")
        elif kind in grid.KINDS:
            look = _maze_thing(grid.KINDS[kind], grid.COLOURS[colour], state)
        else:
            continue
        symbol, fill, share, text, name = look
        marks.append(Mark(*place(x, y), symbol, fill, share * cell_px, text, name))
    x, y, heading = world.pose
    held = f", carrying the {' '.join(world.carried)}" if world.carried else ""
    agent = (HEADINGS[heading], PALETTE["danger"], 0.75 * cell_px, "", f"robot{held}")
    return [*marks, Mark(*place(x, y), *agent)]


def _maze_thing(kind: str, colour: str, state: int) -> tuple[str, str, float, str, str]:
    name = f"{colour} {kind}"
    if kind == "door":
        symbol = "square-open" if state == grid.OPEN else "square"
        said = ("open", "closed", "locked")[state]
        return symbol, COLOURS[colour], 0.9, "×" if state == grid.LOCKED else "", f"{name}, {said}"
    symbol = {"key": "diamond", "ball": "circle", "box": "square-open", "goal": "star"}[kind]
    return symbol, COLOURS[colour], 0.7, "", name if kind != "goal" else "goal"


def _kitchen(world: Kitchen) -> list[Mark]:
    columns = {
        place: (i + 0.5) / len(kitchen.LOCATIONS) for i, place in enumerate(kitchen.LOCATIONS)
    }
    marks = [
        Mark(x, 0.08, "line-ew-open", OUTLINE, 60, place, f"{place}, a place")
        for place, x in columns.items()
    ]
    rows = dict.fromkeys(columns, 0)
    for item, place in world.places:
        rows[place] += 1
        y = 0.06 + 0.125 * rows[place]
        ring = PALETTE["green"] if item == world.beside else COLOURS["orange"]
        marks.append(Mark(columns[place], y, "circle", ring, 16, item, f"{item}, {place}"))
    held = f" · {world.held}" if world.held else ""
    said = f"robot at the {world.at}{held}"
    robot = Mark(
        columns[world.at], 0.93, "triangle-down", PALETTE["danger"], 22, f"robot{held}", said
    )
    return [*marks, robot]


def add_scene(
    figure: go.Figure,
    frames: Sequence[World],
    axis: str,
    *,
    col: int = 1,
    side_px: float = 330.0,
    order: Sequence[int] | None = None,
) -> list[Slot]:
    """Add states as marks that move with a live parameter; what never moves is drawn once.

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
    shared = set(drawn[0]).intersection(*drawn)
    still = [mark for mark in drawn[0] if mark in shared and not _is_lying(mark, frames)]
    order = list(range(len(frames))) if order is None else list(order)
    if len(order) < 2:
        still = drawn[0]
    moving = [[mark for mark in marks if mark not in still] for marks in drawn]
    most = max(map(len, moving))
    moving = [marks + [_NOTHING] * (most - len(marks)) for marks in moving]
    is_letters = isinstance(frames[0], Tabletop) and frames[0].domain == "letters"
    if isinstance(frames[0], Tabletop):
        _add_edge(figure, col)
    number = _add_marks(figure, still, col, is_letters)
    hide = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-0.04, 1.04], constrain="domain", row=1, col=col, **hide)
    anchor = figure.to_plotly_json()["data"][number].get("xaxis", "x")
    figure.update_yaxes(
        range=[-0.04, 1.04], scaleanchor=anchor, constrain="domain", row=1, col=col, **hide
    )
    if not most or len(order) < 2:
        return []
    picked = [moving[i] for i in order]
    number = _add_marks(figure, picked[0], col, is_letters)
    return [
        Slot(f"data[{number}].x", (axis,), np.array([[m.x for m in f] for f in picked])),
        Slot(f"data[{number}].y", (axis,), np.array([[m.y for m in f] for f in picked])),
        *(
            Slot(f"data[{number}].{path}", (axis,), [[take(m) for m in f] for f in picked])
            for path, take in _PARTS.items()
            if any([take(m) for m in f] != [take(m) for m in picked[0]] for f in picked)
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


def _is_lying(mark: Mark, frames: Sequence[World]) -> bool:
    """Whether a mark must be drawn after what moves: blocks and letters, not bowls and places."""
    return isinstance(frames[0], Tabletop) and not (
        mark.symbol.endswith("-open") or mark.colour.startswith("rgba")
    )


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
