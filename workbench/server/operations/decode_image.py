"""``clip.decode_image``: a picture file somebody brings, as plain pixels."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.data.images import decode_image
from workbench.errors import InputError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
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


def decode(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Decode the picture of one request."""
    del loaded, number, control
    data, size = item.arguments
    picture = decode_image(data, longest_side=size)
    values = {"width": picture.width, "height": picture.height, "format": picture.format}
    return Output({"image": picture.pixels}, values)


run = one_by_one(decode)
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
