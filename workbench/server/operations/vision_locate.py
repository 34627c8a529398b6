"""``vision.locate``: an instruction carried out on pictures by a published model of another kind.

The instruction is the one that ``vision.decode`` takes; how a family is asked for it, and how its
answer is read, stands in ``locating``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import numpy as np
from PIL import Image
from pydantic import Field

from workbench.errors import InputError
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.hub import FAMILIES, OPERATION, refuse_task
from workbench.methods.visionllm.parsing import MOST_CHARACTERS, parse_instruction
from workbench.methods.visionllm.task import SET_KINDS, Task
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.server.operations.clip_embed import check_images
from workbench.server.operations.locating import florence2, grounding_dino, owlv2, qwen_vl
from workbench.server.operations.locating.found import Found
from workbench.server.operations.locating.writing import Watch

MAX_PICTURES = 16

_LOCATE: Final[dict[str, Callable[[Any, Task, Image.Image, Watch], Found]]] = {
    "florence2": florence2.locate,
    "grounding-dino": grounding_dino.locate,
    "owlv2": owlv2.locate,
    "qwen-vl": qwen_vl.locate,
}


class Arguments(Base):
    """The instruction, as ``vision.decode`` takes it."""

    instruction: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]


def prepare(request: Request) -> Prepared:
    """Check a request: ``images`` ``(n, h, w, 3)`` uint8 and an instruction that parses."""
    arguments = parse(Arguments, request, arrays=("images",))
    images = check_images(request)
    if len(images) > MAX_PICTURES:
        raise InputError(f"{request.operation}: give 1 to {MAX_PICTURES} pictures.")
    return Prepared((parse_instruction(arguments.instruction), images))


def locate(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Carry out the instruction of one request, picture after picture."""
    task, images = item.arguments
    refuse_task(loaded.kind, task, loaded.name)
    found: list[Found] = []
    for pixels in images:
        picture = Image.fromarray(pixels)  # in an array, sides of 1 or 3 pixels pass for channels
        found.append(_LOCATE[loaded.kind](loaded, task, picture, Watch(control, number)))
        control.progress(number, len(found) / len(images), f"{len(found)} of {len(images)}")
    return _output(loaded.kind, task, found)


def _output(kind: str, task: Task, found: list[Found]) -> Output:
    """Everything found in all pictures, one after another; ``picture_of`` says whose each is."""
    is_set = task.kind in SET_KINDS
    points = np.concatenate([one.points for one in found])
    return Output(
        {
            "boxes": np.concatenate([one.boxes for one in found]),
            "points": points.reshape(len(points), task.points if is_set else BOX_POINTS, 2),
            "scores": np.concatenate([one.scores for one in found]).astype(np.float32),
            "entries": np.concatenate([one.entries for one in found]),
            "picture_of": np.repeat(np.arange(len(found)), [len(one.scores) for one in found]),
        },
        {
            "kind": task.kind,
            "names": list(task.names),
            "family": kind,
            "texts": [] if is_set else [one.text for one in found],
            "said": [one.said for one in found],
            "notes": [list(one.notes) for one in found],
        },
    )


LOCATE = Operation(
    name=OPERATION,
    version=1,
    kinds=frozenset(FAMILIES),
    prepare=prepare,
    run=one_by_one(locate),
    summary="A vision task in words carried out on pictures by Florence-2, Grounding DINO, OWLv2 "
    "or Qwen2.5-VL: boxes or contours with scores, or a text.",
)
