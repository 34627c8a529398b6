"""Be the teacher: spend a few explanations by hand, then be scored against rules and chance.

The questions are a draw out of the measured ones (arXiv:2306.09299), so every answer with and
without help is a real one. What random choice would have got is exact: of k chosen among n, the
numbers of helped and harmed follow the multivariate hypergeometric distribution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.teaching import allocation
from workbench.methods.teaching.allocation import TEACHER_NAMES, TEACHERS
from workbench.methods.teaching.interventions import Known, find, realised_gain, targets
from workbench.methods.teaching.measure import ask_records
from workbench.methods.teaching.records import Question, Records
from workbench.params import Choice, Picks, Range, check, picked
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

QUESTIONS = 20
EXPLANATIONS = 6
SHOWN = ("question", "student", "simulation")
SHOWN_NAMES = ("Only the questions", "How sure the student is", "What the mental model expects")


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    picks: Annotated[
        str,
        Picks(
            "You explain",
            highest=QUESTIONS - 1,
            max_items=EXPLANATIONS,
            help="Click rows of the figure, or write their numbers.",
        ),
    ] = ""
    shown: Annotated[
        str,
        Choice(
            SHOWN,
            "You see",
            names=SHOWN_NAMES,
            help="The last is all that the expected utility goes by.",
        ),
    ] = "student"
    deal: Annotated[int, Range(1, 200, 1, "Deal", help="Other questions each time.")] = 1
    teacher: Annotated[str, Choice(TEACHERS, "Explanations by", names=TEACHER_NAMES)] = "human"

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Score:
    """What the explanations came to once all are spent; numbers of right answers gained.

    Args:
        gains: ``(m,)`` Δ of each question.
        mine, expected_utility, oracle: gained by the person, the rule and the best choice.
        random_gains: ``(r,)`` every gain that random choice can reach.
        random_chances: ``(r,)`` how likely each is.
        chosen_by_rule: ``(m,)`` which questions expected utility would explain.
    """

    gains: np.ndarray
    mine: int
    expected_utility: int
    oracle: int
    random_gains: np.ndarray
    random_chances: np.ndarray
    chosen_by_rule: np.ndarray

    @property
    def random_mean(self) -> float:
        """Expected gain of random choice."""
        return float(self.random_gains @ self.random_chances)

    @property
    def chance_of_as_much(self) -> float:
        """How often random choice does at least as well as the person."""
        return float(self.random_chances[self.random_gains >= self.mine].sum())


@dataclass(frozen=True)
class Result:
    """The dealt questions; m of them.

    Args:
        params: what was asked for.
        numbers: ``(m,)`` place of each in the records.
        questions: the questions.
        explanations: what the student would be shown.
        before: ``(m,)`` confidence in the right answer alone, real or simulated.
        after: ``(m,)`` the same when taught; only for the simulated student.
        is_picked: ``(m,)`` which the person explains.
        budget: how many may be explained.
        right_alone: how many the student gets right by itself; 0 until all are spent.
        score: once all explanations are spent.
    """

    params: Params
    numbers: np.ndarray
    questions: tuple[Question, ...]
    explanations: tuple[str, ...]
    before: np.ndarray | None
    after: np.ndarray | None
    is_picked: np.ndarray
    budget: int
    right_alone: int
    score: Score | None


def gather(client: ModelClient, params: Params) -> Records:
    """Ask for the first run of what the main study opens with."""
    return ask_records(client, allocation.Params(runs=1).settings(params.teacher))


def compute(inputs: Records, params: Params) -> Result:
    """Deal questions, and score the person once every explanation is spent."""
    n = len(inputs.questions)
    numbers = np.random.default_rng(params.deal).permutation(n)[:QUESTIONS]
    numbers.sort()
    size = len(numbers)
    budget = min(EXPLANATIONS, size)
    is_picked = np.isin(np.arange(size), picked(params.picks))
    known = Known(inputs, targets(inputs))
    is_spent = int(is_picked.sum()) == budget
    before, after = _see(known, params.shown, numbers)
    return Result(
        params=params,
        numbers=numbers,
        questions=tuple(inputs.questions[i] for i in numbers),
        explanations=tuple(inputs.explanations[0][i] for i in numbers),
        before=before,
        after=after,
        is_picked=is_picked,
        budget=budget,
        right_alone=int(inputs.student_correct[0, numbers].sum()) if is_spent else 0,
        score=_score(known, numbers, is_picked) if is_spent else None,
    )


def _see(
    known: Known, shown: str, numbers: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    match shown:
        case "student":
            return known.confidence(known.records.student_probabilities)[0, numbers], None
        case "simulation":
            return known.before[0, numbers], known.after[0, numbers]
        case _:
            return None, None


def _score(known: Known, numbers: np.ndarray, is_picked: np.ndarray) -> Score:
    gains = realised_gain(known.records)[0, numbers].astype(int)
    budget = int(is_picked.sum())
    utility = find("expected_utility").score(known)[0, numbers]
    by_rule = np.argsort(-utility, kind="stable")[:budget]
    reached, chances = random_gains(
        int((gains == 1).sum()), int((gains == -1).sum()), len(gains), budget
    )
    return Score(
        gains=gains,
        mine=int(gains[is_picked].sum()),
        expected_utility=int(gains[by_rule].sum()),
        oracle=int(np.sort(gains)[::-1][:budget].sum()),
        random_gains=reached,
        random_chances=chances,
        chosen_by_rule=np.isin(np.arange(len(gains)), by_rule),
    )


def random_gains(
    helped: int, harmed: int, questions: int, chosen: int
) -> tuple[np.ndarray, np.ndarray]:
    """What k questions chosen by chance gain, and how likely each gain is.

    Args:
        helped: questions that help turns right.
        harmed: questions that help turns wrong.
        questions: all of them.
        chosen: k.

    Returns:
        ``(2k + 1,)`` gains from -k to k and ``(2k + 1,)`` probabilities.
    """
    rest = questions - helped - harmed
    ways = np.zeros(2 * chosen + 1)
    for up in range(min(helped, chosen) + 1):
        for down in range(min(harmed, chosen - up) + 1):
            ways[chosen + up - down] += (
                math.comb(helped, up)
                * math.comb(harmed, down)
                * math.comb(rest, chosen - up - down)
            )
    return np.arange(-chosen, chosen + 1), ways / math.comb(questions, chosen)


def summarise(result: Result) -> Summary:
    """How much is spent; the scores only once everything is."""
    numbers: dict[str, float | int | bool] = {
        "explained": int(result.is_picked.sum()),
        "budget": result.budget,
        "questions": len(result.questions),
        "is_spent": result.score is not None,
    }
    if (score := result.score) is not None:
        m = len(result.questions)
        numbers |= {
            "right_alone": result.right_alone,
            "right_taught_by_you": result.right_alone + score.mine,
            "right_by_random": float(f"{result.right_alone + score.random_mean:.6g}"),
            "right_by_expected_utility": result.right_alone + score.expected_utility,
            "right_by_oracle": result.right_alone + score.oracle,
            "accuracy_by_you": float(f"{(result.right_alone + score.mine) / m:.6g}"),
            "chance_of_as_much": float(f"{score.chance_of_as_much:.6g}"),
        }
    return numbers


HAND: Study[Params, Records, Result] = Study(
    slug="teaching.hand",
    title="Be the teacher",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
