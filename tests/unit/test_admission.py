"""The fair queue: bounds, turns, shared entries, times."""

from __future__ import annotations

import pytest

from workbench.errors import BusyError
from workbench.server.admission import FairQueue, ServiceTimes


def queue_of(*entries: str, limit: int = 100, user_limit: int = 100) -> FairQueue[str]:
    """A queue of entries named by user and number: "a1", "a2", "b1"."""
    queue: FairQueue[str] = FairQueue(limit, user_limit)
    for entry in entries:
        queue.push(entry, [entry[0]])
    return queue


def serve_one(queue: FairQueue[str]) -> str:
    head = queue.order()[0]
    queue.serve(head, [head])
    return head


def test_users_take_turns_and_each_user_s_oldest_comes_first() -> None:
    queue = queue_of("a1", "a2", "a3", "b1", "c1", "c2")
    assert queue.order() == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_who_was_just_served_goes_to_the_end_of_the_round() -> None:
    queue = queue_of("a1", "a2", "a3", "b1", "b2")
    served = [serve_one(queue) for _ in range(5)]
    assert served == ["a1", "b1", "a2", "b2", "a3"]
    assert len(queue) == 0


def test_a_newcomer_waits_for_one_more_service_at_most() -> None:
    queue = queue_of(*(f"a{number}" for number in range(100)))
    serve_one(queue)  # in service when the newcomer arrives
    queue.push("b1", ["b"])
    assert queue.order().index("b1") <= 1


def test_riding_along_costs_no_turn() -> None:
    queue = queue_of("a1", "a2", "b1", "b2")
    queue.serve("a1", ["a1", "b1"])
    assert queue.order() == ["b2", "a2"]


def test_a_shared_entry_is_served_at_the_first_of_its_users_turns() -> None:
    queue = queue_of("a1", "a2", "a3", "b1")
    queue.share("a3", "c")
    queue.share("a3", "c")
    assert queue.order() == ["a1", "b1", "a3", "a2"]
    queue.unshare("a3", "c")
    assert queue.order() == ["a1", "b1", "a2", "a3"]
    queue.unshare("a3", "c")
    assert len(queue) == 4


def test_a_shared_entry_leaves_every_line_at_once() -> None:
    queue = queue_of("a1", "b1")
    queue.share("a1", "b")
    queue.remove("a1")
    assert queue.order() == ["b1"]
    assert "a1" not in queue


def test_the_bounds_are_told_with_the_time_to_come_back() -> None:
    queue = queue_of("a1", "a2", limit=3, user_limit=2)
    with pytest.raises(BusyError, match=r"You already have 2 .* about 7 seconds") as info:
        queue.check_room("a", 7.2)
    assert info.value.retry_after_s == 7.2
    queue.check_room("b", 1.0)
    queue.push("b1", ["b"])
    with pytest.raises(BusyError, match="queue is full: 3"):
        queue.check_room("c", 1.0)


def test_an_entry_its_starter_left_counts_for_who_still_waits() -> None:
    queue = queue_of("a1", user_limit=1)
    queue.share("a1", "b")
    queue.unshare("a1", "a")
    queue.check_room("a", 1.0)
    with pytest.raises(BusyError):
        queue.check_room("b", 1.0)


def test_times_are_weighted_means_and_unknown_at_first() -> None:
    times = ServiceTimes(weight=0.5)
    assert times.seconds("x") is None
    assert times.total(["x"]) is None
    times.note("x", 4.0)
    times.note("x", 2.0)
    times.note("y", 1.0)
    assert times.seconds("x") == 3.0  # 4 + 0.5 * (2 - 4)
    assert times.total(["x", "y", "x"]) == 7.0
    assert times.total(["x", "z"]) is None
    assert times.total([]) == 0.0


@pytest.mark.parametrize(
    ("running", "expected"), [([], 31.0), (["slow"], 60.0), (["quick"], 2.0), (["new"], 31.0)]
)
def test_the_time_to_come_back_is_that_of_what_runs(running: list[str], expected: float) -> None:
    times = ServiceTimes()
    times.note("quick", 2.0)
    times.note("slow", 60.0)
    assert times.retry_after_s(running) == expected
    assert ServiceTimes().retry_after_s(running) == 2.0
