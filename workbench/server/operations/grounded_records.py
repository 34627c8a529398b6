"""``grounded.records``: the shipped episodes of grounded decoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from workbench.data.grounded import read_records
from workbench.errors import InputError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse


class Arguments(Base):
    """Which world; ``digest`` is the SHA-256 its file must have, so that answers can be kept."""

    world: Annotated[str, Field(pattern="^[a-z]{1,20}$")]
    digest: str


def prepare(request: Request) -> Prepared:
    """Check which world is asked for."""
    return Prepared(parse(Arguments, request))


def run(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Give the records as their file has them.

    Returns:
        Values: ``records``, one for each episode; ``receipt``, how they were measured.
    """
    del loaded, control, device
    outcomes: list[Output | WorkbenchError] = []
    for item in items:
        rows, header, found = read_records(item.arguments.world)
        if found != item.arguments.digest:
            outcomes.append(
                InputError(
                    "The measured episodes of this server are another version than the page's; "
                    "install both from the same release."
                )
            )
        else:
            outcomes.append(Output(values={"records": list(rows), "receipt": header}))
    return outcomes


OPERATION = Operation(
    name="grounded.records",
    version=1,
    kinds=frozenset(),
    prepare=prepare,
    run=run,
    summary="Measured episodes of grounded decoding, by task, scene and method.",
)
