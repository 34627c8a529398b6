"""Jobs as HTTP callers hold them: watched once, followed by many, let go when nobody listens."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Protocol, TypeAlias, TypeVar

import anyio
import anyio.abc
from anyio import from_thread, to_thread

from workbench.errors import BusyError, UnknownJobError, WorkbenchError
from workbench.server.api import Event, Job, ModelClient, Request, Result
from workbench.server.bugs import report_bug
from workbench.server.operation import Operation

T = TypeVar("T")
Encode: TypeAlias = Callable[[Event], tuple[str, str]]
"""Writes an event as its kind and its text, once for all who follow."""

log = logging.getLogger(__name__)

EVENT_BYTES_KEPT = 8 * 2**20
FINISHED_BYTES_KEPT = 256 * 2**20
FINISHED_JOBS_KEPT = 512
THREADS_FOR_CALLS = 256


class ServedClient(ModelClient, Protocol):
    """What the HTTP home asks of an engine, beside what every client may."""

    @property
    def operations(self) -> Iterable[Operation]:
        """The operations that requests may name."""
        ...

    @property
    def last_error(self) -> str | None:
        """The latest unexpected failure of a worker, in one line."""
        ...

    def hand_back(self) -> None:
        """Take nothing new, and give what waits back to those who asked."""
        ...

    def finish(self, patience_s: float) -> None:
        """Hand back what waits, and let what runs come to its end."""
        ...

    def observe(self, observer: Callable[[str, str, float], None]) -> None:
        """Have an observer told of every measurement: measure, operation or model, value."""
        ...


class HeldJob:
    """One job, its numbered events and in the end its outcome.

    All state is touched on the event loop only; the job itself is watched by one thread.

    Args:
        job: what the engine gave.
        encode: writes an event, once for all who follow; ``None`` where nobody can follow. In a
            long queue every batch moves everybody's place, which is not worth telling to no one.
    """

    def __init__(self, job: Job, encode: Encode | None) -> None:
        self.id = job.id
        self.job = job
        self.outcome: Result | WorkbenchError | None = None
        self.left_at = time.monotonic()
        self.listeners = 0
        self._encode = encode
        self._events: deque[tuple[int, str, str]] = deque()
        self._event_bytes = 0
        self._last_number = 0
        self._changed = anyio.Event()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Count the caller as somebody who waits for this job."""
        self.listeners += 1
        try:
            yield
        finally:
            self.listeners -= 1
            self.left_at = time.monotonic()

    async def follow(self, after: int = 0) -> AsyncIterator[tuple[int, str, str]]:
        """Yield number, kind and text of the events above ``after`` as they come, to the end.

        Events that were dropped for want of room are left out: the numbers have a gap.
        """
        position = after
        with self.listening():
            while True:
                changed = self._changed
                for number, kind, text in list(self._events):
                    if number > position:
                        yield number, kind, text
                        position = number
                if self.outcome is not None and position >= self._last_number:
                    return
                if not changed.is_set():
                    await changed.wait()

    async def wait(self) -> Result | WorkbenchError:
        """Wait for the outcome; an error is returned, not raised."""
        with self.listening():
            while self.outcome is None:
                await self._changed.wait()
            return self.outcome

    def watch(self) -> None:
        """Follow the job in a thread until it ends."""
        outcome: Result | WorkbenchError
        try:
            if self._encode is not None:
                for event in self.job.events():
                    from_thread.run_sync(self._note_event, *self._encode(event))
            outcome = self.job.result()
        except WorkbenchError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001  it is logged, and told under a reference
            outcome = report_bug(error)
        from_thread.run_sync(self._note_outcome, outcome)

    def _note_event(self, kind: str, text: str) -> None:
        self._last_number += 1
        self._events.append((self._last_number, kind, text))
        self._event_bytes += len(text)
        while self._event_bytes > EVENT_BYTES_KEPT and len(self._events) > 1:
            self._event_bytes -= len(self._events.popleft()[2])
        self._tell()

    def _note_outcome(self, outcome: Result | WorkbenchError) -> None:
        self.outcome = outcome
        self.left_at = time.monotonic()
        self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    @property
    def kept_bytes(self) -> int:
        """Bytes of the events and arrays that are kept for callers."""
        arrays = self.outcome.arrays.values() if isinstance(self.outcome, Result) else ()
        return self._event_bytes + sum(array.nbytes for array in arrays)


