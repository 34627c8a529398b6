"""Do explained examples help on questions that nobody explains? RQ4.

Saha, Hase and Bansal 2023 (arXiv:2306.09299). Over several rounds the teacher picks training
questions by expected utility, explains them, and question, explanation and the teacher's answer
become demonstrations of the student; at the test nothing of the teacher's is in the prompt but
those. Compared are the same questions explained by a person, by the student itself, and not at all.

Departures: the released code draws the questions at random, and replaces the demonstrations at each
size; here they are picked by expected utility, as the paper says, and accumulate. The ranking is
made once, with the student as it is at the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    Pupil,
    draw_examples,
    human_example,
    personal_examples,
    try_on_training,
)
from workbench.methods.teaching.mental_model import MentalModel
from workbench.methods.teaching.prompts import Example, is_open
from workbench.methods.teaching.resampling import Resampling
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

SOURCES = ("teacher", "human", "student", "none")
SOURCE_NAMES = ("The teacher", "A person", "The student itself", "Nobody")
ROUNDS = 5
A_ROUND = 2
"""Questions explained in each round: 2, 4, 6, 8 and 10 demonstrations, as in the release."""
FIRST_DEMONSTRATIONS = 4
SIMULATIONS = 4


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    round: Annotated[
        int, Range(1, ROUNDS, 1, "Round", live=True, help="Two more examples in each.")
    ] = ROUNDS
    student: Annotated[str, language_model("Student")] = DEFAULT_MODEL
    teacher: Annotated[str, language_model("Teacher")] = DEFAULT_MODEL
    task: Annotated[str, TASK] = "strategyqa"
    count: Annotated[int, Range(8, 200, 8, "Test questions")] = 40
    seed: Annotated[int, Range(41, 60, 1, "Seed of the demonstrations")] = 41
    is_chat: Annotated[bool, CHAT] = False

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """What was measured.

    Args:
        questions: n test questions.
        examples: by source the demonstrations in the order in which they were added.
        utility: expected utility of each of them.
        answers: by source ``(r, n)`` the student's answers after each round.
        before: ``(n,)`` its answers with the demonstrations it had at the start.
    """

    questions: tuple[Question, ...]
    examples: Mapping[str, tuple[Example, ...]]
    utility: np.ndarray
    answers: Mapping[str, np.ndarray]
    before: np.ndarray


@dataclass(frozen=True)
class Result:
    """What the study shows.

    Args:
        params: what was asked for.
        inputs: what was measured.
        accuracy: by source, after each round.
        before: accuracy with the first demonstrations.
        gain: by source but "none", the last round less the same questions without explanation.
        chance: of guessing; 0 for open questions.
    """

    params: Params
    inputs: Inputs
    accuracy: Mapping[str, tuple[Interval, ...]]
    before: Interval
    gain: Mapping[str, Interval]
    chance: float


def gather(client: ModelClient, params: Params) -> Inputs:
    """Rank training questions, explain the best, and test the student after each round."""
    test = take_evenly(load_questions(params.task, "test"), params.count)
    student = Asker(client, params.student, is_chat=params.is_chat)
    first, pool = draw_examples(
        load_questions(params.task, "train"), FIRST_DEMONSTRATIONS, params.seed
    )
    before = roles.reason(student, first, test, "Before the first round").answers
    pupil = try_on_training(student, first, pool, f"seed {params.seed}")
    teacher = replace(student, model=params.teacher)
    personal = personal_examples(pupil, FIRST_DEMONSTRATIONS) or first
    taught = roles.reason(teacher, personal, pool, "Teacher, personalised")
    utility = _utility(teacher, pupil, taught)
    picked = np.argsort(-utility, kind="stable")[: ROUNDS * A_ROUND]
    examples = _examples(pupil, taught, picked)
    answers = {
        source: np.stack(
            [
                _answer(student, source, examples[source][: A_ROUND * (done + 1)], test, done + 1)
                for done in range(ROUNDS)
            ]
        )
        for source in SOURCES
    }
    return Inputs(test, examples, utility[picked], answers, before)


def _utility(teacher: Asker, pupil: Pupil, taught: roles.Reasoned) -> np.ndarray:
    """``(m,)`` expected utility on the training questions, for the answers known to be right."""
    mind = MentalModel(teacher, SIMULATIONS)
    before, after = mind.guess(pupil, pupil.pool, pupil.gold, taught.explanations)
    rows = np.arange(len(pupil.pool))
    return after.probabilities[rows, pupil.gold] - before.probabilities[rows, pupil.gold]


def _examples(
    pupil: Pupil, taught: roles.Reasoned, picked: np.ndarray
) -> dict[str, tuple[Example, ...]]:
    """The same questions as each source explains them, with the answer that it gives."""
    pool, alone = pupil.pool, pupil.alone

    def told(found: roles.Reasoned, place: int) -> Example:
        question, said = pool[place], found.said[place]
        if is_open(question):  # the number that was really said, right or wrong
            return Example(replace(question, options=(said,)), found.explanations[place], 0)
        return Example(question, found.explanations[place], int(found.answers[place]))

    people = tuple(human_example(pool[place]) for place in picked)
    return {
        "teacher": tuple(told(taught, int(place)) for place in picked),
        "human": people,
        "student": tuple(told(alone, int(place)) for place in picked),
        "none": people,
    }


def _answer(
    asker: Asker, source: str, examples: Sequence[Example], test: Sequence[Question], done: int
) -> np.ndarray:
    label = f"Round {done}, {source}"
    if source == "none":
        return roles.answer_bare(asker, examples, test, label).answers
    return roles.reason(asker, examples, test, label).answers


def compute(inputs: Inputs, params: Params) -> Result:
    """Accuracies with intervals, and paired gains in the last round."""
    gold = np.array([question.gold for question in inputs.questions])
    resampling = Resampling(len(gold))

    def mean(values: np.ndarray) -> Interval:
        return interval(float(values.mean()), resampling.means(values))

    right = {source: (one == gold).astype(float) for source, one in inputs.answers.items()}
    widths = [len(question.options) for question in inputs.questions]
    return Result(
        params,
        inputs,
        {source: tuple(mean(of_round) for of_round in one) for source, one in right.items()},
        mean((inputs.before == gold).astype(float)),
        {source: mean(right[source][-1] - right["none"][-1]) for source in SOURCES[:-1]},
        0.0 if max(widths) == 1 else float(np.mean([1 / width for width in widths])),
    )


def summarise(result: Result) -> Summary:
    """Accuracies in the chosen round and the gains in the last."""
    numbers: dict[str, float | int] = {}
    place = result.params.round - 1
    chosen = [
        ("accuracy_before", result.before),
        *((f"accuracy_{source}", one[place]) for source, one in result.accuracy.items()),
        *((f"gain_{source}", one) for source, one in result.gain.items()),
    ]
    for name, one in chosen:
        one.put(numbers, name)
    numbers |= {
        "chance": result.chance,
        "demonstrations": A_ROUND * result.params.round,
        "questions": len(result.inputs.questions),
    }
    return rounded(numbers)


TEACHING_ROUNDS: Study[Params, Inputs, Result] = Study(
    slug="teaching.rounds",
    title="Lessons that last",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
