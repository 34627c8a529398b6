"""Flights and jobs: what callers are told, however slowly they read, and what is kept for them."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import CancelledError, DeadlineError
from workbench.server.api import Event, Request
from workbench.server.flight import EVENT_BYTES_KEPT, EVENTS_KEPT, Flight, FlightJob
from workbench.server.operation import Operation, Prepared
from workbench.server.running import BatchControl

OPERATION = Operation("test.make", 1, frozenset(), lambda _: Prepared(None), lambda *_: [])


def job_of(limit_s: float = 60.0) -> FlightJob:
    def leave(job: FlightJob) -> None:
        assert job.flight is not None
        job.flight.leave(job)

    return FlightJob("me", limit_s, leave=leave, expire=leave)


def flight_of(*jobs: FlightJob) -> Flight:
    flight = Flight(
        key="0" * 64,
        request=Request("test.make"),
        operation=OPERATION,
        prepared=Prepared(None),
        model=None,
        model_bytes=0,
        model_digest=None,
        dtype=None,
        arguments_digest="",
    )
    for job in jobs:
        flight.join(job)
    return flight


def events_of(job: FlightJob) -> list[Event]:
    job.end(CancelledError("the end"))
    return list(job.events())


def test_a_slow_reader_misses_old_events_never_the_newest() -> None:
    job = job_of()
    for number in range(10 * EVENTS_KEPT):
        job.post(Event("partial", values={"number": number}))
    numbers = [event.values["number"] for event in events_of(job)]
    assert numbers == list(range(9 * EVENTS_KEPT, 10 * EVENTS_KEPT))


def test_events_with_large_arrays_do_not_fill_the_memory() -> None:
    job = job_of()
    megabyte = np.zeros(2**18, dtype=np.float32)
    for _ in range(100):
        job.post(Event("partial", arrays={"x": megabyte}))
    kept = sum(event.arrays["x"].nbytes for event in events_of(job))
    assert kept == EVENT_BYTES_KEPT


def test_one_event_larger_than_the_bound_is_still_told() -> None:
    job = job_of()
    large = np.zeros(2 * EVENT_BYTES_KEPT, dtype=np.uint8)
    for number in range(2):
        job.post(Event("partial", values={"number": number}, arrays={"x": large}))
    assert [event.values["number"] for event in events_of(job)] == [1]


def test_numbers_of_events_go_on_where_a_reader_stopped() -> None:
    job = job_of()
    for place in (3, 2, 1):
        job.post(Event("queued", place=place))
    job.end(CancelledError("the end"))
    assert [(n, e.place) for n, e in job.numbered_events()] == [(1, 3), (2, 2), (3, 1)]
    assert [(n, e.place) for n, e in job.numbered_events(after=2)] == [(3, 1)]


def test_nothing_is_told_after_the_end() -> None:
    job = job_of()
    job.end(CancelledError("the end"))
    job.post(Event("running"))
    assert list(job.events()) == []


def test_who_joins_late_is_told_the_latest_of_what_still_holds() -> None:
    flight = flight_of()
    for event in (
        Event("queued", place=2),
        Event("queued", place=1),
        Event("loading", fraction=0.5),
    ):
        flight.post(event)
    waiting = job_of()
    flight.join(waiting)
    flight.post(Event("running", fraction=0.1))
    flight.post(Event("partial", values={"text": "a"}))
    flight.post(Event("partial", values={"text": "ab"}))
    flight.post(Event("running", fraction=0.2))
    late = job_of()
    flight.join(late)
    told = [(e.kind, e.place, e.fraction) for e in events_of(waiting)][:2]
    assert told == [("queued", 1, None), ("loading", None, 0.5)]
    assert [(e.kind, e.fraction, e.values) for e in events_of(late)] == [
        ("partial", None, {"text": "ab"}),
        ("running", 0.2, {}),
    ]


class TestControl:
    def test_progress_is_a_fraction_with_the_time_left(self) -> None:
        job = job_of()
        control = BatchControl([flight_of(job)])
        for fraction in (None, 0.0, 0.5, 1.0, 1.5, -1.0, float("nan")):
            control.progress(0, fraction, "step")
        events = events_of(job)
        assert [event.fraction for event in events] == [None, 0.0, 0.5, 1.0, 1.0, 0.0, None]
        assert {event.text for event in events} == {"step"}
        assert events[1].seconds_left is None
        half = events[2].seconds_left
        assert half is not None
        assert half > 0
        assert events[3].seconds_left == 0

    def test_partials_are_copies_in_plain_json(self) -> None:
        job = job_of()
        control = BatchControl([flight_of(job)])
        losses = np.ones(2)
        control.partial(0, {"steps": (1, np.int64(2))}, {"losses": losses})  # type: ignore[dict-item]
        losses[:] = 0
        (event,) = events_of(job)
        assert event.values == {"steps": [1, 2]}
        assert event.arrays["losses"].tolist() == [1, 1]
        assert not event.arrays["losses"].flags.writeable

    def test_items_are_told_apart(self) -> None:
        jobs = [job_of(), job_of()]
        control = BatchControl([flight_of(job) for job in jobs])
        control.progress(1, 0.5)
        assert events_of(jobs[0]) == []
        assert len(events_of(jobs[1])) == 1

    def test_the_batch_goes_on_while_anybody_waits_for_any_item(self) -> None:
        jobs = [job_of(), job_of()]
        control = BatchControl([flight_of(job) for job in jobs])
        jobs[0].cancel()
        control.check()
        assert [control.is_alive(item) for item in (0, 1)] == [False, True]
        jobs[1].cancel()
        with pytest.raises(CancelledError):
            control.check()

    def test_the_batch_ends_when_everybody_s_time_is_over(self) -> None:
        in_time, late = job_of(), job_of(limit_s=0.0)
        control = BatchControl([flight_of(in_time), flight_of(late)])
        control.check()
        assert [control.is_alive(item) for item in (0, 1)] == [True, False]
        with pytest.raises(DeadlineError):
            BatchControl([flight_of(job_of(limit_s=0.0))]).check()
