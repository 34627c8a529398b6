"""The published sets as the Hugging Face hub serves them: rows as JSON, a hundred at a time.

The hub's data set server gives the rows of any public set, whatever its files are, so neither the
``datasets`` library nor a Parquet reader is needed, and no code of a set is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from workbench.data.teaching.rows import Row
from workbench.errors import UnknownNameError, UnreachableError

ADDRESS = "https://datasets-server.huggingface.co/rows"
ROWS_A_PAGE = 100
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class HubSet:
    """A set on the hub.

    Args:
        repository: owner and name.
        config: of the set.
        splits: by our names.
    """

    repository: str
    config: str
    splits: Mapping[str, str]


HUB_SETS: Mapping[str, HubSet] = {
    "strategyqa": HubSet("ChilleD/StrategyQA", "default", {"train": "train", "test": "test"}),
    "ecqa": HubSet("tasksource/ecqa", "default", {"train": "train", "test": "test"}),
    "gsm8k": HubSet("openai/gsm8k", "main", {"train": "train", "test": "test"}),
}


@dataclass(frozen=True)
class HubRows:
    """Rows of a set and the commit of the hub they are from, as far as the hub says it."""

    rows: tuple[Row, ...]
    revision: str


def fetch_rows(
    task: str,
    split: str,
    count: int,
    *,
    check: Callable[[], None] = lambda: None,
    transport: httpx.BaseTransport | None = None,
) -> HubRows:
    """The first rows of a published set.

    Args:
        task: a name in ``HUB_SETS``.
        split: "train" or "test".
        count: how many rows, at least 1; fewer come when there are no more.
        check: called between pages; may raise to stop.
        transport: carries the requests; httpx's own by default.

    Raises:
        UnknownNameError: no such set or split.
        UnreachableError: the hub does not answer, or its answer makes no sense.
    """
    if task not in HUB_SETS:
        raise UnknownNameError.of("set", task, HUB_SETS)
    found = HUB_SETS[task]
    if split not in found.splits:
        raise UnknownNameError.of("split", split, found.splits)
    rows: list[Row] = []
    revision = ""
    with httpx.Client(transport=transport, timeout=_TIMEOUT_S) as client:
        while len(rows) < count:
            check()
            wanted = {
                "dataset": found.repository,
                "config": found.config,
                "split": found.splits[split],
                "offset": len(rows),
                "length": min(ROWS_A_PAGE, count - len(rows)),
            }
            page, revision = fetch_page(client, found.repository, wanted)
            rows += page
            if len(page) < wanted["length"]:
                break
    return HubRows(tuple(rows), revision)


def fetch_page(
    client: httpx.Client, repository: str, wanted: Mapping[str, Any]
) -> tuple[list[Row], str]:
    """One page of a set, and the commit of the hub it is from.

    Args:
        client: carries the request.
        repository: owner and name, for the message.
        wanted: what the hub's ``/rows`` is asked.

    Raises:
        UnreachableError: the hub does not answer, or its answer makes no sense.
    """
    try:
        answer = client.get(ADDRESS, params=dict(wanted))
        answer.raise_for_status()
        page = [one["row"] for one in answer.json()["rows"]]
        if not all(isinstance(row, dict) for row in page):
            raise ValueError("a row is no object")
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise UnreachableError(
            f"{repository} could not be read from the hub ({type(error).__name__}). The sets that "
            "come with the workbench and your own files work without it."
        ) from error
    return page, answer.headers.get("x-revision", "")
