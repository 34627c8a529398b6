"""Scenes that a person composes: which thing stands where, and how large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.data.emoji.streams import stream
from workbench.data.scenes.scene import Scene, Thing, World, ground, paint
from workbench.errors import UnknownNameError


@dataclass(frozen=True)
class Put:
    """A thing and the middle of its drawing, in fractions of the side from left and top."""

    name: str
    x: float
    y: float


def compose(world: World, things: Sequence[Put], size: float, seed: int) -> Scene:
    """A scene of chosen things, each moved inside the picture as far as it must be.

    Args:
        world: says which things there are, and how large the picture is.
        things: in the order they are drawn; later ones lie in front.
        size: side of each drawing, as a share of the picture's.
        seed: of the ground, which is drawn as in every scene.

    Raises:
        UnknownNameError: a thing that the world does not have.
    """
    side = world.side_px
    picture = ground(stream("composed scene", side, seed), side)
    size_px = max(2, min(side, round(size * side)))
    drawn: list[Thing] = []
    for put in things:
        if put.name not in world.names:
            raise UnknownNameError.of("thing", put.name, world.names)
        left, top = (
            min(max(round(middle * side - size_px / 2), 0), side - size_px)
            for middle in (put.x, put.y)
        )
        thing = Thing(world.names.index(put.name), put.name, size_px, left, top, side)
        paint(picture, thing)
        drawn.append(thing)
    return Scene((picture.clip(0, 1) * 255).round().astype(np.uint8), tuple(drawn))
