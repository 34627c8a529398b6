"""``grounded.records``: the shipped episodes of grounded decoding."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from workbench.data.grounded import read_records
from workbench.errors import InputError
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import preparing


class Arguments(Base):
    """Which world; ``digest`` is the SHA-256 its file must have, so that answers can be kept."""

    world: Annotated[str, Field(pattern="^[a-z]{1,20}$")]
    digest: str


def give_records(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Give the records as their file has them.

    Returns:
        Values: ``records``, one for each episode; ``receipt``, how they were measured.
    """
    del loaded, number, control
    rows, header, found = read_records(item.arguments.world)
    if found != item.arguments.digest:
        raise InputError(
            "The measured episodes of this server are another version than the page's; install "
            "both from the same release."
        )
    return Output(values={"records": list(rows), "receipt": header})


OPERATION = Operation(
    name="grounded.records",
    version=1,
    kinds=frozenset(),
    prepare=preparing(Arguments),
    run=one_by_one(give_records),
    summary="Measured episodes of grounded decoding, by task, scene and method.",
)
