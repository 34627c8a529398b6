"""A file of one's own, whose columns have names of their own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.data.teaching.formats import read_number, text_of, value_of
from workbench.data.teaching.question import YES_NO, Question
from workbench.data.teaching.rows import Row, columns_of
from workbench.errors import InputError

MAXIMUM_OPTIONS = 10
_SEPARATOR = re.compile(r"\s*[|;]\s*")
_YES_NO_WORDS = {"yes": 0, "true": 0, "no": 1, "false": 1}


@dataclass(frozen=True)
class Columns:
    """Which column holds what.

    Args:
        question: the question.
        answer: the right answer: an option's text, yes or no, or a number.
        options: the options, as a list or separated by | or ;, or several columns' names
            separated by commas, one option each; empty for yes-no questions and numbers.
        explanation: a person's explanation.
    """

    question: str = "question"
    answer: str = "answer"
    options: str = ""
    explanation: str = "explanation"


def read_own_questions(rows: Sequence[Row], columns: Columns) -> tuple[Question, ...]:
    """Questions from columns of any names; all of one kind.

    Raises:
        InputError: a column is missing, an answer is none of the options or not of the kind of the
            others; with the row, and what is allowed.
    """
    there = columns_of(rows)
    wanted = [columns.question, columns.answer, columns.explanation, *_option_columns(columns)]
    for column in wanted:
        if column not in there:
            raise InputError(
                f"The file has no column {column!r}; its columns are {', '.join(there)}."
            )
    if columns.options:
        found = [_choice(row, number, columns) for number, row in enumerate(rows, start=1)]
    else:
        found = _without_options(rows, columns)
    widths = {len(one.options) for one in found}
    if len(widths) > 1:
        raise InputError(
            f"The questions have {min(widths)} to {max(widths)} options; give all the same number."
        )
    return tuple(found)


def _option_columns(columns: Columns) -> list[str]:
    return [one.strip() for one in columns.options.split(",") if one.strip()]


def _question(row: Row, number: int, columns: Columns, options: tuple[str, ...], gold: int) -> Any:
    text = text_of(row, columns.question, number)
    qid = str(row.get("qid") or row.get("id") or hashlib.sha256(text.encode()).hexdigest()[:12])
    return Question(qid, text, options, gold, text_of(row, columns.explanation, number))


def _choice(row: Row, number: int, columns: Columns) -> Question:
    names = _option_columns(columns)
    if len(names) > 1:
        options = [str(value_of(row, name, number)).strip() for name in names]
    else:
        found = value_of(row, names[0], number)
        parts = found if isinstance(found, list) else _SEPARATOR.split(str(found).strip())
        options = [" ".join(str(part).split()) for part in parts if str(part).strip()]
    if not 2 <= len(options) <= MAXIMUM_OPTIONS:
        raise InputError(
            f"Row {number} has {len(options)} option(s); give 2 to {MAXIMUM_OPTIONS}, separated by "
            "| or ;."
        )
    folded = [option.casefold() for option in options]
    if len(set(folded)) < len(folded):
        raise InputError(f"Row {number} has the same option twice; give each once.")
    answer = str(value_of(row, columns.answer, number)).strip().casefold()
    if answer not in folded:
        raise InputError(
            f"Row {number}: the answer {answer!r:.40} is none of its options: "
            f"{', '.join(options)[:120]}."
        )
    return _question(row, number, columns, tuple(options), folded.index(answer))


def _without_options(rows: Sequence[Row], columns: Columns) -> list[Question]:
    answers = [
        str(value_of(row, columns.answer, number)).strip().lower()
        for number, row in enumerate(rows, start=1)
    ]
    if answers[0] in _YES_NO_WORDS:
        for number, answer in enumerate(answers, start=1):
            if answer not in _YES_NO_WORDS:
                raise InputError(
                    f"Row {number}: the answer is {answer!r:.40}, the first row's is yes or no. "
                    "Write yes or no everywhere, or name a column of options."
                )
        return [
            _question(row, number, columns, YES_NO, _YES_NO_WORDS[answer])
            for number, (row, answer) in enumerate(zip(rows, answers, strict=True), start=1)
        ]
    found: list[Question] = []
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True), start=1):
        digits = read_number(answer)
        if digits is None:
            raise InputError(
                f"Row {number}: the answer {answer!r:.40} is neither yes, no nor a number. Name "
                "the column that holds the options."
            )
        found.append(_question(row, number, columns, (digits,), 0))
    return found
