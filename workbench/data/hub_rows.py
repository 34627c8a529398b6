"""Rows of a set as the Hugging Face hub serves them: JSON, a hundred at a time.

The hub's data set server gives the rows of any public set, whatever its files are, so neither the
``datasets`` library nor a Parquet reader is needed, and no code of a set is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from workbench.errors import OutsideError

ADDRESS = "https://datasets-server.huggingface.co/rows"
ROWS_A_PAGE = 100
_TIMEOUT_S = 30.0


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
    splits: Mapping[str, Part]


@dataclass(frozen=True)
class HubRows:
    """Rows of a set and the commit of the hub they are from, as far as the hub says it."""

    rows: tuple[Mapping[str, Any], ...]
    revision: str


def fetch_part(
    found: HubSet,
    split: str,
    count: int,
    *,
    check: Callable[[], None] = lambda: None,
    transport: httpx.BaseTransport | None = None,
) -> HubRows:
    """The first rows of a split, as the hub has them.

    Args:
        found: the set.
        split: a name in its ``splits``.
        count: how many rows, at least 1; fewer come when there are no more.
        check: called between pages; may raise to stop.
        transport: carries the requests; httpx's own by default.

    Raises:
        OutsideError: the hub does not answer, or its answer makes no sense.
    """
    part = found.splits[split]
    if part.last:
        count = min(count, part.last - part.first)
    rows: list[Mapping[str, Any]] = []
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
            page, revision = _fetch_page(client, wanted)
            rows += page
            if len(page) < wanted["length"]:
                break
    return HubRows(tuple(rows), revision)


def _fetch_page(
    client: httpx.Client, wanted: Mapping[str, str | int]
) -> tuple[list[Mapping[str, Any]], str]:
    """One page of a set, and the commit of the hub it is from."""
    try:
        answer = client.get(ADDRESS, params=dict(wanted))
        answer.raise_for_status()
        page = [one["row"] for one in answer.json()["rows"]]
        if not all(isinstance(row, dict) for row in page):
            raise ValueError("a row is no object")
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise OutsideError(
            f"{wanted['dataset']} could not be read from the hub ({type(error).__name__}). The "
            "sets that come with the workbench and your own files work without it."
        ) from error
    return page, answer.headers.get("x-revision", "")
