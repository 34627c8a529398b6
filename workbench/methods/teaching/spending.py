"""What every intervention function makes of every budget, with intervals, from one set of records.

Saha, Hase and Bansal 2023 (arXiv:2306.09299), RQ1 and RQ2. Runs with other seeds are averaged; an
interval says what other questions would change, and the spread over seeds stands apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.methods.intervals import NORMAL_95, Interval, Spread, interval_ends
from workbench.methods.teaching.budget import (
    RandomCurve,
    accuracy_curve,
    anti_oracle_curve,
    divide_or_zero,
    explained,
    oracle_curve,
    random_curve,
)
from workbench.methods.teaching.interventions import (
    INTERVENTIONS,
    intervention_order,
    realised_gain,
)
from workbench.methods.teaching.records import Records
from workbench.methods.teaching.resampling import Resampling
from workbench.params import Range

BUDGET = Range(
    0.0,
    1.0,
    0.05,
    "Budget b",
    live=True,
    help="Share of the questions on which the student may see the teacher's explanation.",
)
FUNCTIONS = tuple(each.name for each in INTERVENTIONS if not each.name.endswith("oracle"))
"""What may rank the questions; the oracle and its reverse bound them."""
KINDS = ("persuadable", "sure_thing", "lost_cause", "harmed")
"""Wrong to right, right to right, wrong to wrong, right to wrong."""


@dataclass(frozen=True)
class Spending:
    """Budget curves of one student with one teacher; f functions, b budgets, n questions, s seeds.

    Args:
        records: what was measured.
        budgets: ``(b,)`` shares of the questions.
        counts: ``(b,)`` explained questions.
        orders: ``(f, s, n)`` questions, explained first to last.
        curves: ``(f, n + 1)`` accuracy, mean over seeds.
        by_seed: ``(f, s, b)`` accuracy of each run.
        accuracy: ``(f, b)``.
        gain: ``(f, b)`` accuracy less that of random choice, paired.
        random: mean over seeds and the variance of that mean over draws, ``(n + 1,)``.
        random_accuracy, oracle_accuracy: ``(b,)``.
        oracle, anti_oracle: ``(n + 1,)`` mean over seeds.
        qini: ``(f,)`` normalised area.
        spent: ``(f, b, 4)`` explained questions of each kind, mean over seeds.
        kinds: ``(4,)`` questions of each kind, mean over seeds.
        replicates: ``(f, resamples, b)`` accuracy in each resample, to compare teachers.
    """

    records: Records
    budgets: np.ndarray
    counts: np.ndarray
    orders: np.ndarray
    curves: np.ndarray
    by_seed: np.ndarray
    accuracy: Spread
    gain: Spread
    random: RandomCurve
    random_accuracy: Spread
    oracle_accuracy: Spread
    oracle: np.ndarray
    anti_oracle: np.ndarray
    qini: Spread
    spent: np.ndarray
    kinds: np.ndarray
    replicates: np.ndarray

    @property
    def alone(self) -> Interval:
        """Accuracy of the student alone."""
        return self.accuracy.at(0, 0)

    @property
    def taught(self) -> Interval:
        """Accuracy with every explanation."""
        return self.accuracy.at(0, -1)


def spend(records: Records, *, answer_known: bool = True) -> Spending:
    """Rank by every function, spend every budget, and resample the questions.

    Args:
        records: what was measured.
        answer_known: whether the teacher knows the right answers.
    """
    n, seeds = len(records.questions), len(records.seeds)
    budgets = np.array(BUDGET.positions())
    counts = np.array([explained(b, n) for b in budgets])
    alone, taught = records.student_correct, records.taught_correct
    gains = realised_gain(records)
    resampling = Resampling(n)
    orders = np.array(
        [intervention_order(name, records, answer_known=answer_known) for name in FUNCTIONS]
    )
    best = intervention_order("oracle", records)
    by_seed_curves = np.array([accuracy_curve(alone, taught, order) for order in orders])
    curves = by_seed_curves.mean(axis=1)
    chance = random_curve(alone, taught)
    oracle = oracle_curve(alone, taught).mean(axis=0)

    def resample(order: np.ndarray) -> np.ndarray:
        runs = [resampling.curves(*each, counts) for each in zip(alone, gains, order, strict=True)]
        return np.mean(runs, axis=0)

    replicates = np.array([resample(order) for order in orders])
    replicates_oracle = resample(best)
    ends = replicates[0][:, [0, -1]]  # whatever the order: nobody helped, everybody helped
    replicates_random = ends[:, :1] + counts / n * (ends[:, 1:] - ends[:, :1])
    random_mean = chance.mean.mean(axis=0)
    # by trapezoids over the budgets: on a resample the finer grid would cost ten times as much
    area, best_area = (
        np.trapezoid(each - replicates_random, counts / n, axis=-1)
        for each in (replicates, replicates_oracle)
    )
    kinds = kind_of_question(records)
    is_kind = kinds[..., None] == np.arange(len(KINDS))
    return Spending(
        records=records,
        budgets=budgets,
        counts=counts,
        orders=orders,
        curves=curves,
        by_seed=by_seed_curves[..., counts],
        accuracy=_spread(curves[:, counts], replicates),
        gain=_spread(curves[:, counts] - random_mean[counts], replicates - replicates_random),
        random=RandomCurve(random_mean, chance.variance.mean(axis=0) / seeds),
        random_accuracy=Spread(random_mean[counts], *interval_ends(replicates_random, axis=0)),
        oracle_accuracy=Spread(oracle[counts], *interval_ends(replicates_oracle, axis=0)),
        oracle=oracle,
        anti_oracle=anti_oracle_curve(alone, taught).mean(axis=0),
        qini=_spread(
            divide_or_zero((curves - random_mean).sum(axis=-1), (oracle - random_mean).sum()),
            divide_or_zero(area, best_area),
        ),
        spent=np.array([_spent(is_kind, order, counts) for order in orders]),
        kinds=is_kind.sum(axis=1).mean(axis=0),
        replicates=replicates,
    )


def kind_of_question(records: Records) -> np.ndarray:
    """``(s, n)`` place in ``KINDS`` by what help does to the answer."""
    alone, taught = records.student_correct, records.taught_correct
    return np.where(taught, np.where(alone, 1, 0), np.where(alone, 3, 2))


def compare(one: Spending, other: Spending) -> Spread:
    """``(f, b)`` accuracy under one teacher less that under another, on the same questions."""
    return _spread(one.accuracy.mean - other.accuracy.mean, one.replicates - other.replicates)


def chance_of(records: Records) -> Interval:
    """Accuracy of pure guessing, and where 95 % of guessers land on so many questions.

    ``1 / c`` on average over the questions' c options; the interval is ``± 1.96 √(c₁(1 - c₁)/n)``.
    An open question cannot be guessed.
    """
    sizes = np.array([len(q.options) for q in records.questions])
    chance = float(np.where(sizes > 1, 1.0 / sizes, 0.0).mean())
    reach = NORMAL_95 * math.sqrt(chance * (1.0 - chance) / len(sizes))
    return Interval(chance, max(0.0, chance - reach), min(1.0, chance + reach))


def constant_answers(records: Records) -> dict[str, float]:
    """Accuracy of always giving the same answer, by that answer; for yes-or-no questions."""
    return {
        name: float((records.gold == i).mean()) for i, name in enumerate(_shared_options(records))
    }


def answer_shares(records: Records) -> dict[str, tuple[float, float]]:
    """How often the student gives each answer, alone and taught; for yes-or-no questions.

    Help may change what a student is in the habit of saying, and not only what it knows.
    """
    return {
        name: (
            float((records.student_answers == i).mean()),
            float((records.taught_answers == i).mean()),
        )
        for i, name in enumerate(_shared_options(records))
    }


def _shared_options(records: Records) -> tuple[str, ...]:
    """The options, if all questions have the same and more than one; else none."""
    options = {question.options for question in records.questions}
    if len(options) != 1 or len(next(iter(options))) < 2:
        return ()
    return next(iter(options))


def _spent(is_kind: np.ndarray, order: np.ndarray, counts: np.ndarray) -> np.ndarray:
    ranked = np.take_along_axis(is_kind, order[..., None], axis=1).cumsum(axis=1)
    padded = np.concatenate([np.zeros_like(ranked[:, :1]), ranked], axis=1)
    return padded[:, counts].mean(axis=0)


def _spread(mean: np.ndarray, replicates: np.ndarray) -> Spread:
    """Functions first, resamples second."""
    return Spread(mean, *interval_ends(replicates, axis=1))
