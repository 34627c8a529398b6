"""All replicas of a cluster as one engine; what the HTTP home serves in place of an engine."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any

from anyio.from_thread import start_blocking_portal
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from workbench.errors import (
    BusyError,
    CancelledError,
    HandedBackError,
    UnreachableError,
    WorkbenchError,
)
from workbench.server.api import ModelEntry, Request, Result, Status
from workbench.server.cluster.errand import Errand
from workbench.server.cluster.merging import merge_models, merge_statuses
from workbench.server.counting import Observer
from workbench.server.flight import FlightJob
from workbench.server.operation import Operation
from workbench.server.stopping import ENDING

ACCEPTED_WITHIN_S = 30.0
"""A cluster that has no replica for so long is said to be busy."""
DESCRIBED_WITHIN_S = 5.0


class ClusterClient:
    """All replicas of a cluster as one engine; a ``ServedClient``.

    Args:
        replicas: the Ray Serve handle of the deployment of ``EngineReplica``.
        operations: what the replicas can do.
        max_deadline_s: longest time any request may take.

    Raises:
        UnreachableError: no replica answers.
    """

    def __init__(
        self, replicas: Any, operations: Iterable[Operation], *, max_deadline_s: float
    ) -> None:
        self._replicas = replicas
        self._operations = tuple(operations)
        self._max_deadline_s = max_deadline_s
        # Ray makes the router at the first call; several at once would each make one
        self._ask_all("describe", {})
        self._portals = start_blocking_portal()
        self._portal = self._portals.__enter__()
        self._lock = threading.Lock()
        self._emptied = threading.Condition(self._lock)
        self._errands: dict[str, Errand] = {}
        self._is_ending = False
        self._is_closed = False
        self._last_error: str | None = None
        self._observers: list[Observer] = []
        self._describing = threading.Lock()
        self._measured: dict[str, int] = {}
        self._counters: dict[str, dict[str, float]] = {}

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What may be asked for."""
        return self._operations

    @property
    def last_error(self) -> str | None:
        """The latest bug that a caller here met, in one line, or ``None``."""
        return self._last_error

    def observe(self, observer: Observer) -> None:
        """Have an observer told of the replicas' measurements whenever the status is asked for."""
        self._observers.append(observer)

    def submit(self, request: Request) -> FlightJob:
        """Start a request on the replica that answers its kind.

        Raises:
            InputError: the request is wrong; nothing was started.
            BusyError: the queue of that replica is full, or there is no replica now.
            HandedBackError: the server is being stopped.
        """
        limit_s = min(request.deadline_s or float("inf"), self._max_deadline_s)
        job = FlightJob(
            request.user, limit_s, trace=request.trace, leave=self._leave, expire=self._leave
        )
        errand = Errand(self._replicas, request, job)
        with self._lock:
            if self._is_ending:
                raise HandedBackError(ENDING)
            self._errands[job.id] = errand
        errand.running = self._portal.start_task_soon(errand.run)
        errand.running.add_done_callback(lambda _: self._note_over(errand))
        try:
            errand.accepted.result(ACCEPTED_WITHIN_S)
        except concurrent.futures.TimeoutError:
            self._leave(job)
            raise BusyError(
                "The cluster has no replica for this at the moment. Try again in a moment.",
                retry_after_s=5.0,
            ) from None
        return job

    def call(self, request: Request) -> Result:
        """Submit a request and wait for its result; an interrupted wait cancels it."""
        job = self.submit(request)
        try:
            return job.result()
        finally:
            job.cancel()

    def models(self) -> tuple[ModelEntry, ...]:
        """The catalogue of models and whether each is on some replica."""
        return merge_models(self._ask_all("models"))

    def status(self) -> Status:
        """What all replicas do now, together.

        Raises:
            UnreachableError: there is no replica now.
        """
        with self._describing:
            told = self._ask_all("describe", dict(self._measured))
            for one in told:
                name = one["replica"]
                self._counters[name] = one["status"]["counters"]
                for number, measure, label, value in one["measurements"]:
                    self._measured[name] = number
                    for observer in self._observers:
                        observer(measure, label, value)
            described = {one["replica"]: one["status"] for one in told}
            gone: Counter[str] = Counter()
            for name, counters in self._counters.items():
                if name not in described:
                    gone.update(counters)
        return merge_statuses(described, {one["replica"]: one["host"] for one in told}, gone)

    def hand_back(self) -> None:
        """Take nothing new, and give back what no replica has begun; what runs goes on."""
        with self._lock:
            self._is_ending = True
            waiting = [errand for errand in self._errands.values() if not errand.has_begun]
        for errand in waiting:
            self._end(errand, HandedBackError(ENDING))

    def finish(self, patience_s: float) -> None:
        """Hand back what waits, and let what runs come to its end, so that it is cached."""
        self.hand_back()
        with self._lock:
            self._emptied.wait_for(lambda: not self._errands, patience_s)

    def close(self) -> None:
        """Cancel what is waited for and stop asking; the replicas stay. Safe to call twice."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = self._is_ending = True
            errands = list(self._errands.values())
        for errand in errands:
            self._end(errand, CancelledError("The workbench is closing."))
        self._portals.__exit__(None, None, None)
        with contextlib.suppress(RayError, RayServeException):
            self._replicas.shutdown()  # else its threads go on asking a cluster that has ended

    def _leave(self, job: FlightJob) -> None:
        with self._lock:
            errand = self._errands.get(job.id)
        if errand is not None:
            self._end(errand, CancelledError("Cancelled."))

    def _end(self, errand: Errand, error: WorkbenchError) -> None:
        errand.end(error)
        if errand.running is not None:
            errand.running.cancel()

    def _note_over(self, errand: Errand) -> None:
        with self._lock:
            del self._errands[errand.job.id]
            self._emptied.notify_all()
        if errand.bug is not None:
            self._last_error = str(errand.bug)

    def _ask_all(self, method: str, *arguments: Any) -> list[Any]:
        """What each replica answers; those that do not answer in time are left out.

        Raises:
            UnreachableError: none answers.
        """
        try:
            answers = self._replicas.broadcast(method, *arguments).results(
                timeout_s=DESCRIBED_WITHIN_S, return_exceptions=True
            )
        except (RayError, RayServeException, TimeoutError) as error:
            raise UnreachableError(_NO_REPLICA) from error
        told = [answer for answer in answers if not isinstance(answer, BaseException)]
        if not told:
            raise UnreachableError(_NO_REPLICA)
        return told


_NO_REPLICA = "No replica of the cluster answers at the moment. Ask again in a moment."
