"""When is an explanation worth its place in the budget? The main study, on measured records.

Saha, Hase and Bansal 2023 (arXiv:2306.09299), RQ1 and RQ2. Every question was answered with and
without the explanation once, by a real model; all that the budget, the function and the teacher
change here is which of the two answers counts. No model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.intervals import Interval, Spread
from workbench.methods.teaching.controls import (
    CHAT,
    DEFAULT_MODEL,
    KNOWN,
    REASONS,
    TASK,
    language_model,
)
from workbench.methods.teaching.interventions import find
from workbench.methods.teaching.measure import MODES, Settings, ask_records
from workbench.methods.teaching.plane import Plane, lay_out_plane
from workbench.methods.teaching.records import Records
from workbench.methods.teaching.spending import (
    BUDGET,
    FUNCTIONS,
    Spending,
    answer_shares,
    chance_of,
    compare,
    constant_answers,
    spend,
)
from workbench.params import Choice, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

TEACHERS = ("human", "model")
TEACHER_NAMES = ("A person", "A model")
TEACHER = Choice(
    TEACHERS,
    "Teacher",
    live=True,
    names=TEACHER_NAMES,
    help="The explanations that people wrote, or those of a language model.",
)
FUNCTION = Choice(
    FUNCTIONS,
    "Explain first",
    live=True,
    names=tuple(find(name).title for name in FUNCTIONS),
    help="What ranks the questions. 'True' ones look at the student itself, which no teacher can.",
)
FIRST_SEED = 41


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    budget: Annotated[float, BUDGET] = 0.2
    function: Annotated[str, FUNCTION] = "expected_utility"
    teacher: Annotated[str, TEACHER] = "human"
    task: Annotated[str, TASK] = "strategyqa"
    student: Annotated[str, language_model("Student")] = DEFAULT_MODEL
    teacher_model: Annotated[
        str,
        language_model(
            "Teaching model",
            "It also imagines its student. A person's student is imagined by its own model.",
        ),
    ] = DEFAULT_MODEL
    mode: Annotated[
        str,
        Choice(
            MODES,
            "The model teaches by",
            names=(
                "Thinking aloud",
                "Giving reasons for the answer",
                "Thinking aloud, after what helped this student",
            ),
        ),
    ] = "cot"
    count: Annotated[
        int,
        Range(
            0,
            2_500,
            10,
            "Test questions",
            help="Each answer in its share of all; 0 takes all there are.",
        ),
    ] = 0
    runs: Annotated[
        int, Range(1, 5, 1, "Runs", help="Each draws other demonstrations; the first seed is 41.")
    ] = 3
    demonstrations: Annotated[int, Range(1, 8, 1, "Demonstrations in a prompt")] = 4
    simulations: Annotated[int, Range(2, 12, 2, "Demonstrations of the mental model")] = 4
    answer_known: Annotated[bool, KNOWN] = True
    imagines_reasons: Annotated[bool, REASONS] = False
    is_chat: Annotated[bool, CHAT] = False

    def __post_init__(self) -> None:
        check(self)

    def settings(self, teacher: str) -> Settings:
        """What to measure of one of ``TEACHERS``."""
        return Settings(
            task=self.task,
            student=self.student,
            teacher="human" if teacher == "human" else self.teacher_model,
            mode=self.mode,
            seeds=tuple(FIRST_SEED + run for run in range(self.runs)),
            count=self.count,
            demonstrations=self.demonstrations,
            simulations=self.simulations,
            answer_known=self.answer_known,
            imagines_reasons=self.imagines_reasons,
            is_chat=self.is_chat,
        )


@dataclass(frozen=True)
class Result:
    """What the tab shows.

    Args:
        params: what was asked for.
        spendings: by teacher.
        planes: by teacher, of the first run.
        difference: ``(f, b)`` accuracy with the person less that with the model.
        chance: of pure guessing.
        constants: accuracy of always giving one answer, by answer.
        shares: by teacher how often the student gives each answer, alone and taught.
    """

    params: Params
    spendings: Mapping[str, Spending]
    planes: Mapping[str, Plane]
    difference: Spread
    chance: Interval
    constants: Mapping[str, float]
    shares: Mapping[str, Mapping[str, tuple[float, float]]]


def gather(client: ModelClient, params: Params) -> Mapping[str, Records]:
    """Ask for the records of both teachers."""
    return {teacher: ask_records(client, params.settings(teacher)) for teacher in TEACHERS}


def compute(inputs: Mapping[str, Records], params: Params) -> Result:
    """Spend every budget by every function on both teachers' explanations."""
    spendings = {
        teacher: spend(records, answer_known=params.answer_known)
        for teacher, records in inputs.items()
    }
    return Result(
        params=params,
        spendings=spendings,
        planes={
            teacher: lay_out_plane(spending, answer_known=params.answer_known)
            for teacher, spending in spendings.items()
        },
        difference=compare(spendings["human"], spendings["model"]),
        chance=chance_of(inputs["human"]),
        constants=constant_answers(inputs["human"]),
        shares={teacher: answer_shares(records) for teacher, records in inputs.items()},
    )


def summarise(result: Result) -> Summary:
    """Accuracies at the budget with their intervals, and what the explanations were spent on."""
    params = result.params
    spending = result.spendings[params.teacher]
    b = int(np.argmin(np.abs(spending.budgets - params.budget)))
    f = FUNCTIONS.index(params.function)
    utility = FUNCTIONS.index("expected_utility")
    numbers: dict[str, float | int] = {"explained": int(spending.counts[b])}
    for name, one in (
        ("accuracy_student", spending.alone),
        ("accuracy_taught", spending.taught),
        ("accuracy_random", spending.random_accuracy.at(b)),
        ("accuracy_expected_utility", spending.accuracy.at(utility, b)),
        ("accuracy_function", spending.accuracy.at(f, b)),
        ("accuracy_oracle", spending.oracle_accuracy.at(b)),
        ("chance", result.chance),
        ("gain_over_random", spending.gain.at(f, b)),
        ("gain_of_a_person_over_the_model", result.difference.at(f, b)),
        ("qini", spending.qini.at(f)),
    ):
        one.put(numbers, name)
    records = spending.records
    helped, sure, lost, harmed = (float(x) for x in spending.spent[f, b])
    numbers |= {
        "accuracy_baseline": float(records.baseline_correct.mean()),
        "accuracy_teacher": float(records.teacher_correct.mean()),
        "accuracy_constant": max(result.constants.values(), default=0.0),
        "helped": helped,
        "harmed": harmed,
        "wasted": sure + lost,
        "deviation_over_seeds": float(spending.by_seed[f, :, b].std()),
        "leak_rate": float(records.leaks.mean()),
        "questions": len(records.questions),
        "runs": len(records.seeds),
    }
    return rounded(numbers)


ALLOCATION: Study[Params, Mapping[str, Records], Result] = Study(
    slug="teaching",
    title="When to help?",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
