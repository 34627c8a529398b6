"""The roles as prompts: student, teacher, and the teacher's mental model of the student.

Saha, Hase and Bansal 2023 (arXiv:2306.09299) and their released code: blocks joined by one blank
line, examples first. A prompt comes in two parts: a prefix of examples that many questions share,
and the question's own text. Where the released code differs between its data sets by mistake, one
form is used for all: choices are always listed, and the mental model is always told the right
answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.data.teaching.leaks import split_sentences
from workbench.data.teaching.question import YES_NO, Question

HEADER = "Simulate an AI model's answer for the given question."


@dataclass(frozen=True)
class Example:
    """One demonstration.

    Args:
        question: what is asked.
        explanation: what stands before the answer.
        answer: number of the option that is given as the answer.
        said: what the student really answered, as written, for the mental model.
    """

    question: Question
    explanation: str
    answer: int
    said: str = ""


def is_open(question: Question) -> bool:
    """Whether the answer is a number of one's own (GSM8K)."""
    return len(question.options) == 1


def is_choice(question: Question) -> bool:
    """Whether the options are listed and answered by their number (ECQA)."""
    return len(question.options) > 1 and question.options != YES_NO


def cue(question: Question) -> str:
    """What stands before an answer that follows an explanation."""
    return "So the correct choice is" if is_choice(question) else "So the answer is"


def bare_cue(question: Question) -> str:
    """What stands before an answer without an explanation."""
    return "The correct choice is" if is_choice(question) else "The answer is"


def write_answer(question: Question, option: int) -> str:
    """An option as it is written: yes, no, a number, or a choice's number from 1."""
    return str(option + 1) if is_choice(question) else question.options[option]


def candidates(question: Question) -> list[str]:
    """The options as they continue a prompt that ends in a cue, with their leading space."""
    return [f" {write_answer(question, option)}" for option in range(len(question.options))]


def ask(question: Question) -> str:
    """The question as every role is asked it."""
    if not is_choice(question):
        return f"Q: {question.text}"
    listed = (f"Choice {place}: {one}" for place, one in enumerate(question.options, start=1))
    return "\n".join((f"Q: {question.text}", "Answer Choices:", *listed))


def _blocks(blocks: Iterable[str]) -> str:
    return "".join(f"{block}\n\n" for block in blocks)


def _explained(question: Question, explanation: str, answer: str) -> str:
    parts = (explanation, cue(question), answer)
    return " ".join(part for part in parts if part)


def reasoning_prefix(examples: Sequence[Example]) -> str:
    """Examples that explain, then answer: for the student, alone or helped, and a CoT teacher."""
    return _blocks(
        f"{ask(e.question)}\n"
        f"A: {_explained(e.question, e.explanation, write_answer(e.question, e.answer))}"
        for e in examples
    )


def bare_prefix(examples: Sequence[Example]) -> str:
    """Examples that only answer."""
    return _blocks(
        f"{ask(e.question)}\nA: {bare_cue(e.question)} {write_answer(e.question, e.answer)}"
        for e in examples
    )


def rationalising_prefix(examples: Sequence[Example]) -> str:
    """Examples that answer, then explain: for a rationalising teacher."""
    return _blocks(
        f"{ask(e.question)}\nA: {write_answer(e.question, e.answer)} because {e.explanation}"
        for e in examples
    )


def ask_alone(question: Question) -> str:
    """The question for whoever explains and answers: the student alone, or a teacher."""
    return f"{ask(question)}\nA:"


def ask_bare(question: Question) -> str:
    """The question for an answer without an explanation."""
    return f"{ask(question)}\nA: {bare_cue(question)}"


def ask_helped(question: Question, explanation: str) -> str:
    """The question with a teacher's explanation.

    An open question shows its first sentence only, and the student goes on by itself.
    """
    if is_open(question):
        return f"{ask(question)}\nA: {first_sentence(explanation)}".rstrip()
    return f"{ask(question)}\nA: {_explained(question, explanation, '')}"


def first_sentence(explanation: str) -> str:
    """The first sentence, as far as a GSM8K student is helped."""
    return next(iter(split_sentences(explanation)), "")


def before_prefix(examples: Sequence[Example]) -> str:
    """Examples of what the student answers alone, for the mental model.

    As in the released code the student's prediction only; ``reasons_prefix`` shows more.
    """
    return _blocks([HEADER, *(_simulated(e.question, e.answer, e.said) for e in examples)])


def reasons_prefix(examples: Sequence[Example]) -> str:
    """The same with the student's own explanation before its answer, as in the paper's figure."""
    return _blocks(
        [
            HEADER,
            *(
                _simulated(e.question, e.answer, _explained(e.question, e.explanation, e.said))
                for e in examples
            ),
        ]
    )


def after_prefix(examples: Sequence[Example]) -> str:
    """Examples of what the student answers when it is shown an explanation."""
    return _blocks(
        [
            HEADER,
            *(
                _simulated(e.question, e.answer, _explained(e.question, _shown(e), e.said))
                for e in examples
            ),
        ]
    )


def simulate_before(question: Question, known: int) -> str:
    """The question for the mental model, with the answer it holds to be right."""
    return _simulated(question, known, "")


def simulate_after(question: Question, known: int, explanation: str) -> str:
    """The same, with the explanation the student would be shown."""
    shown = first_sentence(explanation) if is_open(question) else explanation
    return _simulated(question, known, _explained(question, shown, ""))


def _shown(example: Example) -> str:
    is_first_only = is_open(example.question)
    return first_sentence(example.explanation) if is_first_only else example.explanation


def _simulated(question: Question, known: int, said: str) -> str:
    return (
        f"{ask(question)}\n"
        f"Correct Answer: {write_answer(question, known)}\n"
        f"AI Predicted Answer: {said}"
    ).rstrip()
