"""``vision.decode`` and ``vision.scenes``: instructions carried out on pictures, and pictures.

Wang et al. 2023, arXiv:2305.11175. Everything a page may want to lay open comes back: the
distribution of every slot, the centres of the tokens, and where the class slot looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.data.scenes.scene import Scene, World
from workbench.data.scenes.sentences import express, write_caption
from workbench.errors import InputError
from workbench.methods.visionllm.decoding import check_reach
from workbench.methods.visionllm.formats import BOX_POINTS, template
from workbench.methods.visionllm.parsing import MOST_CHARACTERS, parse_instruction
from workbench.methods.visionllm.task import SET_KINDS
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse, preparing
from workbench.server.operations.clip_embed import check_images

MAX_PICTURES = 64
MAX_SCENES = 512


class DecodeArguments(Base):
    """The instruction, and what may be switched.

    ``use_language``: look at the picture with the prompt in mind. ``inside_tuple``: slots of a
    candidate see each other. ``one_by_one``: slot after slot instead of all at once.
    """

    instruction: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
    use_language: bool = True
    inside_tuple: bool = True
    one_by_one: bool = False


class SceneArguments(Base):
    """Which scenes: ``World`` says what each means; ``points`` of the contours."""

    split: Annotated[str, Field(min_length=1, max_length=40)] = "test"
    start: Annotated[int, Field(ge=0, le=10**9)] = 0
    count: Annotated[int, Field(ge=1, le=MAX_SCENES)] = 16
    classes: Annotated[int, Field(ge=1, le=108)] = 16
    side_px: Annotated[int, Field(ge=32, le=256)] = 64
    points: Annotated[int, Field(ge=BOX_POINTS, le=64)] = 24


def prepare_decode(request: Request) -> Prepared:
    """Check a request: ``images`` ``(n, h, w, 3)`` uint8 and an instruction that parses."""
    arguments = parse(DecodeArguments, request, arrays=("images",))
    images = check_images(request)
    if len(images) > MAX_PICTURES:
        raise InputError(f"{request.operation}: give 1 to {MAX_PICTURES} pictures.")
    return Prepared((parse_instruction(arguments.instruction), images, arguments))


def decode(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Carry out the instruction of one request."""
    from workbench.training.visionllm import inference

    del number, control
    network = loaded.model
    task, images, arguments = item.arguments
    options = inference.Options(
        arguments.use_language, arguments.inside_tuple, arguments.one_by_one
    )
    side = network.shape.side_px
    pictures = np.stack([inference.fit_picture(one, side) for one in images])
    tasks = [task] * len(pictures)
    if task.kind not in SET_KINDS:
        written = inference.write_texts(network, pictures, tasks, options)
        probabilities = np.zeros((len(written), network.shape.text_tokens), dtype=np.float32)
        for row, one in enumerate(written):
            probabilities[row, : len(one.probabilities)] = one.probabilities
        values = {"kind": task.kind, "texts": [one.text for one in written]}
        return Output({"word_probabilities": probabilities}, values)
    check_reach(task, network.shape.reach)
    seen = inference.look(network, pictures, tasks, options)
    states = inference.states_of(network, seen, task, options)
    slots = inference.read_slots(network, seen, tasks, states)
    attention = network.class_attention(seen, task.points, inside_tuple=options.inside_tuple)
    names = ("objectness", "centres", "class_probabilities", "location_probabilities")
    passes = network.shape.tokens * len(task.slots) if options.one_by_one else 1
    return Output(
        {
            **{name: np.stack([getattr(one, name) for one in slots]) for name in names},
            "class_attention": attention.float().cpu().numpy(),
        },
        {
            "kind": task.kind,
            "names": list(task.names),
            "class_tokens": [entry.token for entry in task.entries],
            "template": template(task.slots),
            "reach": network.shape.reach,
            "passes": passes,
        },
    )


def draw_scenes(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Boxes, labels and contours stand one after another; ``scene_of`` says whose each is."""
    del loaded, number, control
    arguments: SceneArguments = item.arguments
    world = World(classes=arguments.classes, side_px=arguments.side_px, seed=item.seed or 0)
    scenes = list(world.scenes(arguments.split, arguments.count, arguments.start))
    return describe_scenes(scenes, world, arguments.points)


def describe_scenes(scenes: Sequence[Scene], world: World, points: int) -> Output:
    """Everything that is known of some scenes, as ``vision.scenes`` answers it."""
    things = [thing for scene in scenes for thing in scene.things]
    counts = [len(scene.things) for scene in scenes]
    return Output(
        {
            "images": np.stack([scene.picture for scene in scenes]),
            "scene_of": np.repeat(np.arange(len(scenes)), counts),
            "labels": np.array([thing.label for thing in things], dtype=np.int64),
            "boxes": np.array([thing.box for thing in things]),
            "contours": np.array([thing.contour(points) for thing in things]),
        },
        {
            "class_names": list(world.names),
            "captions": [write_caption(scene) for scene in scenes],
            "long_captions": [write_caption(scene, is_long=True) for scene in scenes],
            "expressions": [
                [{"text": one.text, "thing": one.thing} for one in express(scene)]
                for scene in scenes
            ],
        },
    )


DECODE = Operation(
    name="vision.decode",
    version=1,
    kinds=frozenset({"visionllm"}),
    prepare=prepare_decode,
    run=one_by_one(decode),
    max_batch_items=8,
    max_batch_cost=8,
    summary="A vision task in words carried out on pictures: every slot's distribution, or a text.",
)
SCENES = Operation(
    name="vision.scenes",
    version=1,
    kinds=frozenset(),
    prepare=preparing(SceneArguments),
    run=one_by_one(draw_scenes),
    max_batch_items=16,
    max_batch_cost=16,
    summary="Scenes of drawn emoji with boxes, contours, captions and expressions.",
)
