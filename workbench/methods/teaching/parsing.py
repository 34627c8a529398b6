"""From what a model wrote to an explanation, an answer, and where the answer stands.

As in the released code: only the first line counts, the prediction is the last word, and the
explanation is the text up to the last full stop. Unlike it, sentences that say the answer are taken
out of explanations, because "up to the last full stop" keeps a trailing "So the answer is yes."
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workbench.data.teaching.formats import read_number
from workbench.data.teaching.leaks import CUE, strip_leaks
from workbench.data.teaching.question import Question
from workbench.methods.teaching.prompts import cue, is_choice, is_open, write_answer

UNPARSED = -1
OTHER_NUMBER = 1
"""The answer to an open question that is a number, and not the right one."""

_SAYS = re.compile(r"\b(?:answer|choice)(?:\s+choice)?\s+is\b:?", re.IGNORECASE)
_DIGITS = re.compile(r"[^0-9.\-]")
_REASON = re.compile(r"^\W*(\w+)\W+(?:because|since)\b[\s,:]*", re.IGNORECASE)


@dataclass(frozen=True)
class Parsed:
    """What was read from a model's text.

    Args:
        explanation: up to the last full stop, without sentences that say the answer.
        answer: number of the option; on an open question 0 if right, 1 if another number; -1 when
            no answer could be read.
        said: the answer as an example would write it; empty when there is none.
        before: the text up to where the answer stands, with a cue in any case; the distribution
            after it is that of the answer.
        leaked: whether the explanation said the answer.
        has_cue: whether the text itself came to a cue.
    """

    explanation: str
    answer: int
    said: str
    before: str
    leaked: bool
    has_cue: bool


def parse(text: str, question: Question) -> Parsed:
    """Read a chain of thought.

    Args:
        text: what was generated after "A:".
        question: what was asked.
    """
    line = first_line(text)
    up_to_stop = line[: line.rfind(".") + 1] or line
    explanation, leaked = strip_leaks(up_to_stop)
    says = list(_SAYS.finditer(line))
    if says:
        said = line[says[-1].end() :]
        answer = read_answer(said, question)
        # where the answer itself begins: the cue, without the white space after it
        before = line[: says[-1].end()]
        return Parsed(explanation, answer, write_said(said, question), before, leaked, True)
    stem = f"{up_to_stop} {cue(question)}".strip()
    answer = read_answer(line, question)
    return Parsed(explanation, answer, write_said(line, question), stem, leaked, False)


def parse_reason(text: str, question: Question) -> Parsed:
    """Read a rationalisation, "yes because …"."""
    line = first_line(text)
    found = _REASON.match(line)
    if found is None:
        return parse(text, question)
    rest = line[found.end() :]
    explanation, leaked = strip_leaks(rest[: rest.rfind(".") + 1] or rest)
    said = found.group(1)
    return Parsed(
        explanation, read_answer(said, question), write_said(said, question), "", leaked, False
    )


def first_line(text: str) -> str:
    """The text up to its first new line."""
    return text.lstrip(" ").split("\n", 1)[0].strip()


def read_answer(said: str, question: Question) -> int:
    """The option that a text ends in.

    Yes-no questions take the last word; choices the last number, or else the first option whose
    text is contained; open questions the digits and points of the last word.

    Returns:
        -1 when there is none.
    """
    last = _last_word(said)
    if is_open(question):
        digits = read_number(_DIGITS.sub("", last))
        if digits is None:
            return UNPARSED
        return 0 if digits == question.answer else OTHER_NUMBER
    if not is_choice(question):
        return question.options.index(last) if last in question.options else UNPARSED
    if last.isdecimal() and 1 <= int(last) <= len(question.options):
        return int(last) - 1
    inside = [
        (said.casefold().find(option.casefold()), place)
        for place, option in enumerate(question.options)
        if option.casefold() in said.casefold()
    ]
    return min(inside)[1] if inside else UNPARSED


def write_said(said: str, question: Question) -> str:
    """The answer that a text ends in as an example would write it; empty when there is none."""
    answer = read_answer(said, question)
    if answer == UNPARSED:
        return ""
    if is_open(question):
        return read_number(_DIGITS.sub("", _last_word(said))) or ""
    return write_answer(question, answer)


def _last_word(said: str) -> str:
    words = said.split()
    return words[-1].strip(".,;:!?\"'()*").lower() if words else ""


def clean(explanation: str) -> tuple[str, bool]:
    """What a student may be shown of an explanation, and whether a sentence had to go."""
    return strip_leaks(explanation)


def says_the_answer(explanation: str) -> bool:
    """Whether a text matches the pattern of answer cues."""
    return CUE.search(explanation) is not None
