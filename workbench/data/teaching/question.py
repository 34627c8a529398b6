"""One question with its right answer and an explanation, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass

YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Question:
    """One question.

    Args:
        qid: its name in the data set.
        text: as it is asked.
        options: c answers to choose from. An open question (GSM8K) has one, the right number.
        gold: number of the right option.
        explanation: written by people; facts are joined by spaces.
    """

    qid: str
    text: str
    options: tuple[str, ...]
    gold: int
    explanation: str

    @property
    def answer(self) -> str:
        """The right option."""
        return self.options[self.gold]


@dataclass(frozen=True)
class HarmfulQuestion:
    """A question with explanations that argue for a wrong answer.

    Args:
        question: with the right answer and a right explanation.
        wrong: number of the option that the harmful explanations argue for.
        harmful: explanations, at least one.
    """

    question: Question
    wrong: int
    harmful: tuple[str, ...]
