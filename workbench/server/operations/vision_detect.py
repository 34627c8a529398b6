"""``vision.detect`` and ``vision.ceilings``: many instructions on many scenes, and what is lost.

Where ``vision.decode`` lays a few pictures open, this one answers thousands and keeps the boxes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from workbench.data.scenes.scene import World
from workbench.errors import InputError
from workbench.methods.visionllm.ceilings import contour_ceiling
from workbench.methods.visionllm.decoding import check_reach, decode
from workbench.methods.visionllm.parsing import MOST_CHARACTERS, parse_instruction
from workbench.methods.visionllm.task import SET_KINDS, Task
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse, preparing

MAX_INSTRUCTIONS = 64
MAX_SCENES = 512
MAX_ANSWERS = 16_384
"""Instructions times scenes of one request."""
AT_ONCE = 32


class Stretch(Base):
    """Some scenes in a row; ``World`` says what each means."""

    split: Annotated[str, Field(min_length=1, max_length=40)] = "test"
    start: Annotated[int, Field(ge=0, le=10**9)] = 0
    count: Annotated[int, Field(ge=1, le=MAX_SCENES)] = 100
    classes: Annotated[int, Field(ge=1, le=108)] = 16
    side_px: Annotated[int, Field(ge=32, le=256)] = 64

    def world(self, seed: int | None) -> World:
        """The world they are from."""
        return World(classes=self.classes, side_px=self.side_px, seed=seed or 0)


Instruction = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]


class DetectArguments(Stretch):
    """Scenes, and instructions that are each carried out on all of them.

    ``use_language``: look at the picture with the prompt in mind. ``with_attention``: also say
    where the class slot looked.
    """

    instructions: Annotated[list[Instruction], Field(min_length=1, max_length=MAX_INSTRUCTIONS)]
    use_language: bool = True
    with_attention: bool = False


class CeilingArguments(Stretch):
    """Scenes, numbers of points, and how the points are chosen."""

    points: Annotated[list[Annotated[int, Field(ge=3, le=64)]], Field(min_length=1, max_length=32)]
    contour: Literal["radial", "edge"] = "radial"


def prepare_detect(request: Request) -> Prepared:
    """Check a request: instructions that parse and ask for things in places."""
    arguments = parse(DetectArguments, request)
    if len(arguments.instructions) * arguments.count > MAX_ANSWERS:
        raise InputError(
            f"{len(arguments.instructions)} instructions on {arguments.count} scenes; "
            f"at most {MAX_ANSWERS:,} answers are given at once."
        )
    tasks = [parse_instruction(one) for one in arguments.instructions]
    for task in tasks:
        if task.kind not in SET_KINDS:
            raise InputError(f"A {task.kind} is answered by text; it has no boxes.")
    return Prepared((tasks, arguments), seed=request.seed)


def detect(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Carry out the instructions of one request."""
    tasks, arguments = item.arguments
    return _detect(loaded.model, tasks, arguments, item.seed, Reporter(control, number))


class Reporter:
    """Tells the people who wait for one item how far it is."""

    def __init__(self, control: Control, item: int) -> None:
        self._control = control
        self._item = item

    def step(self, done: int, of: int) -> None:
        """One more piece of work begins."""
        self._control.check()
        self._control.progress(self._item, done / of, f"{done} of {of} instructions")


def _detect(
    network: Any,
    tasks: list[Task],
    arguments: DetectArguments,
    seed: int | None,
    reporter: Reporter,
) -> Output:
    from workbench.training.visionllm.inference import fit_picture

    for task in tasks:
        check_reach(task, network.shape.reach)
    world = arguments.world(seed)
    scenes = world.scenes(arguments.split, arguments.count, arguments.start)
    pictures = np.stack([fit_picture(one.picture, network.shape.side_px) for one in scenes])
    rows: list[dict[str, np.ndarray]] = []
    for number, task in enumerate(tasks):
        reporter.step(number, len(tasks))
        rows.append(_answer(network, pictures, task, arguments))
    room = max(len(task.entries) for task in tasks)
    if arguments.with_attention:
        for row in rows:
            missing = room - row["class_attention"].shape[-1]
            row["class_attention"] = np.pad(row["class_attention"], [(0, 0)] * 4 + [(0, missing)])
    return Output(
        {name: np.stack([row[name] for row in rows]) for name in rows[0]},
        {"reach": network.shape.reach, "tokens": network.shape.tokens},
    )


def _answer(
    network: Any, pictures: np.ndarray, task: Task, arguments: DetectArguments
) -> dict[str, np.ndarray]:
    """One instruction on all pictures: n answers of M candidates, the surest first."""
    from workbench.training.visionllm import inference

    options = inference.Options(use_language=arguments.use_language)
    found: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(pictures), AT_ONCE):
        part = pictures[start : start + AT_ONCE]
        tasks = [task] * len(part)
        seen = inference.look(network, part, tasks, options)
        slots = inference.read_slots(
            network, seen, tasks, inference.states_of(network, seen, task, options)
        )
        attention = None
        if arguments.with_attention:
            attention = network.class_attention(seen, task.points).float().cpu().numpy()
        for place, one in enumerate(slots):
            answer = decode(one, task)
            kept = {
                "entries": answer.entries.astype(np.int16),
                "scores": answer.scores.astype(np.float32),
                "objectness": one.objectness[answer.candidates],
                "centres": one.centres[answer.candidates],
                "boxes": answer.boxes.astype(np.float32),
            }
            if attention is not None:
                kept["class_attention"] = attention[place][:, :, answer.candidates]
            for name, value in kept.items():
                found.setdefault(name, []).append(value)
    return {name: np.stack(values) for name, values in found.items()}


def measure_ceilings(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Write masks as polygons and measure what is left of them."""
    del loaded
    arguments: CeilingArguments = item.arguments
    world = arguments.world(item.seed)
    scenes = list(world.scenes(arguments.split, arguments.count, arguments.start))
    things = [thing for scene in scenes for thing in scene.things]
    masks = [thing.mask for thing in things]
    overlaps: list[np.ndarray] = []
    for done, points in enumerate(arguments.points):
        Reporter(control, number).step(done, len(arguments.points))
        contours = [thing.contour(points, arguments.contour) for thing in things]
        overlaps.append(contour_ceiling(masks, contours))
    labels = np.array([thing.label for thing in things], dtype=np.int16)
    arrays = {"overlaps": np.stack(overlaps).astype(np.float32), "labels": labels}
    return Output(arrays, {"class_names": list(world.names)})


DETECT = Operation(
    name="vision.detect",
    version=1,
    kinds=frozenset({"visionllm"}),
    prepare=prepare_detect,
    run=one_by_one(detect),
    summary="Instructions in words carried out on many scenes: classes, scores and boxes.",
)
CEILINGS = Operation(
    name="vision.ceilings",
    version=1,
    kinds=frozenset(),
    prepare=preparing(CeilingArguments),
    run=one_by_one(measure_ceilings),
    summary="Overlap of the masks of scenes with the polygons of N points that stand for them.",
)
