"""Is the mental model any good? Its guesses of the student against what the student really did.

The teacher of arXiv:2306.09299 guesses the student's confidence in the right answer alone and
taught from a few of the student's real answers. Whether expected utility can work rests on these
guesses: are they calibrated, and do they rank the questions as the true utility does?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from workbench.methods.intervals import Interval, wilson_ends
from workbench.methods.teaching import allocation
from workbench.methods.teaching.allocation import TEACHER, TEACHERS
from workbench.methods.teaching.asking import Asker
from workbench.methods.teaching.controls import CHAT, DEFAULT_MODEL, REASONS, language_model
from workbench.methods.teaching.foresight import area_under_curve, over_runs, spearman
from workbench.methods.teaching.interventions import Known, realised_gain, targets
from workbench.methods.teaching.measure import Settings, ask_records
from workbench.methods.teaching.records import Records
from workbench.params import SCORERS, Flag, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

BINS = 6
MOMENTS = ("before", "after")


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    teacher: Annotated[str, TEACHER] = "human"
    simulations: Annotated[
        int,
        Range(
            2,
            12,
            2,
            "Demonstrations of the mental model",
            help="Real answers of the student that it is shown.",
        ),
    ] = 4
    is_shuffled: Annotated[
        bool,
        Flag(
            "Shuffle the student's answers",
            help="Deals its answers out to other demonstrations: what is left is no insight.",
        ),
    ] = False
    imagines_reasons: Annotated[bool, REASONS] = False
    student: Annotated[str, language_model("Student", kinds=SCORERS)] = DEFAULT_MODEL
    teacher_model: Annotated[str, language_model("Teaching model", kinds=SCORERS)] = DEFAULT_MODEL
    runs: Annotated[int, Range(1, 5, 1, "Runs")] = 3
    is_chat: Annotated[bool, CHAT] = False

    def __post_init__(self) -> None:
        check(self)

    def settings(self, teacher: str) -> Settings:
        """What to measure of one of ``TEACHERS``."""
        asked = allocation.Params(
            student=self.student,
            teacher_model=self.teacher_model,
            simulations=self.simulations,
            runs=self.runs,
            imagines_reasons=self.imagines_reasons,
            is_chat=self.is_chat,
        ).settings(teacher)
        return replace(asked, is_shuffled=self.is_shuffled)


@dataclass(frozen=True)
class Reliability:
    """Guessed confidence against how often the student was right, in bins of equal size.

    Args:
        guessed: ``(bins,)`` mean guess.
        right: ``(bins,)`` share of right answers.
        low, high: ``(bins,)`` 95 % intervals (Wilson 1927) of that share.
        error: expected calibration error, a fraction.
        mean_guess, mean_right: over everything.
    """

    guessed: np.ndarray
    right: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: float
    mean_guess: float
    mean_right: float


@dataclass(frozen=True)
class Quality:
    """How good the mental model is under one teacher; n questions of the first run.

    Args:
        reliability: by moment, over all runs.
        utility, true_utility: ``(n,)`` expected and real rise of the confidence.
        gains: ``(n,)`` what help did to the answer.
        correlation: Spearman's, expected against true utility.
        correlation_before, correlation_after: guessed against real confidence.
        helped: area under the ROC curve for answers that help puts right.
        harmed: the same for answers that help does not spoil.
    """

    reliability: Mapping[str, Reliability]
    utility: np.ndarray
    true_utility: np.ndarray
    gains: np.ndarray
    correlation: Interval
    correlation_before: Interval
    correlation_after: Interval
    helped: Interval
    harmed: Interval


@dataclass(frozen=True)
class Result:
    """What the tab shows.

    Args:
        params: what was asked for.
        qualities: by teacher.
        questions: how many.
        seed: of the first run.
    """

    params: Params
    qualities: Mapping[str, Quality]
    questions: int
    seed: int


def gather(client: ModelClient, params: Params) -> Mapping[str, Records]:
    """Ask for the records of both teachers.

    Raises:
        InputError: a model tells no probabilities.
    """
    for model in (params.student, params.teacher_model):
        Asker(client, model).refuse_black_box()
    return {teacher: ask_records(client, params.settings(teacher)) for teacher in TEACHERS}


def compute(inputs: Mapping[str, Records], params: Params) -> Result:
    """Compare every guess with what happened."""
    first = inputs[TEACHERS[0]]
    return Result(
        params=params,
        qualities={teacher: judge(records) for teacher, records in inputs.items()},
        questions=len(first.questions),
        seed=first.seeds[0],
    )


def judge(records: Records) -> Quality:
    """Calibration and ranking of one mental model."""
    known = Known(records, targets(records))
    real_before = known.confidence(records.student_probabilities)
    real_after = known.confidence(records.taught_probabilities)
    utility, true_utility = known.after - known.before, real_after - real_before
    gains = realised_gain(records)

    def runs(*arrays: np.ndarray) -> list[tuple[np.ndarray, ...]]:
        return list(zip(*arrays, strict=True))

    return Quality(
        reliability={
            "before": reliability(known.before, records.student_correct),
            "after": reliability(known.after, records.taught_correct),
        },
        utility=utility[0],
        true_utility=true_utility[0],
        gains=gains[0],
        correlation=over_runs(spearman, runs(utility, true_utility)),
        correlation_before=over_runs(spearman, runs(known.before, real_before)),
        correlation_after=over_runs(spearman, runs(known.after, real_after)),
        helped=over_runs(area_under_curve, runs(utility, gains == 1)),
        harmed=over_runs(area_under_curve, runs(utility, gains != -1)),
    )


def reliability(guessed: np.ndarray, is_right: np.ndarray, bins: int = BINS) -> Reliability:
    """Guesses against outcomes in bins of equal size (Guo et al. 2017, arXiv:1706.04599).

    Args:
        guessed: any shape, probabilities.
        is_right: the same shape.
        bins: how many, fewer when there are fewer guesses.
    """
    order = np.argsort(guessed, axis=None, kind="stable")
    parts = [p for p in np.array_split(order, bins) if p.size]
    flat, right = np.ravel(guessed), np.ravel(is_right).astype(float)
    sizes = np.array([p.size for p in parts])
    means = np.array([flat[p].mean() for p in parts])
    shares = np.array([right[p].mean() for p in parts])
    low, high = wilson_ends(shares, sizes)
    return Reliability(
        guessed=means,
        right=shares,
        low=low,
        high=high,
        error=float(np.abs(means - shares) @ sizes / sizes.sum()),
        mean_guess=float(flat.mean()),
        mean_right=float(right.mean()),
    )


def summarise(result: Result) -> Summary:
    """Calibration errors, rank correlations and areas, with their intervals."""
    quality = result.qualities[result.params.teacher]
    numbers: dict[str, float | int] = {}
    for name, one in (
        ("spearman_utility", quality.correlation),
        ("spearman_before", quality.correlation_before),
        ("spearman_after", quality.correlation_after),
        ("auroc_helped", quality.helped),
        ("auroc_not_harmed", quality.harmed),
    ):
        one.put(numbers, name)
    for moment in MOMENTS:
        found = quality.reliability[moment]
        numbers |= {
            f"calibration_error_{moment}": found.error,
            f"mean_guess_{moment}": found.mean_guess,
            f"accuracy_{moment}": found.mean_right,
        }
    return rounded(numbers) | {"questions": result.questions}


SIMULATION: Study[Params, Mapping[str, Records], Result] = Study(
    slug="teaching.simulation",
    title="A good mental model?",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
