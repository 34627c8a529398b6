"""Several questions at the same time: all under way at once, answered in their order."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from workbench.errors import BusyError
from workbench.together import MOST, ask_together

PATIENCE_S = 10.0


def test_all_are_under_way_at_once() -> None:
    all_here = threading.Barrier(MOST)  # breaks, and fails the test, if one waits for another

    def ask(number: int) -> int:
        all_here.wait(PATIENCE_S)
        return number

    assert ask_together([partial(ask, number) for number in range(MOST)]) == list(range(MOST))


def test_answers_stand_in_the_order_of_the_asks_whichever_is_first() -> None:
    second_is_done = threading.Event()

    def first() -> str:
        assert second_is_done.wait(PATIENCE_S)
        return "first"

    def second() -> str:
        second_is_done.set()
        return "second"

    assert ask_together([first, second]) == ["first", "second"]
    assert ask_together([]) == []


def test_a_refusal_of_one_is_raised() -> None:
    def refuse() -> str:
        raise BusyError("Later.", retry_after_s=1.0)

    with pytest.raises(BusyError, match="Later"):
        ask_together([lambda: "fine", refuse])