class JobBook:
    """Every job that an HTTP caller may still ask for.

    Args:
        client: the engine.
        encode: writes an event.
        open_limit: jobs that may be unfinished at once; each is watched by one thread.
        idle_s: an unfinished job nobody listens to is cancelled after so many seconds.
        keep_s: a finished job is forgotten after so many seconds without a listener.
    """

    def __init__(
        self,
        client: ModelClient,
        encode: Encode,
        *,
        open_limit: int,
        idle_s: float = 60.0,
        keep_s: float = 60.0,
    ) -> None:
        self._client = client
        self._encode = encode
        self._open_limit = open_limit
        self._idle_s = idle_s
        self._keep_s = keep_s
        self._jobs: dict[str, HeldJob] = {}
        self._starting = 0
        self._calls = anyio.CapacityLimiter(THREADS_FOR_CALLS)
        self._watchers = anyio.CapacityLimiter(open_limit)
        self._tasks: anyio.abc.TaskGroup | None = None
        self.abandoned = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve jobs inside this block; what is unfinished at its end is cancelled."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._sweep_regularly)
            try:
                yield
            finally:
                self._tasks = None
                with anyio.CancelScope(shield=True):
                    for held in self._unfinished():
                        await self.cancel(held)
                tasks.cancel_scope.cancel()

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Call something that may block, away from the event loop."""
        return await to_thread.run_sync(function, limiter=self._calls)

    async def submit(
        self, read: Callable[[], Request], answer: Callable[[Result], T], *, is_followed: bool
    ) -> HeldJob | T:
        """Start a request; its answer at once when the result is already there.

        All of it is one call in a thread: every further one costs a millisecond on a busy
        machine.

        Args:
            read: reads the request; may take its time.
            answer: writes the result.
            is_followed: whether somebody may want the job's events, not only its outcome.

        Raises:
            InputError: the request is wrong.
            BusyError: the queue is full, or too many jobs are open.
        """
        if self._tasks is None:
            raise BusyError("The server is shutting down. Try again in a moment.")
        if len(self._unfinished()) + self._starting >= self._open_limit:
            raise BusyError(
                f"{self._open_limit} jobs are open, which is the limit. Try again in a moment."
            )

        def start() -> tuple[Job, T | None]:
            job = self._client.submit(read())
            return job, answer(job.result()) if job.done else None

        self._starting += 1
        try:
            job, answered = await to_thread.run_sync(start, limiter=self._calls)
        finally:
            self._starting -= 1
        if answered is not None:
            return answered
        held = HeldJob(job, self._encode if is_followed else None)
        self._jobs[held.id] = held
        self._tasks.start_soon(self._watch, held)
        return held

    async def _watch(self, held: HeldJob) -> None:
        await to_thread.run_sync(held.watch, limiter=self._watchers)
        self._drop_oldest()

    def find(self, job_id: str) -> HeldJob:
        """The job of this id.

        Raises:
            UnknownJobError: no such job, or it was forgotten.
        """
        if job_id not in self._jobs:
            raise UnknownJobError(
                "No such job: it ended and was forgotten, or the server was restarted. "
                "Submit the request again."
            )
        return self._jobs[job_id]

    async def cancel(self, held: HeldJob) -> None:
        """Let go of one caller's interest."""
        await to_thread.run_sync(held.job.cancel, limiter=self._calls)

    @property
    def is_open(self) -> bool:
        """Whether new jobs are accepted."""
        return self._tasks is not None

    @property
    def open_count(self) -> int:
        """Jobs that have not ended."""
        return len(self._unfinished())

    @property
    def kept_count(self) -> int:
        """Jobs that callers may still ask for, ended or not."""
        return len(self._jobs)

    def _unfinished(self) -> list[HeldJob]:
        return [held for held in self._jobs.values() if held.outcome is None]

    async def _sweep_regularly(self) -> None:
        while True:
            await anyio.sleep(min(self._idle_s, self._keep_s) / 8)
            await self._sweep()

    async def _sweep(self) -> None:
        now = time.monotonic()
        for held in list(self._jobs.values()):
            if held.listeners:
                continue
            waited_s = now - held.left_at
            if held.outcome is None and waited_s > self._idle_s:
                log.info("job %s… cancelled: nobody has listened for %.0f s", held.id[:6], waited_s)
                self.abandoned += 1
                held.left_at = now
                await self.cancel(held)
            elif held.outcome is not None and waited_s > self._keep_s:
                del self._jobs[held.id]
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Keep finished jobs within their number and bytes, but always the newest.

        A caller whose job is gone asks again, and finds the answer in the cache.
        """
        finished = [held for held in self._jobs.values() if held.outcome is not None]
        total = sum(held.kept_bytes for held in finished)
        count = len(finished)
        for held in finished[:-1]:
            if count <= FINISHED_JOBS_KEPT and total <= FINISHED_BYTES_KEPT:
                return
            if not held.listeners:
                del self._jobs[held.id]
                count -= 1
                total -= held.kept_bytes
