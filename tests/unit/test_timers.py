"""Alarms go off at their time, in order, once; cancelled ones hold on to nothing."""

from __future__ import annotations

import gc
import queue
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from workbench.server.timers import Timers

PATIENCE_S = 20.0


@pytest.fixture
def timers() -> Iterator[Timers]:
    timers = Timers()
    yield timers
    timers.close()


def test_alarms_go_off_in_the_order_of_their_times(timers: Timers) -> None:
    rung: queue.Queue[str] = queue.Queue()
    now = time.monotonic()
    timers.at(now + 0.04, lambda: rung.put("later"))
    timers.at(now + 0.02, lambda: rung.put("sooner"))
    timers.at(now - 1, lambda: rung.put("at once"))
    order = [rung.get(timeout=PATIENCE_S) for _ in range(3)]
    assert order == ["at once", "sooner", "later"]
    assert time.monotonic() >= now + 0.04


def test_an_alarm_before_the_one_waited_for_goes_off_at_its_time(timers: Timers) -> None:
    rung: queue.Queue[int] = queue.Queue()
    timers.at(time.monotonic() + 3600, lambda: rung.put(-1))
    for number in range(50):
        timers.at(time.monotonic(), lambda number=number: rung.put(number))
        assert rung.get(timeout=PATIENCE_S) == number


def test_a_cancelled_alarm_does_not_go_off_and_holds_on_to_nothing(timers: Timers) -> None:
    class Thing:
        def act(self) -> None:
            raise AssertionError("cancelled")

    thing = Thing()
    gone = weakref.ref(thing)
    alarm = timers.at(time.monotonic() + 3600, thing.act)
    alarm.cancel()
    alarm.cancel()
    del thing
    gc.collect()
    assert gone() is None


def test_cancelled_alarms_do_not_pile_up(timers: Timers) -> None:
    for _ in range(10_000):
        timers.at(time.monotonic() + 3600, lambda: None).cancel()
    assert len(timers._heap) < 200


def test_an_alarm_that_fails_does_not_stop_the_others(
    timers: Timers, caplog: pytest.LogCaptureFixture
) -> None:
    rung = threading.Event()
    now = time.monotonic()
    timers.at(now, lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    timers.at(now + 0.001, rung.set)
    assert rung.wait(PATIENCE_S)
    assert "ZeroDivisionError" in caplog.text


def test_after_closing_nothing_goes_off_and_the_thread_is_gone(timers: Timers) -> None:
    rung = threading.Event()
    timers.at(time.monotonic() + 3600, rung.set)
    timers.close()
    timers.at(time.monotonic() - 1, rung.set)
    assert not rung.is_set()
    assert not [t for t in threading.enumerate() if t.name == "timers" and t is timers._thread]
