"""The teacher's mental model: its guess of what the student answers, alone and taught.

Saha, Hase and Bansal 2023 (arXiv:2306.09299): the teacher's own model, shown what the student
really answered on training questions. The released code shows the student's answer alone; the
paper's figure shows its reasons too, and then the mental model imagines them before the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.data.teaching.question import Question
from workbench.methods.teaching import prompts
from workbench.methods.teaching.asking import Asker
from workbench.methods.teaching.examples import Pupil, simulation_examples
from workbench.methods.teaching.parsing import parse
from workbench.methods.teaching.prompts import Example
from workbench.methods.teaching.roles import Reasoned

UNKNOWN = "unknown"
"""What stands for the answer of a teacher that gave none."""


@dataclass(frozen=True)
class Guess:
    """The mental model's guesses of one moment.

    Args:
        prefix: the examples it was shown.
        asked: n prompts.
        texts: n imagined chains of thought; empty where none was asked for.
        probabilities: ``(n, c)`` of the options where the answer stands.
    """

    prefix: str
    asked: tuple[str, ...]
    texts: tuple[str, ...]
    probabilities: np.ndarray


def believe(
    questions: Sequence[Question], teacher: Reasoned
) -> tuple[tuple[Question, ...], np.ndarray]:
    """What a teacher holds to be right that goes by its own answers.

    Args:
        questions: n questions.
        teacher: its answers to them.

    Returns:
        The questions, open ones with the teacher's number in place of the right one, and ``(n,)``
        the option it holds to be right.
    """
    held = tuple(
        replace(question, options=(said or UNKNOWN,), gold=0)
        if prompts.is_open(question)
        else question
        for question, said in zip(questions, teacher.said, strict=True)
    )
    is_open = np.array([prompts.is_open(question) for question in questions], dtype=bool)
    return held, np.where(is_open, 0, np.maximum(teacher.answers, 0))


@dataclass(frozen=True)
class MentalModel:
    """A teacher's picture of its student.

    Args:
        asker: the teacher's model.
        examples: real answers of the student that it is shown in each prompt.
        imagines_reasons: whether it imagines the student's reasons before its answer.
    """

    asker: Asker
    examples: int
    imagines_reasons: bool = False

    def guess(
        self,
        pupil: Pupil,
        questions: Sequence[Question],
        known: np.ndarray,
        explanations: Sequence[str],
    ) -> tuple[Guess, Guess]:
        """Guess the student's answers before and after an explanation.

        Args:
            pupil: what the student really answered, on training questions.
            questions: n test questions.
            known: ``(n,)`` number of the option the teacher holds to be right.
            explanations: n texts.

        Raises:
            WorkbenchError: what the server refused.
        """
        before, after = simulation_examples(pupil, self.examples)
        held = list(zip(questions, known.tolist(), strict=True))
        asked = [prompts.simulate_before(question, option) for question, option in held]
        shown = [
            prompts.simulate_after(question, option, text)
            for (question, option), text in zip(held, explanations, strict=True)
        ]
        if self.imagines_reasons:
            guess = self._imagine(before, asked, questions)
        else:
            guess = self._read(prompts.before_prefix(before), asked, questions, "before")
        return guess, self._read(prompts.after_prefix(after), shown, questions, "after")

    def _read(
        self, prefix: str, asked: Sequence[str], questions: Sequence[Question], moment: str
    ) -> Guess:
        scores = self.asker.score(prefix, asked, questions, f"Mental model, {moment}")
        return Guess(prefix, tuple(asked), ("",) * len(asked), scores)

    def _imagine(
        self, examples: Sequence[Example], asked: Sequence[str], questions: Sequence[Question]
    ) -> Guess:
        prefix = prompts.reasons_prefix(examples)
        texts = self.asker.generate(prefix, asked, "Mental model, reasons")
        stems = [
            f"{start} {parse(text, question).before}"
            for start, text, question in zip(asked, texts, questions, strict=True)
        ]
        scores = self.asker.score(prefix, stems, questions, "Mental model, before")
        return Guess(prefix, tuple(asked), tuple(texts), scores)
