"""Every role at one question: what each is told, what it writes, and how sure it is.

Saha, Hase and Bansal 2023 (arXiv:2306.09299). The explanation can be edited and is tried on the
student at once; leaving out one sentence at a time shows which of them moved the probability of
the right answer. A question of the project's sets with an unedited explanation gives the numbers of
the records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from workbench.data.teaching.leaks import split_sentences
from workbench.data.teaching.question import Question
from workbench.data.teaching.sets import load_questions
from workbench.errors import InputError
from workbench.methods.teaching import prompts, roles
from workbench.methods.teaching.asking import Asker
from workbench.methods.teaching.controls import (
    CHAT,
    DEFAULT_MODEL,
    KNOWN,
    REASONS,
    TASK,
    language_model,
)
from workbench.methods.teaching.examples import (
    Pupil,
    draw_examples,
    personal_examples,
    try_on_training,
)
from workbench.methods.teaching.mental_model import MentalModel, believe
from workbench.methods.teaching.parsing import clean
from workbench.params import Range, Text, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

MAXIMUM_SENTENCES = 12
"""Sentences left out one at a time; longer explanations are tried whole only."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    question: Annotated[
        int, Range(1, 200, 1, "Question", help="Its number in the test set; the last is the last.")
    ] = 1
    explanation: Annotated[
        str,
        Text(
            "Explanation",
            max_chars=2_000,
            lines=4,
            help="What the student is shown. Empty takes the one a person wrote.",
        ),
    ] = ""
    task: Annotated[str, TASK] = "strategyqa"
    student: Annotated[str, language_model("Student")] = DEFAULT_MODEL
    teacher: Annotated[str, language_model("Teaching model")] = DEFAULT_MODEL
    demonstrations: Annotated[int, Range(1, 8, 1, "Demonstrations in a prompt")] = 4
    simulations: Annotated[int, Range(2, 12, 2, "Demonstrations of the mental model")] = 4
    answer_known: Annotated[bool, KNOWN] = True
    imagines_reasons: Annotated[bool, REASONS] = False
    is_chat: Annotated[bool, CHAT] = False
    seed: Annotated[int, Range(41, 60, 1, "Seed of the demonstrations")] = 41

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Scene:
    """One role at the question.

    Args:
        role: "alone", "bare", "taught", "cot", "rationalise", "personalised", "before" or "after".
        prefix: the examples before the question.
        prompt: the question as the role is asked it.
        text: what it wrote; empty where only an answer is read.
        probabilities: ``(c,)`` of the options where the answer stands.
        answer: number of the option it gives, -1 for none.
        explanation: what of its text can be shown to a student.
    """

    role: str
    prefix: str
    prompt: str
    text: str
    probabilities: np.ndarray
    answer: int
    explanation: str = ""


@dataclass(frozen=True)
class Inputs:
    """Everything measured at one question.

    Args:
        question: what is asked.
        number: its place in the test set, from 1.
        scenes: the roles, in the order of the page.
        explanation: what the student was shown, without what says the answer.
        leaked: whether something had to go.
        sentences: of the explanation.
        without: ``(m, c)`` probabilities of the options when sentence i is left out; of no rows
            when there are too many sentences.
    """

    question: Question
    number: int
    scenes: tuple[Scene, ...]
    explanation: str
    leaked: bool
    sentences: tuple[str, ...]
    without: np.ndarray


@dataclass(frozen=True)
class Result:
    """What the theatre shows.

    Args:
        params: what was asked for.
        inputs: what was measured.
        effects: ``(m,)`` by how much each sentence raises the probability of the right answer.
    """

    params: Params
    inputs: Inputs
    effects: np.ndarray

    def scene(self, role: str) -> Scene:
        """One role's scene."""
        return next(scene for scene in self.inputs.scenes if scene.role == role)

    def confidence(self, role: str) -> float:
        """A role's probability of the right answer."""
        return float(self.scene(role).probabilities[self.inputs.question.gold])


def gather(client: ModelClient, params: Params) -> Inputs:
    """Put every role to work at one question."""
    test = load_questions(params.task, "test")
    number = min(params.question, len(test))
    question = test[number - 1]
    student = Asker(client, params.student, is_chat=params.is_chat)
    teacher = replace(student, model=params.teacher)
    examples, pool = draw_examples(
        load_questions(params.task, "train"), params.demonstrations, params.seed
    )
    shown, leaked = clean(params.explanation or question.explanation)
    if not shown:
        raise InputError(
            "Nothing is left of the explanation when what says the answer is taken out; give "
            "reasons."
        )
    scenes = _student_scenes(student, examples, question, shown)
    sentences = tuple(split_sentences(shown))
    without = _leave_one_out(student, examples, question, sentences)
    pupil = try_on_training(student, examples, pool, f"seed {params.seed}")
    cot = roles.reason(teacher, examples, [question], "Teacher, thinking aloud")
    scenes += _teacher_scenes(teacher, examples, pupil, question, params.demonstrations, cot)
    scenes += _simulated_scenes(teacher, pupil, params, question, cot, shown)
    return Inputs(question, number, tuple(scenes), shown, leaked, sentences, without)


