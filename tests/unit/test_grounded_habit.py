"""What was put somewhere is seldom picked up again, and that is a fact of the state alone."""

from __future__ import annotations

import numpy as np

from workbench.methods.grounded.grounders import Mix, ground
from workbench.methods.grounded.habit import SELDOM, habit
from workbench.methods.grounded.worlds import catalog
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
