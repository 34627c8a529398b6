"""What does an explanation cost? Long ones must earn their tokens.

An extension of this workbench, not of the paper (arXiv:2306.09299): the budget is counted in the
tokens of the explanations instead of in questions. Ranking by expected utility per token is the
greedy rule of the knapsack problem (Dantzig 1957); with a worth of a right answer in tokens, an
explanation pays when its expected utility times that worth exceeds its length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.intervals import Interval, Spread, interval_ends
from workbench.methods.teaching import allocation
from workbench.methods.teaching.allocation import TEACHER, TEACHERS
from workbench.methods.teaching.controls import DEFAULT_MODEL, language_model
from workbench.methods.teaching.interventions import (
    Known,
    find,
    intervention_order,
    realised_gain,
    targets,
)
from workbench.methods.teaching.measure import ask_records
from workbench.methods.teaching.records import Records
from workbench.methods.teaching.resampling import Resampling
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

WORTH = Range(
    50,
    2_000,
    50,
    "A right answer is worth (tokens)",
    live=True,
    help="An explanation is given only where expected utility times this exceeds its length.",
)
RULES = ("utility", "utility_per_token", "random")
SHARES = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    worth: Annotated[int, WORTH] = 500
    teacher: Annotated[str, TEACHER] = "human"
    student: Annotated[str, language_model("Student")] = DEFAULT_MODEL
    teacher_model: Annotated[str, language_model("Teaching model")] = DEFAULT_MODEL
    runs: Annotated[int, Range(1, 5, 1, "Runs")] = 3

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Price:
    """Accuracy for tokens under one teacher; w worths, and shares of all tokens.

    Args:
        mean_tokens: of an explanation.
        total_tokens: of all explanations of a run, mean over runs.
        curves: by rule, ``(101,)`` accuracy within each share of the tokens.
        spent: ``(w,)`` share of the tokens that the rule of worth spends.
        explained: ``(w,)`` questions that it explains, mean over runs.
        accuracy: ``(w,)`` that it reaches.
        net: ``(w,)`` right answers gained less tokens over worth, per question.
        net_of_all: ``(w,)`` the same when everything is explained.
    """

    mean_tokens: float
    total_tokens: float
    curves: Mapping[str, np.ndarray]
    spent: np.ndarray
    explained: np.ndarray
    accuracy: np.ndarray
    net: Spread
    net_of_all: Spread

    def net_at(self, w: int) -> Interval:
        """Net gain of the rule at one worth."""
        return self.net.at(w)


@dataclass(frozen=True)
class Result:
    """What the tab shows.

    Args:
        params: what was asked for.
        worths: ``(w,)`` positions of the live control, in tokens.
        prices: by teacher.
        questions: how many.
    """

    params: Params
    worths: np.ndarray
    prices: Mapping[str, Price]
    questions: int


def gather(client: ModelClient, params: Params) -> Mapping[str, Records]:
    """Ask for the records of both teachers."""
    asked = allocation.Params(
        student=params.student, teacher_model=params.teacher_model, runs=params.runs
    )
    return {teacher: ask_records(client, asked.settings(teacher)) for teacher in TEACHERS}


def compute(inputs: Mapping[str, Records], params: Params) -> Result:
    """Price every explanation of both teachers."""
    worths = np.array(WORTH.positions())
    return Result(
        params=params,
        worths=worths,
        prices={teacher: price(records, worths) for teacher, records in inputs.items()},
        questions=len(inputs[TEACHERS[0]].questions),
    )


def price(records: Records, worths: np.ndarray) -> Price:
    """What tokens buy under one teacher.

    Args:
        records: what was measured.
        worths: ``(w,)`` tokens a right answer is worth.
    """
    tokens = np.maximum(records.explanation_tokens, 1).astype(float)
    gains = realised_gain(records).astype(float)
    alone = records.student_correct
    utility = find("expected_utility").score(Known(records, targets(records)))
    orders = {
        "utility": intervention_order("expected_utility", records),
        "utility_per_token": np.argsort(-utility / tokens, axis=-1, kind="stable"),
    }
    base = alone.mean()
    curves = {
        name: base
        + np.mean([_bought(*run) for run in zip(gains, tokens, order, strict=True)], axis=0)
        for name, order in orders.items()
    }
    # a random order spends tokens and gains answers in proportion, on average
    curves["random"] = base + SHARES * gains.mean()
    pays = utility * worths[:, None, None] > tokens
    resampling = Resampling(len(records.questions))
    total = tokens.sum(axis=-1, keepdims=True)
    return Price(
        mean_tokens=float(tokens.mean()),
        total_tokens=float(total.mean()),
        curves=curves,
        spent=(pays * tokens / total).sum(axis=-1).mean(axis=-1),
        explained=pays.sum(axis=-1).mean(axis=-1),
        accuracy=base + (pays * gains).mean(axis=(1, 2)),
        net=_net(resampling, pays, gains, tokens, worths),
        net_of_all=_net(resampling, np.ones_like(pays), gains, tokens, worths),
    )


def _bought(gains: np.ndarray, tokens: np.ndarray, order: np.ndarray) -> np.ndarray:
    """``(101,)`` gain per question within each share of the tokens, explaining while it fits."""
    spent = np.cumsum(tokens[order]) / tokens.sum()
    gained = np.concatenate([[0.0], np.cumsum(gains[order])]) / len(gains)
    return gained[np.searchsorted(spent, SHARES + 1e-9, side="right")]


def _net(
    resampling: Resampling,
    pays: np.ndarray,
    gains: np.ndarray,
    tokens: np.ndarray,
    worths: np.ndarray,
) -> Spread:
    values = (pays * (gains - tokens / worths[:, None, None])).mean(axis=1)
    return Spread(values.mean(axis=-1), *interval_ends(resampling.means(values.T), axis=0))


def summarise(result: Result) -> Summary:
    """What the rule explains at this worth, and what is left of its gain."""
    found = result.prices[result.params.teacher]
    w = int(np.argmin(np.abs(result.worths - result.params.worth)))
    numbers: dict[str, float] = {
        "tokens_per_explanation": found.mean_tokens,
        "explained": float(found.explained[w]),
        "share_of_tokens": float(found.spent[w]),
        "accuracy": float(found.accuracy[w]),
    }
    for name, one in (("net", found.net.at(w)), ("net_of_all", found.net_of_all.at(w))):
        one.put(numbers, name)
    return rounded(numbers) | {"questions": result.questions}


COST: Study[Params, Mapping[str, Records], Result] = Study(
    slug="teaching.cost",
    title="Worth its words?",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
