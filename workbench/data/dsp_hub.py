"""The published sets of the paper as the Hugging Face hub serves them, in our own columns.

CNN/DailyMail 3.0.0 for summaries, MultiArith and AQuA for chains of thought (arXiv:2302.11520,
section 4). MultiWOZ has no rows on the hub's server; its files are read by
``workbench.methods.dsp.multiwoz``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from workbench.data.dsp import MAX_CHARACTERS, Row
from workbench.data.hub_rows import HubSet, Part, fetch_part
from workbench.errors import InputError, UnknownNameError


@dataclass(frozen=True)
class PublishedSet:
    """A published set that the paper tests on.

    Args:
        hub: where it is; its split "test" is read.
        read: a row as the hub has it, and its number, to one in our columns.
    """

    hub: HubSet
    read: Callable[[Row, int], Row]


def read_cnn_dailymail(row: Row, number: int) -> Row:
    """A row of CNN/DailyMail; the highlights become one line.

    Raises:
        InputError: a column is missing or empty.
    """
    return {
        "id": str(row.get("id") or number),
        "article": _text(row, "article", number),
        "highlights": _text(row, "highlights", number),
    }


def read_multiarith(row: Row, number: int) -> Row:
    """A row of MultiArith: ``final_ans`` is a number, written as text.

    Raises:
        InputError: a column is missing, or the answer is no number.
    """
    answer = str(row.get("final_ans", "")).replace(",", "")
    try:
        value = float(answer)
    except ValueError as error:
        raise InputError(f"Row {number}: final_ans is {answer!r}, not a number.") from error
    return {
        "id": f"multiarith-{number}",
        "question": _text(row, "question", number),
        "final_ans": value,
    }


def read_aqua(row: Row, number: int) -> Row:
    """A row of AQuA: the options stand behind the question, and the answer is a letter.

    Raises:
        InputError: a column is missing, or the letter is none of the options'.
    """
    options = row.get("options")
    letter = row.get("correct")
    if not isinstance(options, list) or not all(isinstance(one, str) for one in options):
        raise InputError(f"Row {number}: options must be a list of texts such as 'A)21'.")
    if not isinstance(letter, str) or letter not in {one[:1] for one in options}:
        raise InputError(f"Row {number}: correct must be the letter of an option.")
    choices = " ".join(f"({one[:1]}) {one[2:].strip()}" for one in options)
    question = f"{_text(row, 'question', number)} Answer choices: {choices}."
    return {"id": f"aqua-{number}", "question": question, "final_ans": letter}


_TEST = {"test": Part("test")}

SETS: Mapping[str, PublishedSet] = {
    "cnn_dailymail": PublishedSet(
        HubSet("abisee/cnn_dailymail", "3.0.0", _TEST), read_cnn_dailymail
    ),
    "multiarith": PublishedSet(HubSet("ChilleD/MultiArith", "default", _TEST), read_multiarith),
    "aqua_rat": PublishedSet(HubSet("deepmind/aqua_rat", "raw", _TEST), read_aqua),
}


def fetch_published(
    name: str,
    count: int,
    *,
    check: Callable[[], None] = lambda: None,
    transport: httpx.BaseTransport | None = None,
) -> tuple[tuple[Row, ...], str]:
    """The first rows of a published test set, in our columns, and the hub's commit.

    Args:
        name: in ``SETS``.
        count: how many, at least 1; fewer come when there are no more.
        check: called between pages; may raise to stop.
        transport: carries the requests; httpx's own by default.

    Raises:
        UnknownNameError: no such set.
        OutsideError: the hub does not answer, or its answer makes no sense.
        InputError: a row is not in the published format.
    """
    if name not in SETS:
        raise UnknownNameError.of("set", name, SETS)
    found = SETS[name]
    fetched = fetch_part(found.hub, "test", count, check=check, transport=transport)
    rows = tuple(found.read(dict(row), n) for n, row in enumerate(fetched.rows, start=1))
    return rows, fetched.revision


def _text(row: Row, name: str, number: int) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"Row {number}: {name} must be text and not empty.")
    return " ".join(value.split())[:MAX_CHARACTERS]
