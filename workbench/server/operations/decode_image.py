"""``clip.decode_image``: a picture file somebody brings, as plain pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.data.images import decode_image
from workbench.errors import InputError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse


class Arguments(Base):
    """``size``: the longest side of the answer in pixels; 0 keeps the picture's own."""

    size: Annotated[int, Field(ge=0, le=4096)] = 0


def prepare(request: Request) -> Prepared:
    """Check a request: the array ``file`` ``(m,)`` uint8 holds the bytes."""
    arguments = parse(Arguments, request, arrays=("file",))
    file = request.arrays["file"]
    if file.dtype != np.uint8 or file.ndim != 1:
        raise InputError(f"{request.operation}: file must be the bytes of one picture.")
    return Prepared((file.tobytes(), arguments.size))


def run(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Decode the picture of each request."""
    del loaded, device
    outcomes: list[Output | WorkbenchError] = []
    for item in items:
        control.check()
        data, size = item.arguments
        try:
            picture = decode_image(data, longest_side=size)
        except InputError as error:  # this picture is refused; the others of the batch are not
            outcomes.append(error)
            continue
        values = {
            "width": picture.width,
            "height": picture.height,
            "format": picture.format,
        }
        outcomes.append(Output({"image": picture.pixels}, values))
    return outcomes


OPERATION = Operation(
    name="clip.decode_image",
    version=1,
    kinds=frozenset(),
    prepare=prepare,
    run=run,
    max_batch_items=8,
    max_batch_cost=8,
    summary="Pixels of a picture file, upright and on white, or the reason it is refused.",
)
