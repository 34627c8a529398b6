"""``teaching.hub_rows``: rows of a published question set, fetched where the server is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.data.teaching.hub import fetch_rows
from workbench.errors import UnreachableError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.settings import load_settings

MAXIMUM_ROWS = 2_000


class Arguments(Base):
    """Which rows."""

    task: Literal["strategyqa", "ecqa", "gsm8k"]
    split: Literal["train", "test"]
    count: Annotated[int, Field(ge=1, le=MAXIMUM_ROWS)]


def prepare(request: Request) -> Prepared:
    """Check which rows are asked for."""
    return Prepared(parse(Arguments, request))


def run(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Fetch for each request.

    Returns:
        Values: ``rows``, in the set's own field names, and ``revision``, the hub's commit.
    """
    del loaded, device
    if load_settings().offline:
        return [
            UnreachableError(
                "The published sets are on the hub and downloads are off; unset WORKBENCH_OFFLINE, "
                "or send the set as a file."
            )
        ] * len(items)
    outcomes: list[Output | WorkbenchError] = []
    for item in items:
        asked: Arguments = item.arguments
        found = fetch_rows(asked.task, asked.split, asked.count, check=control.check)
        values = {"rows": [dict(row) for row in found.rows], "revision": found.revision}
        outcomes.append(Output(values=values))
    return outcomes


OPERATION = Operation(
    name="teaching.hub_rows",
    version=1,
    kinds=frozenset(),
    prepare=prepare,
    run=run,
    summary="Rows of StrategyQA, ECQA or GSM8K from the Hugging Face hub.",
)
