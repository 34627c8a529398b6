"""What does a teacher do that wants the student to be wrong, and can it be noticed? RQ5.

Saha, Hase and Bansal 2023 (arXiv:2306.09299). Twenty-four questions come with explanations that
argue, fluently and falsely, for the wrong answer, and with a true one. The teacher deceives first
where it expects most of it: in ascending order of expected utility for the right answer.

Noticing it (an extension): an explanation is suspect when it leads to an answer the student held
improbable by itself. Nothing of that knows the right answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.data.teaching.question import HarmfulQuestion
from workbench.data.teaching.sets import load_harmful, load_questions
from workbench.methods.intervals import Interval, interval, interval_ends
from workbench.methods.teaching import roles
from workbench.methods.teaching.asking import Asker
from workbench.methods.teaching.budget import accuracy_curve
from workbench.methods.teaching.controls import CHAT, DEFAULT_MODEL, language_model
from workbench.methods.teaching.examples import draw_examples
from workbench.methods.teaching.interventions import intervention_order
from workbench.methods.teaching.measure import MISALIGNED as TEACHER
from workbench.methods.teaching.measure import Settings, ask_records
from workbench.methods.teaching.records import Records
from workbench.methods.teaching.resampling import Resampling
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

QUESTIONS = 24
FIRST_SEED = 41
BUDGET = Range(
    0,
    QUESTIONS,
    1,
    "Deceptive explanations",
    live=True,
    help="How many questions the misaligned teacher explains.",
)
KINDS = ("harmful_1", "harmful_2", "true")
"""First and second harmful explanation, and the true one."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    budget: Annotated[int, BUDGET] = QUESTIONS
    question: Annotated[int, Range(1, QUESTIONS, 1, "Question", live=True)] = 1
    student: Annotated[str, language_model("Student")] = DEFAULT_MODEL
    runs: Annotated[int, Range(1, 5, 1, "Runs", help="Each draws other demonstrations.")] = 3
    demonstrations: Annotated[int, Range(1, 8, 1, "Demonstrations in a prompt")] = 4
    simulations: Annotated[int, Range(2, 12, 2, "Demonstrations of the mental model")] = 4
    is_chat: Annotated[bool, CHAT] = False

    def __post_init__(self) -> None:
        check(self)

    def settings(self) -> Settings:
        """What to measure."""
        return Settings(
            student=self.student,
            teacher=TEACHER,
            seeds=tuple(FIRST_SEED + run for run in range(self.runs)),
            demonstrations=self.demonstrations,
            simulations=self.simulations,
            is_chat=self.is_chat,
        )


@dataclass(frozen=True)
class Inputs:
    """What was measured.

    Args:
        questions: n questions with their harmful explanations.
        records: with the first harmful explanation.
        taught: by kind ``(s, n, c)`` probabilities of the options with that explanation.
    """

    questions: tuple[HarmfulQuestion, ...]
    records: Records
    taught: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Detection:
    """Telling harmful explanations from true ones without knowing the answers.

    Args:
        suspicion: by kind ``(s, n)``: how improbable the student alone held the answer that the
            explanation leads to.
        area: share of questions whose harmful explanation is more suspect than their true one, a
            tie counting half; 0.5 is chance.
    """

    suspicion: Mapping[str, np.ndarray]
    area: Interval


@dataclass(frozen=True)
class Result:
    """What the study shows.

    Args:
        params: what was asked for.
        inputs: what was measured.
        alone: accuracy of the student alone.
        taught: by kind, accuracy when every question is explained so.
        curve: ``(n + 1,)`` mean accuracy when the first k questions are explained harmfully.
        low, high: ``(n + 1,)`` ends of its 95 % intervals.
        random: ``(n + 1,)`` the same with randomly chosen questions.
        drop: accuracy with the first harmful explanations less alone, paired.
        below_chance: accuracy with the first harmful explanations less chance.
        detection: whether it can be noticed.
        chance: of guessing.
        constants: accuracy of always giving one answer, by answer.
    """

    params: Params
    inputs: Inputs
    alone: Interval
    taught: Mapping[str, Interval]
    curve: np.ndarray
    low: np.ndarray
    high: np.ndarray
    random: np.ndarray
    drop: Interval
    below_chance: Interval
    detection: Detection
    chance: float
    constants: Mapping[str, float]


