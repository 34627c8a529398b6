"""Does an explanation help more when the teacher saw what helps this very student? RQ3.

Saha, Hase and Bansal 2023 (arXiv:2306.09299). A personalised teacher is shown training questions
on which a human explanation turned this student from wrong to right; an unpersonalised one is shown
the student's own demonstrations. Two students may be two models, or one model with two sets of
demonstrations: then they differ in nothing else, and personalisation has little to hold on to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from workbench.data.teaching.question import Question
from workbench.data.teaching.sets import load_questions, take_evenly
from workbench.methods.intervals import Interval, interval
from workbench.methods.teaching import roles
from workbench.methods.teaching.asking import Asker
from workbench.methods.teaching.controls import CHAT, DEFAULT_MODEL, TASK, language_model
from workbench.methods.teaching.examples import (
    draw_examples,
    personal_examples,
    try_on_training,
)
from workbench.methods.teaching.prompts import Example
from workbench.methods.teaching.resampling import Resampling
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

TEACHERS = ("unpersonalised", "for_a", "for_b")
STUDENTS = ("a", "b")
MOST_QUESTIONS = 200


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    question: Annotated[
        int, Range(1, MOST_QUESTIONS, 1, "Question", live=True, help="Whose explanations to read.")
    ] = 1
    student_a: Annotated[str, language_model("Student A")] = DEFAULT_MODEL
    student_b: Annotated[str, language_model("Student B")] = DEFAULT_MODEL
    teacher: Annotated[str, language_model("Teacher")] = DEFAULT_MODEL
    task: Annotated[str, TASK] = "strategyqa"
    count: Annotated[int, Range(8, MOST_QUESTIONS, 8, "Test questions")] = 64
    demonstrations: Annotated[int, Range(1, 8, 1, "Demonstrations in a prompt")] = 4
    seed_a: Annotated[int, Range(41, 60, 1, "Seed of A's demonstrations")] = 41
    seed_b: Annotated[int, Range(41, 60, 1, "Seed of B's demonstrations")] = 42
    is_chat: Annotated[bool, CHAT] = False

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """What was measured.

    Args:
        questions: n questions.
        alone: by student its answers alone, ``(n,)``.
        taught: by teacher and student its answers when taught, ``(n,)``.
        explanations: by teacher n explanations.
        demonstrations: by teacher the examples it was shown.
        found: for each student, how many training questions a human explanation put right.
    """

    questions: tuple[Question, ...]
    alone: dict[str, np.ndarray]
    taught: dict[tuple[str, str], np.ndarray]
    explanations: dict[str, tuple[str, ...]]
    demonstrations: dict[str, tuple[Example, ...]]
    found: dict[str, int]


@dataclass(frozen=True)
class Result:
    """What the table shows.

    Args:
        params: what was asked for.
        inputs: what was measured.
        alone: accuracy of each student alone.
        taught: accuracy by teacher and student.
        gain: by student, accuracy with its own teacher less with the unpersonalised one, paired.
        match: accuracy with one's own teacher less with the other student's, over both, paired.
    """

    params: Params
    inputs: Inputs
    alone: dict[str, Interval]
    taught: dict[tuple[str, str], Interval]
    gain: dict[str, Interval]
    match: Interval


def gather(client: ModelClient, params: Params) -> Inputs:
    """Try both students on training questions, make both teachers, and teach crosswise."""
    train = load_questions(params.task, "train")
    test = take_evenly(load_questions(params.task, "test"), params.count)
    teacher = Asker(client, params.teacher, is_chat=params.is_chat)
    models = {"a": (params.student_a, params.seed_a), "b": (params.student_b, params.seed_b)}
    own: dict[str, tuple[Example, ...]] = {}
    shown: dict[str, tuple[Example, ...]] = {}
    alone: dict[str, np.ndarray] = {}
    found: dict[str, int] = {}
    for name, (model, seed) in models.items():
        asker, title = replace(teacher, model=model), f"student {name.upper()}"
        own[name], pool = draw_examples(train, params.demonstrations, seed)
        alone[name] = roles.reason(asker, own[name], test, f"Alone, {title}").answers
        pupil = try_on_training(asker, own[name], pool, title)
        helpful = personal_examples(pupil, len(pool))
        found[name] = len(helpful)
        shown[f"for_{name}"] = helpful[: params.demonstrations] or own[name]
    shown["unpersonalised"] = own["a"]
    explanations = {
        name: roles.reason(teacher, shown[name], test, f"Teacher {_title(name)}").explanations
        for name in TEACHERS
    }
    taught = {
        (name, student): _teach(
            replace(teacher, model=models[student][0]),
            own[student],
            test,
            explanations[name],
            f"{student.upper()} taught by {_title(name)}",
        )
        for name in TEACHERS
        for student in STUDENTS
    }
    return Inputs(test, alone, taught, explanations, shown, found)


def _title(teacher: str) -> str:
    return teacher.replace("for_a", "for A").replace("for_b", "for B")


def _teach(
    asker: Asker,
    examples: Sequence[Example],
    questions: Sequence[Question],
    explanations: Sequence[str],
    label: str,
) -> np.ndarray:
    return roles.answer_helped(asker, examples, questions, explanations, label).answers


def compute(inputs: Inputs, params: Params) -> Result:
    """Accuracies, and paired differences over the same questions."""
    gold = np.array([question.gold for question in inputs.questions])
    resampling = Resampling(len(gold))

    def mean(values: np.ndarray) -> Interval:
        return interval(float(values.mean()), resampling.means(values))

    right = {key: (answers == gold).astype(float) for key, answers in inputs.taught.items()}
    gain = {
        student: right[f"for_{student}", student] - right["unpersonalised", student]
        for student in STUDENTS
    }
    matched = (right["for_a", "a"] + right["for_b", "b"]) / 2
    crossed = (right["for_a", "b"] + right["for_b", "a"]) / 2
    return Result(
        params,
        inputs,
        {name: mean((inputs.alone[name] == gold).astype(float)) for name in STUDENTS},
        {key: mean(values) for key, values in right.items()},
        {student: mean(values) for student, values in gain.items()},
        mean(matched - crossed),
    )


def summarise(result: Result) -> Summary:
    """The table and its differences."""
    numbers: dict[str, float | int] = {}
    chosen = [
        *((f"accuracy_{name}_alone", one) for name, one in result.alone.items()),
        *((f"accuracy_{s}_taught_{t}", one) for (t, s), one in result.taught.items()),
        *((f"gain_personalised_{name}", one) for name, one in result.gain.items()),
        ("gain_own_over_others_teacher", result.match),
    ]
    for name, one in chosen:
        one.put(numbers, name)
    numbers |= {f"helpful_examples_{name}": n for name, n in result.inputs.found.items()}
    numbers["questions"] = len(result.inputs.questions)
    return rounded(numbers)


PERSONAL: Study[Params, Inputs, Result] = Study(
    slug="teaching.personal",
    title="Made for one student",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
