"""A state of a world as marks on a unit square."""

from __future__ import annotations

import html
from typing import NamedTuple

import numpy as np

from workbench.figures.theme import PALETTE
from workbench.methods.grounded.worlds import grid, kitchen
from workbench.methods.grounded.worlds.grid import GridWorld
from workbench.methods.grounded.worlds.grid_search import Pose
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


def marks_of(
    world: World, side_px: float = 330.0, *, held: int | None = None, pose: Pose | None = None
) -> list[Mark]:
    """Everything in a state, what lies lowest first.

    Args:
        world: a state of any of the worlds.
        side_px: length of the square's side on the page.
        held: number of the thing of a table that is in the hand, drawn over all others.
        pose: where to draw the robot of a maze; where it is if None.
    """
    match world:
        case Tabletop():
            return _table(world, side_px, held)
        case GridWorld():
            return _maze(world, side_px, pose or world.pose)
        case Kitchen():
            return _kitchen(world)
        case _:
            return []


def _table(world: Tabletop, side_px: float, held: int | None) -> list[Mark]:
    places = [
        Mark(x, y, "square", "rgba(143,138,127,0.16)", side_px * 0.12, "", name)
        for name, (x, y) in PLACES.items()
        if name in find_domain(world.domain).places
    ]
    order = sorted(range(len(world.things)), key=lambda i: (i == held, world.level(i), i))
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


def _maze(world: GridWorld, side_px: float, pose: Pose) -> list[Mark]:
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
    x, y, heading = pose
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