def _student_scenes(
    asker: Asker, examples: Sequence[prompts.Example], question: Question, shown: str
) -> list[Scene]:
    alone = roles.reason(asker, examples, [question], "Student alone")
    bare = roles.answer_bare(asker, examples, [question], "Without an explanation")
    taught = roles.answer_helped(asker, examples, [question], [shown], "Student taught")
    prefix = prompts.reasoning_prefix(examples)
    return [
        _reasoned("alone", prefix, question, alone),
        _answered("bare", prompts.bare_prefix(examples), prompts.ask_bare(question), bare),
        _answered("taught", prefix, prompts.ask_helped(question, shown), taught),
    ]


def _teacher_scenes(
    asker: Asker,
    examples: Sequence[prompts.Example],
    pupil: Pupil,
    question: Question,
    count: int,
    cot: roles.Reasoned,
) -> list[Scene]:
    personal = personal_examples(pupil, count) or examples
    reasons = roles.rationalise(asker, examples, [question], "Teacher, giving reasons")
    own = roles.reason(asker, personal, [question], "Teacher, personalised")
    return [
        _reasoned("cot", prompts.reasoning_prefix(examples), question, cot),
        _reasoned("rationalise", prompts.rationalising_prefix(examples), question, reasons),
        _reasoned("personalised", prompts.reasoning_prefix(personal), question, own),
    ]


def _simulated_scenes(
    asker: Asker, pupil: Pupil, params: Params, question: Question, cot: roles.Reasoned, shown: str
) -> list[Scene]:
    held, known = (question,), np.array([question.gold])
    if not params.answer_known:
        held, known = believe([question], cot)
    mind = MentalModel(asker, params.simulations, params.imagines_reasons)
    guesses = mind.guess(pupil, held, known, [shown])
    found: list[Scene] = []
    for role, guess in zip(("before", "after"), guesses, strict=True):
        scores = guess.probabilities[0]
        is_silent = prompts.is_open(question) or not scores.any()
        answer = -1 if is_silent else int(scores.argmax())
        found.append(Scene(role, guess.prefix, guess.asked[0], guess.texts[0], scores, answer))
    return found


def _leave_one_out(
    asker: Asker,
    examples: Sequence[prompts.Example],
    question: Question,
    sentences: Sequence[str],
) -> np.ndarray:
    if len(sentences) > MAXIMUM_SENTENCES or prompts.is_open(question):
        return np.zeros((0, len(question.options)))
    shorter = [
        " ".join(one for place, one in enumerate(sentences) if place != left)
        for left in range(len(sentences))
    ]
    same = [question] * len(sentences)
    label = "Without each sentence"
    return roles.answer_helped(asker, examples, same, shorter, label).probabilities


def _reasoned(role: str, prefix: str, question: Question, found: roles.Reasoned) -> Scene:
    return Scene(
        role,
        prefix,
        prompts.ask_alone(question),
        found.texts[0],
        found.probabilities[0],
        int(found.answers[0]),
        found.explanations[0],
    )


def _answered(role: str, prefix: str, prompt: str, found: roles.Answered) -> Scene:
    return Scene(role, prefix, prompt, "", found.probabilities[0], int(found.answers[0]))


def compute(inputs: Inputs, params: Params) -> Result:
    """How much each sentence is worth: with it, less without it."""
    gold = inputs.question.gold
    taught = next(scene for scene in inputs.scenes if scene.role == "taught")
    return Result(params, inputs, taught.probabilities[gold] - inputs.without[:, gold])


def summarise(result: Result) -> Summary:
    """Probability of the right answer by role, and the sentences' effects."""
    question = result.inputs.question
    numbers: dict[str, float | int] = {
        f"probability_{role}": result.confidence(role)
        for role in ("alone", "bare", "taught", "before", "after")
    }
    for role in ("alone", "taught", "cot"):
        numbers[f"right_{role}"] = int(result.scene(role).answer == question.gold)
    numbers |= {
        "expected_utility": result.confidence("after") - result.confidence("before"),
        "sentences": len(result.inputs.sentences),
        "explanation_said_the_answer": int(result.inputs.leaked),
    }
    if len(result.effects):
        numbers |= {
            "sentence_effect_largest": float(result.effects.max()),
            "sentence_effect_smallest": float(result.effects.min()),
        }
    return rounded(numbers)


THEATRE: Study[Params, Inputs, Result] = Study(
    slug="teaching.prompts",
    title="Prompt theatre",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
