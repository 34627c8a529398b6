"""A scene as the value of a ``Board``: what is dropped on another piece lies on it.

The later of two pieces that touch lies on the earlier one's stack; a piece near a corner or on a
tray is put there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.composed import Piece, placed
from workbench.errors import InputError
from workbench.methods.grounded.worlds.tabletop import Tabletop, Thing
from workbench.methods.grounded.worlds.vocabulary import (
    COLOURS,
    FOOD,
    PLACES,
    ROOM,
    colour_of,
    find_domain,
)

TOUCH = 0.07
"""Pieces whose middles are nearer than this lie on each other."""
REACH: Mapping[str, float] = {"corner": 0.12, "side": 0.1, "square": 0.07, "tray": 0.1}
"""How near to its middle counts as in a place, by the last word of its name."""


def pieces_of(domain: str) -> tuple[Piece, ...]:
    """What can be put on the board of a domain: everything that may stand in its scenes."""
    return tuple(draw_piece(name) for name in find_domain(domain).things)


def draw_piece(name: str) -> Piece:
    """How a thing is drawn: blocks as squares, bowls as rings, boxes as large squares."""
    kind = name.split()[-1]
    colour = COLOURS.get(colour_of(name), COLOURS["grey"])
    if kind in ("block", "box"):
        return Piece(name, colour, "square")
    if kind == "bowl":
        return Piece(name, colour, "ring")
    if name.startswith("letter "):
        return Piece(name, COLOURS["white"], "square", kind)
    if name in FOOD:
        return Piece(name, COLOURS["orange"], "circle", kind[:2])
    return Piece(name, colour, "circle", kind[:2])


def world_of(value: str, domain: str, reliability: float = 1.0) -> Tabletop:
    """The scene on a board.

    Args:
        value: text of a ``Board`` parameter.
        domain: kind of scene.
        reliability: how often the hand succeeds.

    Raises:
        InputError: a part that cannot be read, or a piece that is not of the domain.
    """
    known, places = find_domain(domain).things, find_domain(domain).places
    things: list[Thing] = []
    load: dict[int | str, int] = {}
    for piece in placed(value):
        if piece.piece not in known:
            raise InputError(
                f"A scene of {domain} has no {piece.piece[:40]!r}; choose among its own pieces."
            )
        on = _below(piece.x, piece.y, things, load) if piece.piece not in ROOM else None
        if on is None:
            on = next((p for p in places if _is_in(piece.x, piece.y, p)), None)
        x, y = (things[on].x, things[on].y) if isinstance(on, int) else (piece.x, piece.y)
        if on is not None:
            load[on] = load.get(on, 0) + 1
        things.append(Thing(piece.piece, x, y, on))
    return Tabletop(domain, tuple(things), reliability)


def value_of(world: Tabletop) -> str:
    """The text of a ``Board`` that shows a scene; ``world_of`` reads it back.

    What lies on something is written after it.
    """
    order = sorted(range(len(world.things)), key=lambda i: (world.level(i), i))
    parts = (world.things[i] for i in order)
    return "; ".join(f"{t.name}@{t.x:.3f},{t.y:.3f}" for t in parts)


def _below(x: float, y: float, things: list[Thing], load: dict[int | str, int]) -> int | None:
    """The highest thing here that has room, the last put first."""
    for number in range(len(things) - 1, -1, -1):
        thing = things[number]
        near = np.hypot(thing.x - x, thing.y - y) < TOUCH
        if near and load.get(number, 0) < ROOM.get(thing.name, 1):
            return number
    return None


def _is_in(x: float, y: float, place: str) -> bool:
    where = PLACES[place]
    return bool(np.hypot(where[0] - x, where[1] - y) < REACH[place.split()[-1]])
