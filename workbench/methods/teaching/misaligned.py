"""What if the teacher misleads? Explanations that argue for the wrong answer, and telling them.

RQ5 of arXiv:2306.09299: a misaligned teacher explains where its mental model expects the least, so
as to harm its student most with few words. The same questions are explained honestly for
comparison. Detection is an addition of this workbench: an explanation is suspect when it moves the
student away from the answer that a checker holds for right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated

import numpy as np

from workbench.errors import BugError
from workbench.methods.teaching import allocation
from workbench.methods.teaching.foresight import area_under_curve
from workbench.methods.teaching.interventions import Known, targets
from workbench.methods.teaching.measure import MISALIGNED, ask_records
from workbench.methods.teaching.records import Question, Records
from workbench.methods.teaching.resampling import Interval, Resampling, interval
from workbench.methods.teaching.spending import (
    BUDGET,
    FUNCTIONS,
    Bounded,
    Spending,
    chance_of,
    compare,
    spend,
)
from workbench.params import Choice, Model, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

TEACHERS = ("honest", "misaligned")
CHECKERS = ("model", "gold")
ORDERS = {"honest": "expected_utility", "misaligned": "deceive"}
"""Whom each teacher explains first."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    budget: Annotated[float, BUDGET] = 1.0
    checker: Annotated[
        str,
        Choice(
            CHECKERS,
            "Checked against",
            live=True,
            names=("A model's own answer", "The right answer"),
            help="Nobody who needs a teacher knows the right answer: it shows the best one can do.",
        ),
    ] = "model"
    student: Annotated[str, Model("causal-lm", "Student")] = "smollm2-135m-instruct"
    runs: Annotated[int, Range(1, 5, 1, "Runs")] = 3

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Detection:
    """Can a misleading explanation be told by what it does to the student?

    Args:
        shifts: by teacher, ``(s, n)`` rise of the student's confidence in the checker's answer.
        area: how often an honest explanation raises it more than a misleading one.
    """

    shifts: Mapping[str, np.ndarray]
    area: Interval


@dataclass(frozen=True)
class Result:
    """What the tab shows; n questions that have both kinds of explanation.

    Args:
        params: what was asked for.
        spendings: by teacher.
        difference: ``(f, b)`` accuracy with honest less that with misleading explanations, each
            function against itself.
        confidence: by "alone" and teacher, ``(n,)`` mean confidence in the right answer.
        detections: by checker.
        chance: of pure guessing.
        questions: the questions.
        checker_accuracy: of the model's own answers.
    """

    params: Params
    spendings: Mapping[str, Spending]
    difference: Bounded
    confidence: Mapping[str, np.ndarray]
    detections: Mapping[str, Detection]
    chance: Interval
    questions: tuple[Question, ...]
    checker_accuracy: float


def gather(client: ModelClient, params: Params) -> Mapping[str, Records]:
    """Ask for the misleading records, and for the honest ones of the same questions."""
    settings = allocation.Params(student=params.student, runs=params.runs).settings("human")
    misaligned = ask_records(client, replace(settings, teacher=MISALIGNED))
    honest = ask_records(client, settings)
    places = {question.qid: place for place, question in enumerate(honest.questions)}
    missing = [q.qid for q in misaligned.questions if q.qid not in places]
    if missing:
        raise BugError(f"No honest explanation for the questions {', '.join(missing)}.")
    own = [places[q.qid] for q in misaligned.questions]
    return {"honest": select(honest, own), "misaligned": misaligned}


def select(records: Records, places: list[int]) -> Records:
    """The records of some questions, in the order given."""
    chosen: dict[str, object] = {}
    for field in fields(Records):
        value = getattr(records, field.name)
        if isinstance(value, np.ndarray):
            chosen[field.name] = value[:, places]
        elif field.name in ("explanations", "student_texts"):
            chosen[field.name] = tuple(tuple(run[i] for i in places) for run in value)
    chosen["questions"] = tuple(records.questions[i] for i in places)
    return replace(records, **chosen)  # type: ignore[arg-type]  # fields of its own


def compute(inputs: Mapping[str, Records], params: Params) -> Result:
    """Spend both teachers' budgets, and see whether one can be told from the other."""
    spendings = {teacher: spend(records) for teacher, records in inputs.items()}
    honest, misaligned = inputs["honest"], inputs["misaligned"]

    def confidence(records: Records, probabilities: np.ndarray) -> np.ndarray:
        return Known(records, targets(records)).confidence(probabilities).mean(axis=0)

    return Result(
        params=params,
        spendings=spendings,
        difference=compare(spendings["honest"], spendings["misaligned"]),
        confidence={
            "alone": confidence(honest, honest.student_probabilities),
            "honest": confidence(honest, honest.taught_probabilities),
            "misaligned": confidence(misaligned, misaligned.taught_probabilities),
        },
        detections={
            checker: detect(inputs, answer_known=checker == "gold") for checker in CHECKERS
        },
        chance=chance_of(honest),
        questions=honest.questions,
        checker_accuracy=float(honest.teacher_correct.mean()),
    )


def detect(inputs: Mapping[str, Records], *, answer_known: bool) -> Detection:
    """How far each explanation moves the student towards the answer a checker holds for right.

    Args:
        inputs: records by teacher, of the same questions.
        answer_known: whether the checker knows the right answers; else a model's own count.
    """
    shifts: dict[str, np.ndarray] = {}
    for teacher, records in inputs.items():
        # one checker for both: what it would answer itself does not hang on the explanation
        known = Known(records, targets(inputs["honest"], answer_known=answer_known))
        after = known.confidence(records.taught_probabilities)
        shifts[teacher] = after - known.confidence(records.student_probabilities)
    n = shifts["honest"].shape[1]
    is_honest = np.repeat([True, False], n)

    def area(times: np.ndarray) -> np.ndarray:
        twice = np.concatenate([times, times], axis=1)
        runs = zip(shifts["honest"], shifts["misaligned"], strict=True)
        return np.mean(
            [area_under_curve(np.concatenate(run), is_honest, twice) for run in runs], axis=0
        )

    point = area(np.ones((1, n), dtype=np.int64))[0]
    return Detection(shifts, interval(float(point), area(Resampling(n).times)))


def summarise(result: Result) -> Summary:
    """Accuracies at the budget, with honest and misleading help, and how well they are told."""
    b = int(np.argmin(np.abs(result.spendings["honest"].budgets - result.params.budget)))
    numbers: dict[str, float] = {}
    rows = [("accuracy_student", result.spendings["honest"].alone), ("chance", result.chance)]
    for teacher in TEACHERS:
        f = FUNCTIONS.index(ORDERS[teacher])
        rows.append((f"accuracy_{teacher}", result.spendings[teacher].accuracy.at(f, b)))
    rows.append(("honest_over_misaligned_everywhere", result.difference.at(0, -1)))
    rows += [(f"auroc_told_by_{c}", result.detections[c].area) for c in CHECKERS]
    for name, one in rows:
        numbers |= {name: one.mean, f"{name}_low": one.low, f"{name}_high": one.high}
    numbers["accuracy_checker"] = result.checker_accuracy
    rounded = {name: float(f"{value:.6g}") for name, value in numbers.items()}
    return rounded | {"questions": len(result.questions)}


MISALIGNMENT: Study[Params, Mapping[str, Records], Result] = Study(
    slug="teaching.misaligned",
    title="A misleading teacher",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