def gather(client: ModelClient, params: Params) -> Inputs:
    """Records of the harmful teacher, and answers with the other explanations."""
    settings = params.settings()
    questions = load_harmful()
    records = ask_records(client, settings)
    texts = {
        "harmful_2": [one.harmful[-1] for one in questions],
        "true": [one.question.explanation for one in questions],
    }
    train = load_questions(settings.task, "train")
    asker = Asker(client, settings.student, is_chat=settings.is_chat)
    found: dict[str, np.ndarray] = {"harmful_1": records.taught_probabilities}
    for kind, shown in texts.items():
        by_seed: list[np.ndarray] = []
        for seed in settings.seeds:
            examples, _ = draw_examples(train, settings.demonstrations, seed)
            label = f"Taught, {kind.replace('_', ' ')}, seed {seed}"
            by_seed.append(
                roles.answer_helped(asker, examples, records.questions, shown, label).probabilities
            )
        found[kind] = np.stack(by_seed)
    return Inputs(questions, records, found)


def compute(inputs: Inputs, params: Params) -> Result:
    """Accuracies, the deceiver's curve, and how well it is noticed."""
    records, gold = inputs.records, inputs.records.gold
    n = len(gold)
    resampling = Resampling(n)

    def mean(values: np.ndarray) -> Interval:
        return interval(float(values.mean()), resampling.means(values))

    right = {kind: right_by_seed(p, gold).mean(axis=0) for kind, p in inputs.taught.items()}
    alone = records.student_correct.mean(axis=0)
    order = intervention_order("expected_utility", records)[:, ::-1]  # least useful first
    harmed = right_by_seed(inputs.taught["harmful_1"], gold)
    curve = accuracy_curve(records.student_correct, harmed, order).mean(axis=0)
    draws = _replicate_curve(resampling, records.student_correct, harmed, order)
    low, high = interval_ends(draws, axis=0)
    k = np.arange(n + 1) / n
    chance = float(np.mean([1 / len(q.question.options) for q in inputs.questions]))
    return Result(
        params=params,
        inputs=inputs,
        alone=mean(alone),
        taught={kind: mean(values) for kind, values in right.items()},
        curve=curve,
        low=low,
        high=high,
        random=(1 - k) * alone.mean() + k * right["harmful_1"].mean(),
        drop=mean(right["harmful_1"] - alone),
        below_chance=mean(right["harmful_1"] - chance),
        detection=_detect(inputs, resampling),
        chance=chance,
        constants={
            option: float((gold == place).mean())
            for place, option in enumerate(records.questions[0].options)
        },
    )


def right_by_seed(probabilities: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """``(s, n)`` whether the most probable option is the right one; not where none was said."""
    return (probabilities.argmax(axis=-1) == gold) & probabilities.any(axis=-1)


def _replicate_curve(
    resampling: Resampling, alone: np.ndarray, taught: np.ndarray, order: np.ndarray
) -> np.ndarray:
    """``(replicates, n + 1)`` mean curves over seeds, each resample ranked anew."""
    counts = np.arange(alone.shape[1] + 1)
    gains = taught.astype(int) - alone.astype(int)
    curves = [resampling.curves(alone[s], gains[s], order[s], counts) for s in range(len(alone))]
    return np.mean(curves, axis=0)


def _detect(inputs: Inputs, resampling: Resampling) -> Detection:
    alone = inputs.records.student_probabilities
    total = alone.sum(axis=-1, keepdims=True)
    share = alone / np.where(total > 0, total, 1.0)  # a silent black box holds nothing probable
    suspicion = {
        kind: 1.0 - np.take_along_axis(share, p.argmax(axis=-1)[..., None], axis=-1)[..., 0]
        for kind, p in inputs.taught.items()
    }
    harmful, true = suspicion["harmful_1"], suspicion["true"]
    # paired by question and seed: which of its two explanations is the more suspect
    more = (harmful > true) + 0.5 * (harmful == true)
    found = interval(float(more.mean()), resampling.means(more.mean(axis=0)))
    return Detection(suspicion, found)


def summarise(result: Result) -> Summary:
    """Accuracies, the drop, and the detection, with intervals."""
    numbers: dict[str, float | int] = {}
    chosen = [
        ("accuracy_student", result.alone),
        *((f"accuracy_{kind}", one) for kind, one in result.taught.items()),
        ("harm", result.drop),
        ("harmful_less_chance", result.below_chance),
        ("detection_area", result.detection.area),
    ]
    for name, one in chosen:
        one.put(numbers, name)
    numbers |= {f"accuracy_always_{name}": share for name, share in result.constants.items()}
    numbers |= {
        "accuracy_at_budget": float(result.curve[result.params.budget]),
        "chance": result.chance,
        "questions": len(result.inputs.questions),
    }
    return rounded(numbers)


MISALIGNED: Study[Params, Inputs, Result] = Study(
    slug="teaching.misaligned",
    title="Misaligned teacher",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
