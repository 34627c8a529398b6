"""The engine: every request goes through here, whoever sends it.

Order of work: check → memory → single flight → disk and shipped answers → admission → model →
batch → device → split → cache → answer.

Single flight: requests with one key that are in flight at the same time are one computation. Each
caller may leave; the work stops when the last has left; a failure goes to all of them and is not
kept. A fresh request (``Request.fresh``) shares only with fresh ones, since a computation that
began for others may be what it doubts; others may join a fresh one. An answer that is not worth
keeping (sampling without a seed) is not shared either: everybody gets a sample of their own.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from weakref import WeakValueDictionary

from workbench.errors import (
    BugError,
    BusyError,
    CancelledError,
    DeadlineError,
    HandedBackError,
    UnknownJobError,
    UnreachableError,
    WorkbenchError,
)
from workbench.logs import log_fields
from workbench.server.answer import Answer, Source
from workbench.server.api import ModelEntry, Request, Result, Status, digest_json
from workbench.server.bugs import report_bug
from workbench.server.cache import MemoryStore, ResultCache, ShippedStore
from workbench.server.checking import check_request
from workbench.server.counting import Counting, Observer
from workbench.server.devices import MIB, Device, find_device
from workbench.server.disk_store import DiskStore
from workbench.server.flight import Flight, FlightJob
from workbench.server.lane import Lane
from workbench.server.operation import ModelSource, Operation, Output
from workbench.server.reporting import Load, log_job, write_receipt, write_status
from workbench.server.running import Outcome
from workbench.server.stopping import ENDING
from workbench.server.timers import Timers
from workbench.settings import Settings

log = logging.getLogger(__name__)


REMOTE = Device("remote", "an endpoint on the network", "float32", 0)
REMOTE_WORKERS = 4
"""Requests to endpoints on the network that may be under way at once."""

CLOSING_S = 10.0
"""How long ``close`` waits for work that does not notice that nobody wants it any more."""


class Engine:
    """The model server in this process; a ``ModelClient``.

    Building it is quick: torch is imported, the device looked for and threads started on first
    need.

    Args:
        settings: limits, folders, device.
        source: where models come from.
        operations: what may be asked for.
        shipped: folder of answers that come with the workbench, or ``None``.
        device: the device, for tests; found by the settings when ``None``.
    """

    def __init__(
        self,
        settings: Settings,
        source: ModelSource,
        operations: Iterable[Operation],
        *,
        shipped: Path | None = None,
        device: Device | None = None,
    ) -> None:
        self._settings = settings
        self._source = source
        self._operations = {operation.name: operation for operation in operations}
        self._started_at = time.monotonic()
        self._id = secrets.token_hex(8)
        self._replaced = 0
        self._lock = threading.RLock()
        self._emptied = threading.Condition(self._lock)
        self._finding_device = threading.Lock()
        self._device = device
        self._counting = Counting()
        self._timers = Timers()
        self._flights: dict[tuple[str, bool], Flight] = {}
        self._unshared: set[Flight] = set()
        self._jobs: WeakValueDictionary[str, FlightJob] = WeakValueDictionary()
        self._last_error: str | None = None
        self._is_closed = False
        self._is_ending = False
        self._cache = ResultCache(
            MemoryStore(settings.memory_cache_mib * MIB),
            DiskStore(settings.cache_dir / "results", settings.disk_cache_mib * MIB),
            ShippedStore(shipped),
        )
        self._local = Lane(
            "device",
            settings,
            source,
            find_device=self._find_device,
            budget_bytes=lambda found: found.budget_bytes(settings.model_budget_mib),
            finish=self._finish,
            lock=self._lock,
            counting=self._counting,
            timers=self._timers,
        )
        self._remote = Lane(
            "remote",
            settings,
            source,
            find_device=lambda: REMOTE,
            budget_bytes=lambda _: MIB,  # its models take nothing
            finish=self._finish,
            lock=self._lock,
            counting=self._counting,
            timers=self._timers,
            workers=REMOTE_WORKERS,
        )

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What may be asked for."""
        return tuple(self._operations.values())

    @property
    def last_error(self) -> str | None:
        """The latest bug, in one line, or ``None``."""
        return self._last_error

    def observe(self, observer: Observer) -> None:
        """Have an observer told of every measurement: measure, operation or model, value."""
        self._counting.subscribe(observer)

    def submit(self, request: Request) -> FlightJob:
        """Check a request and start it; an answer that is there already is there at once.

        Raises:
            InputError: the request is wrong; nothing was started.
            BusyError: the queue is full.
            UnreachableError: the engine was closed.
        """
        self._counting.add("requests")
        self._refuse_if_closed()
        flight = check_request(
            request,
            self._operations,
            self._source,
            default_dtype=lambda: self._find_device().default_dtype,
        )
        limit_s = min(request.deadline_s or float("inf"), self._settings.max_deadline_s)
        job = FlightJob(
            request.user, limit_s, trace=request.trace, leave=self._cancel, expire=self._expire
        )
        self._jobs[job.id] = job
        flight.is_shared = flight.operation.is_cacheable(request)
        may_read = flight.is_shared and not request.fresh
        found = self._cache.look_in_memory(flight.key) if may_read else None
        if found is not None:
            flight.join(job)
            self._land(flight, *found)
        elif self._join(flight, job):
            self._start(flight, look=may_read)
        return job

    def call(self, request: Request) -> Result:
        """Submit a request and wait for its result; an interrupted wait cancels it."""
        job = self.submit(request)
        try:
            return job.result()
        finally:
            job.cancel()

    def job(self, job_id: str) -> FlightJob:
        """A job by its id, as long as it is waited for or somebody else keeps it.

        Raises:
            UnknownJobError: there is none.
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise UnknownJobError("No such job: it ended and was forgotten. Submit it again.")
        return job

    def models(self) -> tuple[ModelEntry, ...]:
        """The catalogue of models and whether each is here."""
        with self._lock:
            slots = [*self._local.slots, *self._remote.slots]
            resident = {slot.key.name for slot in slots if slot.model is not None}
        return self._source.entries(sorted(resident))

    def status(self) -> Status:
        """What the engine is doing now; imports nothing and loads nothing."""
        with self._lock:
            lanes = (self._local, self._remote)
            load = Load(
                slots=self._local.slots,
                queued=sum(lane.queued for lane in lanes),
                running=sum(lane.running for lane in lanes),
            )
        status = write_status(
            self._settings,
            self._device,
            load,
            self._cache,
            self._counting.counts(),
            uptime_s=time.monotonic() - self._started_at,
        )
        return replace(status, answers=self._name_answers())

    def _name_answers(self) -> str:
        """A name for everything that is cached, which changes when one of it is replaced."""
        models = [[m.name, m.kind, m.state, m.digest] for m in self._source.entries(())]
        return digest_json([self._id, self._replaced, models])

    def hand_back(self) -> None:
        """Take nothing new, and give what waits back to those who asked; what runs goes on."""
        with self._lock:
            self._is_ending = True
            flights = [*self._flights.values(), *self._unshared]
            waiting = [flight for flight in flights if flight.state != "running"]
            for flight in waiting:
                self._lane(flight).drop(flight)
                self._finish(flight, HandedBackError(ENDING), device="")
        running = len(flights) - len(waiting)
        log_fields(log, "ending", running=running, handed_back=len(waiting))

    def finish(self, patience_s: float) -> None:
        """Hand back what waits, and let what runs come to its end.

        What comes to its end is kept on disk: whoever asks again after a restart is answered at
        once.

        Args:
            patience_s: how long to wait for it.
        """
        self.hand_back()
        with self._lock:
            if not self._emptied.wait_for(lambda: not self._has_flights, patience_s):
                log.warning("Work that takes longer than %g s is cut off.", patience_s)

    @property
    def _has_flights(self) -> bool:
        return bool(self._flights or self._unshared)

    def close(self) -> None:
        """Cancel what is waited for, stop the threads, free the models; safe to call twice."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            threads = [*self._local.stop(), *self._remote.stop()]
            for flight in [*self._flights.values(), *self._unshared]:
                self._finish(flight, CancelledError("The workbench is closing."), device="")
        until = time.monotonic() + CLOSING_S
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                log.warning("%s is still at work while the engine closes", thread.name)
        self._timers.close()
        self._local.close_models()
        self._remote.close_models()
        self._cache.close()

    def _join(self, flight: Flight, job: FlightJob) -> bool:
        """Wait with others for the same answer, or begin; whether this flight begins."""
        fresh = flight.request.fresh
        with self._lock:
            self._refuse_if_closed()
            job.alarm = self._timers.at(job.deadline, job.expire)
            if not flight.is_shared:
                self._unshared.add(flight)
                flight.join(job)
                return True
            keys = [(flight.key, True)] if fresh else [(flight.key, False), (flight.key, True)]
            running = next((self._flights[key] for key in keys if key in self._flights), None)
            if running is None:
                self._flights[flight.key, fresh] = flight
                flight.join(job)
                return True
            running.join(job)
            self._lane(running).share(running, job.user)
        self._counting.add("coalesced")
        return False

    def _start(self, flight: Flight, *, look: bool) -> None:
        """Look for the answer on disk once more than in memory, else queue the computation."""
        try:
            found = self._cache.look(flight.key) if look else None
            if found is not None:
                self._land(flight, *found)
                return
            with self._lock:
                if flight.is_wanted:  # closing may have cancelled it meanwhile
                    self._lane(flight).push(flight)
        except BusyError as error:
            self._counting.add("rejected")
            self._finish(flight, error, device="")
            raise
        except BaseException as error:
            # whoever joined meanwhile must not wait for ever
            self._finish(flight, report_bug(error), device="")
            raise

    def _cancel(self, job: FlightJob) -> None:
        self._leave(job, CancelledError("Cancelled."), "cancelled")

    def _expire(self, job: FlightJob) -> None:
        message = f"Not finished within {job.limit_s:g} seconds. Allow more time, or ask for less."
        self._leave(job, DeadlineError(message), "deadline_exceeded")

    def _leave(self, job: FlightJob, error: WorkbenchError, counter: str) -> None:
        """Take one caller out of its flight, and stop the flight if it was the last."""
        with self._lock:
            flight = job.flight
            if flight is None or not flight.leave(job):
                return
            if not flight.is_wanted:
                self._forget(flight)
                self._lane(flight).drop(flight)
            elif job.user not in flight.users():
                self._lane(flight).unshare(flight, job.user)
        self._counting.add(counter)
        log_job(flight, job, counter)
        job.end(error)

    def _finish(self, flight: Flight, outcome: Outcome, *, device: str) -> None:
        """Keep an outcome and give it to those who wait."""
        if isinstance(outcome, Output):
            try:
                answer = Answer.of(outcome, write_receipt(flight, device))
            except Exception as error:  # noqa: BLE001  an operation's fault, not the caller's
                outcome = report_bug(error)
            else:
                if flight.is_shared:
                    self._cache.keep(flight.key, answer)
                    with self._lock:
                        self._replaced += flight.request.fresh
                self._land(flight, answer, "computed")
                return
        with self._lock:
            self._forget(flight)
            jobs = flight.take()
        if isinstance(outcome, BugError):
            self._last_error = str(outcome)
        if jobs and isinstance(outcome, HandedBackError):
            self._counting.add("handed_back")
        elif jobs and not isinstance(outcome, CancelledError):
            self._counting.add("failures")
        # everything is counted and logged before anybody is told
        for job in jobs:
            log_job(flight, job, type(outcome).__name__, device)
        for job in jobs:
            job.end(outcome)

    def _land(self, flight: Flight, answer: Answer, source: Source) -> None:
        with self._lock:
            self._forget(flight)
            jobs = flight.take()
        others = len(jobs) - 1
        for job in jobs:
            log_job(flight, job, source, answer.receipt.device)
        for job in jobs:
            job.end(lambda: answer.result(source, others))

    def _forget(self, flight: Flight) -> None:
        """Let nobody join a flight any more, under the lock."""
        self._unshared.discard(flight)
        key = (flight.key, flight.request.fresh)
        if self._flights.get(key) is flight:
            del self._flights[key]
        self._emptied.notify_all()

    def _lane(self, flight: Flight) -> Lane:
        return self._remote if flight.is_remote else self._local

    def _find_device(self) -> Device:
        with self._finding_device:
            if self._device is None:
                self._device = find_device(self._settings.device)
            return self._device

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise UnreachableError("The workbench is closing. Start it again.")
        if self._is_ending:
            raise HandedBackError(ENDING)
