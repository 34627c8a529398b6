"""What was put somewhere is seldom picked up again, and that is a fact of the state alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.unit.grounded_client import SameModel
from workbench.figures.grounded.success import draw_success
from workbench.methods.grounded import comparison
from workbench.methods.grounded.episode import METHODS
from workbench.methods.grounded.grounders import Mix, ground
from workbench.methods.grounded.habit import SELDOM, habit
from workbench.methods.grounded.measure import WITHOUT_HABIT, Plan, measure, settings_for
from workbench.methods.grounded.records import Record, Records
from workbench.methods.grounded.worlds import catalog, tasks
from workbench.methods.grounded.worlds.tabletop import Tabletop, Thing
from workbench.methods.grounded.worlds.vocabulary import skills_of

TABLE = Tabletop(
    "boxes",
    (
        Thing("brown box", 0.2, 0.2),
        Thing("banana", 0.2, 0.2, 0),
        Thing("cheese", 0.5, 0.5),
        Thing("soap", 0.9, 0.5, "right side"),
    ),
)


def test_only_what_lies_loose_keeps_its_value() -> None:
    values = dict(zip([item for item, _ in skills_of("boxes").values()], habit(TABLE), strict=True))
    assert values["cheese"] == 1.0
    assert values["banana"] == values["soap"] == SELDOM


def test_a_second_thing_of_the_name_that_is_loose_may_be_taken() -> None:
    more = Tabletop("boxes", (*TABLE.things, Thing("banana", 0.7, 0.7)))
    values = dict(zip([item for item, _ in skills_of("boxes").values()], habit(more), strict=True))
    assert values["banana"] == 1.0


def test_it_never_rules_out_and_says_nothing_of_done() -> None:
    with_habit = ground(TABLE, Mix(habit=True))
    without = ground(TABLE, Mix())
    assert with_habit.names == (*without.names, "habit")
    assert with_habit.product[-1] == without.product[-1]
    possible = without.product > 0
    assert np.all(with_habit.product[possible] > 0)
    assert np.all(with_habit.product <= without.product)


def test_at_the_start_of_every_task_nothing_was_put_anywhere() -> None:
    for template in catalog.TEMPLATES["tabletop"]:
        world, _ = catalog.sample("tabletop", template, 3)
        both = [ground(world, mix).product for mix in (Mix(), Mix(habit=True))]
        assert np.array_equal(both[0], both[1])


def test_worlds_without_a_table_have_no_such_habit() -> None:
    world, _ = catalog.sample("kitchen", "apple", 0)
    assert ground(world, Mix(habit=True)).names == ("affordance",)


# ---------- what becomes of grounding without it ----------
def _records(won: dict[str, list[bool]]) -> Records:
    rows = [
        Record("brown_box", scene, method, "success" if ok else "planner", ("x",), (13,), (True,))
        for method, outcomes in won.items()
        for scene, ok in enumerate(outcomes)
    ]
    return Records(tuple(rows), "m", {})


def test_only_the_variant_without_the_habit_is_without_it() -> None:
    for method in METHODS:
        assert settings_for("tabletop", "brown_box", method).mix.habit
        assert settings_for("tabletop", "brown_box", method).method == method
    without = settings_for("tabletop", "brown_box", WITHOUT_HABIT)
    assert not without.mix.habit
    assert replace(without, mix=replace(without.mix, habit=True)) == settings_for(
        "tabletop", "brown_box", "greedy"
    )


def test_the_variant_is_measured_beside_the_methods_under_its_own_name() -> None:
    client = SameModel(tasks.sample("brown_box", 0)[0], 1)
    plan = Plan("tabletop", ("brown_box",), scenes=1, methods=("greedy", WITHOUT_HABIT))
    found = list(measure(client, plan))  # type: ignore[arg-type]
    assert [one.method for one in found] == ["greedy", WITHOUT_HABIT]
    assert list(measure(client, plan, found)) == []  # type: ignore[arg-type]


def test_the_comparison_tells_what_greedy_reaches_without_the_habit() -> None:
    won = {method: [True] * 6 for method in METHODS} | {"ungrounded": [False] * 6}
    plain = comparison.compute(_records(won), comparison.Params())
    assert plain.without_habit is None
    assert "ours and not the paper's" in draw_success(plain).words
    assert "success_greedy_without_habit" not in comparison.summarise(plain)
    some = _records(won | {WITHOUT_HABIT: [True, False, False, False]})  # four of the six scenes
    result = comparison.compute(some, comparison.Params())
    summary = comparison.summarise(result)
    assert result.episodes == 6  # the methods' own scenes are all still counted
    assert summary["episodes_without_habit"] == 4
    assert summary["success_greedy_without_habit"] == 0.25
    assert summary["gain_greedy_without_habit_over_ungrounded"] == 0.25
    assert summary["gain_greedy_without_habit_over_greedy"] == -0.75
    words = draw_success(result).words
    assert "without it greedy decoding reaches 25" in words.replace("\N{NO-BREAK SPACE}", " ")
