"""``teaching.hub_rows``: rows of a published question set, fetched where the server is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.data.teaching.hub import fetch_rows
from workbench.errors import OutsideError, WorkbenchError
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import preparing
from workbench.settings import load_settings

MAXIMUM_ROWS = 2_000


class Arguments(Base):
    """Which rows."""

    task: Literal["strategyqa", "strategyqa_facts", "ecqa", "gsm8k"]
    split: Literal["train", "test"]
    count: Annotated[int, Field(ge=1, le=MAXIMUM_ROWS)]


def fetch(loaded: Any, item: Prepared, number: int, control: Control) -> Output | WorkbenchError:
    """Fetch for one request.

    Returns:
        Values: ``rows``, in the set's own field names, and ``revision``, the hub's commit.
    """
    del loaded, number
    if load_settings().offline:
        return OutsideError(
            "The published sets are on the hub and downloads are off; unset WORKBENCH_OFFLINE, "
            "or send the set as a file."
        )
    asked: Arguments = item.arguments
    found = fetch_rows(asked.task, asked.split, asked.count, check=control.check)
    return Output(values={"rows": [dict(row) for row in found.rows], "revision": found.revision})


OPERATION = Operation(
    name="teaching.hub_rows",
    version=1,
    kinds=frozenset(),
    prepare=preparing(Arguments),
    run=one_by_one(fetch),
    summary="Rows of StrategyQA, ECQA or GSM8K from the Hugging Face hub.",
)
