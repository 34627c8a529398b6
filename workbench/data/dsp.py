"""The sets of directional stimulus prompting: articles, dialogues and word problems.

Articles come in CNN/DailyMail's columns (``id``, ``article``, ``highlights``), dialogues in those
of the authors' MultiWOZ files (``user``, ``resp``, ``aspn``), problems in MultiArith's
(``question``, ``final_ans``). What is shipped was written for this project.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import AssetError, InputError, UnknownNameError

FOLDER = Path(__file__).parents[2] / "assets" / "dsp"
SETS = ("articles-train", "articles-validation", "articles-test", "dialogues", "problems")
ACTS = frozenset(
    {
        "inform",
        "request",
        "nooffer",
        "recommend",
        "select",
        "offerbook",
        "offerbooked",
        "nobook",
        "bye",
        "greet",
        "welcome",
        "reqmore",
    }
)
MAX_CHARACTERS = 20_000

Row = dict[str, Any]


def read_set(name: str) -> tuple[tuple[Row, ...], str]:
    """A shipped set and the SHA-256 of its file.

    Raises:
        UnknownNameError: no such set.
        AssetError: the file is missing.
    """
    if name not in SETS:
        raise UnknownNameError.of("set", name, SETS)
    path = FOLDER / f"{name}.jsonl"
    if not path.is_file():
        raise AssetError(f"{path.name} is missing; install the workbench again.")
    data = path.read_bytes()
    return read_rows(data.decode("utf-8"), name.partition("-")[0]), hashlib.sha256(data).hexdigest()


def read_rows(text: str, kind: str) -> tuple[Row, ...]:
    """Rows of a JSONL text, each checked.

    Args:
        text: one JSON object a line.
        kind: "articles", "dialogues" or "problems".

    Raises:
        InputError: a line is no JSON object, or a field is missing or wrong; with its number.
    """
    check = {"articles": _check_article, "dialogues": _check_dialogue, "problems": _check_problem}
    if kind not in check:
        raise UnknownNameError.of("kind of set", kind, check)
    rows: list[Row] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"Line {number} is not JSON: {error.msg}.") from error
        if not isinstance(row, dict):
            raise InputError(f"Line {number} is not an object with named fields.")
        check[kind](row, number)
        rows.append(row)
    if not rows:
        raise InputError("The file holds no rows; write one JSON object a line.")
    return tuple(rows)


def _check_article(row: Mapping[str, Any], number: int) -> None:
    for name in ("id", "article", "highlights"):
        _text(row, name, number)


def _check_dialogue(row: Mapping[str, Any], number: int) -> None:
    _text(row, "id", number)
    turns = row.get("turns")
    if not isinstance(turns, list) or not turns:
        raise InputError(f"Line {number}: turns must be a list with at least one turn.")
    for turn in turns:
        if not isinstance(turn, dict):
            raise InputError(f"Line {number}: a turn must have user, resp and aspn.")
        for name in ("user", "resp", "aspn"):
            _text(turn, name, number)
        _check_acts(turn["aspn"], number)


def _check_acts(text: str, number: int) -> None:
    marks = re.findall(r"\[(\w+)\]", text)
    if not any(mark in ACTS for mark in marks):
        raise InputError(
            f"Line {number}: {text!r} names no act; write such as [train] [request] departure. "
            f"Acts are {', '.join(sorted(ACTS))}."
        )


def _check_problem(row: Mapping[str, Any], number: int) -> None:
    _text(row, "question", number)
    answer = row.get("final_ans")
    if isinstance(answer, str):  # MultiArith's own files write it as text
        try:
            answer = float(answer.replace(",", ""))
        except ValueError:
            answer = None
    if isinstance(answer, bool) or not isinstance(answer, int | float) or not math.isfinite(answer):
        raise InputError(f"Line {number}: final_ans must be a number.")


def _text(row: Mapping[str, Any], name: str, number: int) -> None:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"Line {number}: {name} must be text and not empty.")
    if len(value) > MAX_CHARACTERS:
        raise InputError(
            f"Line {number}: {name} has {len(value):,} characters; at most {MAX_CHARACTERS:,}."
        )


def repeated_sentences(articles: Sequence[str]) -> tuple[str, ...]:
    """Sentences that stand in more than one article, which would leak between splits."""
    seen: dict[str, int] = {}
    for place, article in enumerate(articles):
        for sentence in re.split(r"(?<=[.!?])\s+", article):
            key = sentence.strip().lower()
            if seen.setdefault(key, place) != place:
                seen[key] = -1
    return tuple(sentence for sentence, place in seen.items() if place == -1)
