"""The published formats: StrategyQA, ECQA, GSM8K, and harmful explanations.

Field names are those of the official files; hub copies write some values differently (facts as
one text), which is read too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.data.teaching.question import YES_NO, HarmfulQuestion, Question
from workbench.data.teaching.rows import Row
from workbench.errors import InputError, UnknownNameError

_CALCULATOR = re.compile(r"<<.*?>>")  # each mark by itself: two may stand on one line
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?")


def read_questions(rows: Sequence[Row], form: str) -> tuple[Question, ...]:
    """Questions of a published format.

    Args:
        rows: of the file.
        form: "strategyqa", "ecqa" or "gsm8k".

    Raises:
        UnknownNameError: no such format.
        InputError: a column is missing or a value of the wrong type, with the row.
    """
    if form not in FORMATS:
        raise UnknownNameError.of("format", form, FORMATS)
    return tuple(FORMATS[form](row, number) for number, row in enumerate(rows, start=1))


def read_harmful(rows: Sequence[Row]) -> tuple[HarmfulQuestion, ...]:
    """Questions with harmful explanations, as the authors' ``harmful_explanations.json``.

    Raises:
        InputError: a column is missing or a value of the wrong type, with the row.
    """
    found: list[HarmfulQuestion] = []
    for number, row in enumerate(rows, start=1):
        text = text_of(row, "question", number)
        gold = yes_or_no(row, "answer", number)
        wrong = yes_or_no(row, "wrong_answer", number)
        if wrong == gold:
            raise InputError(f"Row {number}: wrong_answer equals answer; it must be the other.")
        harmful = value_of(row, "harmful_explanation", number)
        texts = harmful if isinstance(harmful, list) else [harmful]
        if not texts or not all(isinstance(one, str) and one.strip() for one in texts):
            raise InputError(f"Row {number}: harmful_explanation must be texts, at least one.")
        explanation = text_of(row, "gold_explanation", number)
        question = Question(_name(row, text), text, YES_NO, gold, explanation)
        found.append(HarmfulQuestion(question, wrong, tuple(one.strip() for one in texts)))
    return tuple(found)


def value_of(row: Row, column: str, number: int) -> Any:
    """A value that must be there.

    Raises:
        InputError: the row has no such column, or it is empty.
    """
    if column not in row:
        there = ", ".join(map(str, row)) or "none"
        raise InputError(f"Row {number} has no column {column!r}; its columns are {there}.")
    value = row[column]
    if value is None or (isinstance(value, str) and not value.strip()):
        raise InputError(f"Row {number}: {column} is empty; fill it or take the row out.")
    return value


def text_of(row: Row, column: str, number: int) -> str:
    """A text on one line.

    Raises:
        InputError: it is missing, empty or no text.
    """
    value = value_of(row, column, number)
    if not isinstance(value, str):
        raise InputError(
            f"Row {number}: {column} must be text, not {type(value).__name__} ({value!r:.40})."
        )
    return " ".join(value.split())


def yes_or_no(row: Row, column: str, number: int) -> int:
    """0 for yes and 1 for no, from true and false or from words.

    Raises:
        InputError: it is something else.
    """
    value = value_of(row, column, number)
    word = str(value).strip().lower()
    if not isinstance(value, bool | str) or word not in _WORDS:
        raise InputError(f"Row {number}: {column} is {value!r:.40}; write true, false, yes or no.")
    return _WORDS[word]


_WORDS = {"yes": 0, "true": 0, "no": 1, "false": 1}


def read_number(text: str) -> str | None:
    """A number as digits, without thousands separators and currency: "$1,234.0" is "1234".

    Returns:
        ``None`` when the text is no number.
    """
    if (match := _NUMBER.fullmatch(text.strip().rstrip("."))) is None:
        return None
    digits = match.group().replace(",", "").replace("$", "")
    whole, point, decimals = digits.partition(".")
    decimals = decimals.rstrip("0")
    return whole + (point + decimals if decimals else "")


def _strategyqa(row: Row, number: int) -> Question:
    text = text_of(row, "question", number)
    gold = yes_or_no(row, "answer", number)
    facts = value_of(row, "facts", number)
    if isinstance(facts, list) and facts and all(isinstance(one, str) for one in facts):
        facts = " ".join(facts)
    if not isinstance(facts, str):
        raise InputError(f"Row {number}: facts must be a list of texts, or one text.")
    return Question(_name(row, text), text, YES_NO, gold, " ".join(facts.split()))


def _ecqa(row: Row, number: int) -> Question:
    text = text_of(row, "q_text", number)
    options = tuple(text_of(row, f"q_op{place}", number) for place in range(1, 6))
    answer = text_of(row, "q_ans", number)
    if answer not in options:
        raise InputError(f"Row {number}: q_ans is {answer!r:.40}, which is none of q_op1 to q_op5.")
    gold = options.index(answer)
    return Question(_name(row, text), text, options, gold, text_of(row, "taskB", number))


def _gsm8k(row: Row, number: int) -> Question:
    text = text_of(row, "question", number)
    solution = value_of(row, "answer", number)
    if not isinstance(solution, str) or "####" not in solution:
        raise InputError(f"Row {number}: answer must be a solution that ends in '#### number'.")
    steps, _, last = solution.rpartition("####")
    answer = read_number(last)
    if answer is None:
        raise InputError(f"Row {number}: {last.strip()!r:.40} after #### is no number.")
    lines = [" ".join(line.split()) for line in _CALCULATOR.sub("", steps).split("\n")]
    explanation = " ".join(line.rstrip(".") + "." for line in lines if line)
    return Question(_name(row, text), text, (answer,), 0, explanation)


def _name(row: Row, text: str) -> str:
    for column in ("qid", "q_no", "id"):
        if isinstance(row.get(column), str | int) and str(row[column]).strip():
            return str(row[column]).strip()
    return hashlib.sha256(text.encode()).hexdigest()[:12]


FORMATS: Mapping[str, Callable[[Row, int], Question]] = {
    "strategyqa": _strategyqa,
    "ecqa": _ecqa,
    "gsm8k": _gsm8k,
}
