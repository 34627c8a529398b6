"""One computation in flight, and the callers who wait for it.

Locks are taken in one order only: the engine's, then a flight's, then a job's.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from workbench.errors import DeadlineError, WorkbenchError, from_wire, to_wire
from workbench.server.api import Event, Request, Result
from workbench.server.operation import Operation, Prepared
from workbench.server.residency import ModelKey
from workbench.server.timers import Alarm

EVENTS_KEPT = 256
EVENT_BYTES_KEPT = 8 * 2**20


class FlightJob:
    """One caller's interest in a flight; the ``Job`` that callers see.

    A caller that reads slowly misses old events, never the newest: events tell the state so far.

    Args:
        user: who waits.
        limit_s: how long the caller waits at most.
        trace: the run it belongs to, for the log.
        leave: called when the caller cancels.
        expire: called when the limit is over.
    """

    def __init__(
        self,
        user: str,
        limit_s: float,
        *,
        trace: str = "",
        leave: Callable[[FlightJob], None],
        expire: Callable[[FlightJob], None],
    ) -> None:
        self.id = secrets.token_urlsafe(18)
        self.user = user
        self.limit_s = limit_s
        self.trace = trace
        self.flight: Flight | None = None
        self.alarm: Alarm | None = None
        self.submitted_at = time.monotonic()
        self.deadline = self.submitted_at + limit_s
        self._leave = leave
        self._expire = expire
        self._changed = threading.Condition()
        self._events: deque[tuple[int, Event]] = deque()
        self._event_bytes = 0
        self._last_number = 0
        self._outcome: Callable[[], Result] | WorkbenchError | None = None

    @property
    def done(self) -> bool:
        """Whether the result or an error is there, so that ``result`` will not wait."""
        return self._outcome is not None

    def events(self) -> Iterator[Event]:
        """Yield events as they happen and end when the job is done, failed or cancelled."""
        for _, event in self.numbered_events():
            yield event

    def numbered_events(self, after: int = 0) -> Iterator[tuple[int, Event]]:
        """Yield events with their numbers, from 1, starting behind number ``after``."""
        while True:
            with self._changed:
                while self._last_number <= after and not self.done:
                    self._changed.wait()
                news = [(number, event) for number, event in self._events if number > after]
            if not news:
                return
            yield from news
            after = news[-1][0]

    def result(self, timeout_s: float | None = None) -> Result:
        """Wait for the answer.

        Raises:
            WorkbenchError: what the engine said; ``DeadlineError`` after ``timeout_s``, which
                leaves the job as it is.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.done, timeout_s):
                raise DeadlineError(
                    f"No answer within {timeout_s:g} seconds; it is still being worked on. "
                    "Wait longer or cancel it."
                )
        if isinstance(self._outcome, WorkbenchError):
            # a copy of its own for every caller: a raised exception carries its traceback
            raise from_wire(to_wire(self._outcome))
        assert self._outcome is not None  # noqa: S101  done says so
        return self._outcome()

    def cancel(self) -> None:
        """Leave. The computation stops when the last caller has left; safe to call twice."""
        self._leave(self)

    def expire(self) -> None:
        """Leave because the time is over; safe to call twice."""
        self._expire(self)

    def post(self, event: Event) -> None:
        """Add an event, unless the job has ended."""
        with self._changed:
            if self.done:
                return
            self._last_number += 1
            self._events.append((self._last_number, event))
            self._event_bytes += _bytes_of(event)
            while len(self._events) > 1 and (
                len(self._events) > EVENTS_KEPT or self._event_bytes > EVENT_BYTES_KEPT
            ):
                self._event_bytes -= _bytes_of(self._events.popleft()[1])
            self._changed.notify_all()

    def end(self, outcome: Callable[[], Result] | WorkbenchError) -> None:
        """Give the job its outcome."""
        if self.alarm is not None:
            self.alarm.cancel()
        self.flight = None  # whoever keeps the job keeps the answer, not the question
        with self._changed:
            self._outcome = outcome
            self._changed.notify_all()


State = Literal["looking", "queued", "running", "landed"]


@dataclass(eq=False)
class Flight:
    """One computation and everybody who waits for it.

    Args:
        key: key of the answer.
        request: the request that started it.
        operation: what to run.
        prepared: the checked request.
        model: the model it needs, or ``None``.
        model_bytes: bytes to reserve for it.
        model_digest: digest of the model.
        dtype: the type computed in.
        arguments_digest: for the receipt.
        is_remote: whether the model answers over the network.
    """

    key: str
    request: Request
    operation: Operation
    prepared: Prepared
    model: ModelKey | None
    model_bytes: int
    model_digest: str | None
    dtype: str | None
    arguments_digest: str
    is_remote: bool = False
    is_shared: bool = True
    state: State = "looking"
    place: int | None = None
    enqueued_at: float = 0.0
    started_at: float = 0.0
    batch_items: int = 0
    compute_s: float = 0.0
    jobs: list[FlightJob] = field(default_factory=list)
    _latest: dict[str, Event] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still waits for it."""
        return bool(self.jobs)

    @property
    def deadline(self) -> float:
        """When the last of its callers stops waiting, on the monotonic clock."""
        return max((job.deadline for job in tuple(self.jobs)), default=0.0)

    def expire(self, now: float) -> bool:
        """Let go of the callers whose time is over; whether there were any."""
        expired = [job for job in tuple(self.jobs) if job.deadline <= now]
        for job in expired:
            job.expire()
        return bool(expired)

    def users(self) -> set[str]:
        """Who waits for it."""
        return {job.user for job in tuple(self.jobs)}

    def join(self, job: FlightJob) -> None:
        """Add a caller and tell it how things stand."""
        with self._lock:
            job.flight = self
            for event in self._latest.values():
                job.post(event)
            self.jobs.append(job)

    def leave(self, job: FlightJob) -> bool:
        """Take a caller away; whether it was still waiting."""
        with self._lock:
            if job not in self.jobs:
                return False
            self.jobs.remove(job)
            return True

    def post(self, event: Event) -> None:
        """Tell everybody who waits."""
        with self._lock:
            if event.kind == "running":
                self._latest.pop("queued", None)
                self._latest.pop("loading", None)
            self._latest.pop(event.kind, None)
            self._latest[event.kind] = event
            for job in self.jobs:
                job.post(event)

    def take(self) -> list[FlightJob]:
        """End the flight: nobody waits for it any more; those who did are to be told."""
        with self._lock:
            self.state = "landed"
            jobs, self.jobs = self.jobs, []
            return jobs


def _bytes_of(event: Event) -> int:
    return sum(array.nbytes for array in event.arrays.values())
