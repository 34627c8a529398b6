"""Every number that the lesson of the teaching tab states is the tab's own at those settings."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from workbench.methods.intervals import Interval
from workbench.methods.teaching import (
    ALLOCATION,
    HAND,
    MISALIGNED,
    SIMULATION,
    allocation,
    hand,
    misaligned,
    simulation,
)
from workbench.methods.teaching.spending import FUNCTIONS, KINDS, Spending
from workbench.server.local import open_engine
from workbench.settings import Settings
from workbench.study import execute

LESSON = Path(__file__).parents[2] / "assets" / "lessons" / "teaching.toml"
STEPS = tomllib.loads(LESSON.read_text(encoding="utf-8"))["step"]
SIX = "0 1 2 3 4 5"


def said(step: int) -> str:
    return " ".join(STEPS[step][part] for part in ("text", "reveal"))


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def signed(points: float, form: str = "+.1f") -> str:
    return format(points, form).replace("-", "\N{MINUS SIGN}")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, object]:
    """Results from what is shipped, with no model at hand."""
    engine = open_engine(Settings(home=tmp_path_factory.mktemp("home"), offline=True))
    try:
        return {
            study.slug: execute(study, engine, params).result
            for study, params in (
                (ALLOCATION, ALLOCATION.params()),
                (SIMULATION, SIMULATION.params()),
                (HAND, HAND.params(picks=SIX)),
                (MISALIGNED, MISALIGNED.params()),
            )
        }
    finally:
        engine.close()


@pytest.fixture(scope="module")
def people(shipped: Mapping[str, object]) -> Spending:
    result = shipped["teaching"]
    assert isinstance(result, allocation.Result)
    return result.spendings["human"]


def at(spending: Spending, name: str, budget: float) -> Interval:
    place = spending.budgets.tolist().index(budget)
    return spending.accuracy.at(FUNCTIONS.index(name), place)


def test_the_lesson_has_six_whole_steps() -> None:
    assert len(STEPS) == 6
    for step in STEPS:
        assert set(step) == {"title", "text", "question", "choices", "answer", "reveal", "set"}
        assert 0 <= step["answer"] < len(step["choices"])


def test_the_step_on_everything_explained(people: Spending) -> None:
    for one in (people.alone, people.taught):
        for number in (one.mean, one.low, one.high):
            assert percent(number) in said(0)
    assert people.alone.low < 0.5 < people.alone.high  # "a coin has 50 %"
    assert len(people.records.questions) == 200


def test_the_step_on_the_four_kinds(people: Spending) -> None:
    kinds = dict(zip(KINDS, people.kinds, strict=True))
    for kind in ("persuadable", "harmed"):
        assert f"{kinds[kind]:.1f}".removesuffix(".0") in said(1)
    assert kinds["harmed"] > 2
    assert len(people.records.seeds) == 3


def test_the_step_on_imagining_the_student(people: Spending, shipped: Mapping[str, object]) -> None:
    place = people.budgets.tolist().index(0.4)
    assert percent(at(people, "expected_utility", 0.4).mean) in said(2)
    assert percent(people.random_accuracy.at(place).mean) in said(2)
    gain = people.gain.at(FUNCTIONS.index("expected_utility"), place)
    for number in (gain.mean, gain.low, gain.high):
        assert signed(100 * number) in said(2)
    assert gain.covers_zero  # "no detectable effect"
    after = FUNCTIONS.index("simulated_after")
    assert percent(people.accuracy.at(after, place).mean) in said(2)
    assert f"{signed(100 * people.gain.at(after, place).mean)} points" in said(2)
    assert people.gain.at(after, place).low > 0.0
    judged = shipped["teaching.simulation"]
    assert isinstance(judged, simulation.Result)
    quality = judged.qualities["human"]
    assert signed(quality.correlation_before.mean, ".2f") in said(2)
    assert signed(quality.correlation_after.mean, ".2f") in said(2)
    assert quality.correlation_before.covers_zero  # "does not follow"
    assert quality.correlation_after.low > 0.0


def test_the_step_on_what_could_be_won(people: Spending) -> None:
    place = people.budgets.tolist().index(0.4)
    best, oracle = at(people, "true_utility", 0.4), people.oracle_accuracy.at(place)
    for number in (best.mean, oracle.mean, people.taught.mean):
        assert percent(number) in said(3)
    assert best.mean > people.taught.mean
    assert oracle.mean - best.mean < 0.25 * (oracle.mean - people.alone.mean)  # "close to"


def test_the_step_on_being_the_teacher(shipped: Mapping[str, object]) -> None:
    result = shipped["teaching.hand"]
    assert isinstance(result, hand.Result)
    score = result.score
    assert score is not None
    assert f"has {result.right_alone} of these 20" in said(4)
    assert f"gains {signed(score.random_mean)} right answers" in said(4)
    assert f"expected utility {signed(score.expected_utility, '+d').replace('+0', '0')}" in said(4)
    assert f"oracle {signed(score.oracle, '+d')}" in said(4)


def test_the_step_on_the_teacher_that_lies(shipped: Mapping[str, object]) -> None:
    result = shipped["teaching.misaligned"]
    assert isinstance(result, misaligned.Result)
    assert len(result.inputs.questions) == 24
    alone, harmful, honest = result.alone, result.taught["harmful_1"], result.taught["true"]
    for number in (alone.mean, alone.low, alone.high, harmful.mean):
        assert percent(number) in said(5)
    assert f"true explanations it has {percent(honest.mean)}" in said(5)
    for number in (result.drop.mean, result.drop.low, result.drop.high):
        assert signed(100 * number) in said(5)
    assert result.drop.covers_zero  # "no detectable effect"
    assert STEPS[5]["set"]["misaligned.budget"] == 24
