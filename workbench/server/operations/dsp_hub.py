"""``dsp.hub_rows``: rows of the paper's published sets, fetched where the server is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.data.dsp_hub import fetch_published
from workbench.errors import OutsideError, WorkbenchError
from workbench.methods.dsp.annotation import annotate
from workbench.server.api import Json
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import preparing
from workbench.settings import load_settings

MAXIMUM_ROWS = 500
"""As many as the paper tests on."""


class Arguments(Base):
    """Which set, and how many of its rows."""

    name: Literal["cnn_dailymail", "multiarith", "aqua_rat"]
    count: Annotated[int, Field(ge=1, le=MAXIMUM_ROWS)]


def fetch(loaded: Any, item: Prepared, number: int, control: Control) -> Output | WorkbenchError:
    """Fetch for one request.

    Returns:
        Values: ``rows`` in our columns, articles with their phrases as ``dsp.articles`` has them;
        and ``revision``, the hub's commit.
    """
    del loaded
    asked: Arguments = item.arguments
    if load_settings().offline:
        return OutsideError(
            "The published sets are on the hub and downloads are off; unset WORKBENCH_OFFLINE, "
            "or choose the workbench's own."
        )
    control.progress(number, None, "Fetching the published set")
    found, revision = fetch_published(asked.name, asked.count, check=control.check)
    rows: list[Json] = []
    for row in found:
        control.check()
        rows.append(annotate(row) if "article" in row else dict(row))
    return Output(values={"rows": rows, "revision": revision})


OPERATION = Operation(
    name="dsp.hub_rows",
    version=1,
    kinds=frozenset(),
    prepare=preparing(Arguments),
    run=one_by_one(fetch),
    summary="Rows of CNN/DailyMail, MultiArith or AQuA from the Hugging Face hub.",
)
