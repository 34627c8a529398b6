"""``vision.compose``: a scene of drawn emoji that somebody puts together."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from workbench.data.scenes.composing import Put, compose
from workbench.data.scenes.scene import World
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import preparing
from workbench.server.operations.vision import describe_scenes

MAX_THINGS = 9
"""As many as captions can count."""


class PutThing(BaseModel):
    """A thing and the middle of its drawing, in fractions of the side from left and top."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=40)]
    x: Annotated[float, Field(ge=0, le=1)]
    y: Annotated[float, Field(ge=0, le=1)]


class Arguments(Base):
    """``things``: the later in front; ``size``: of each drawing, as a share of the side."""

    things: Annotated[list[PutThing], Field(min_length=1, max_length=MAX_THINGS)]
    size: Annotated[float, Field(ge=0.1, le=0.6)] = 0.35
    classes: Annotated[int, Field(ge=1, le=108)] = 16
    side_px: Annotated[int, Field(ge=32, le=256)] = 64
    points: Annotated[int, Field(ge=2, le=64)] = 24


def compose_scene(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Draw the scene of one request."""
    del loaded, number, control
    arguments: Arguments = item.arguments
    world = World(classes=arguments.classes, side_px=arguments.side_px)
    things = [Put(one.name, one.x, one.y) for one in arguments.things]
    scene = compose(world, things, arguments.size, item.seed or 0)
    return describe_scenes([scene], world, arguments.points)


OPERATION = Operation(
    name="vision.compose",
    version=1,
    kinds=frozenset(),
    prepare=preparing(Arguments),
    run=one_by_one(compose_scene),
    max_batch_items=16,
    max_batch_cost=16,
    summary="A scene of drawn emoji in chosen places, with boxes, contours and sentences.",
)
