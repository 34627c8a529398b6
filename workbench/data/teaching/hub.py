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
        form: the published format of its rows.
        splits: by our names.
    """

    repository: str
    config: str
    form: str
    splits: Mapping[str, Part]


@dataclass(frozen=True)
class Part:
    """Rows of a split.

    Args:
        split: its name on the hub.
        first: number of the first row.
        last: number of the row after the last; 0 for the split's end.
    """

    split: str
    first: int = 0
    last: int = 0


_OWN_SPLITS = {"train": Part("train"), "test": Part("test")}
_STRATEGYQA_TRAIN = 2_061
"""The paper trains on so many of the 2,290 official questions and tests on the other 229."""

HUB_SETS: Mapping[str, HubSet] = {
    "strategyqa": HubSet("ChilleD/StrategyQA", "default", "strategyqa", _OWN_SPLITS),
    # the official file as it is, in one split: cut in the paper's sizes, which need not give the
    # paper's own 229
    "strategyqa_facts": HubSet(
        "havens2/strategyQA_train",
        "default",
        "strategyqa",
        {
            "train": Part("train", 0, _STRATEGYQA_TRAIN),
            "test": Part("train", _STRATEGYQA_TRAIN),
        },
    ),
    "ecqa": HubSet("tasksource/ecqa", "default", "ecqa", _OWN_SPLITS),
    "gsm8k": HubSet("openai/gsm8k", "main", "gsm8k", _OWN_SPLITS),
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
    part = found.splits[split]
    if part.last:
        count = min(count, part.last - part.first)
    rows: list[Row] = []
    revision = ""
    with httpx.Client(transport=transport, timeout=_TIMEOUT_S) as client:
        while len(rows) < count:
            check()
            wanted = {
                "dataset": found.repository,
                "config": found.config,
                "split": part.split,
                "offset": part.first + len(rows),
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
