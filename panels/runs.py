"""Runs a study in a thread and tells its session how far it is; cancels only what it started."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from panels.resuming import Unfinished
from panels.sharing import AnswersName, SharedAnswers, SharedWork, key_of
from workbench.errors import CancelledError, HandedBackError, WorkbenchError
from workbench.server.api import Event, Job, ModelClient, OnEvent, canonical_json
from workbench.study import Gathered, Outcome, Study, conclude, execute, gather

T = TypeVar("T")
Mode = Literal["fill", "auto", "run", "check"]
Measure = Callable[[], Gathered[Any, Any]]
Compute = Callable[[Gathered[Any, Any]], "tuple[str, Any]"]
Elsewhere = Callable[[Study[Any, Any, Any], Gathered[Any, Any]], "tuple[str, Any] | None"]


ENDING = "The workbench is being stopped; what was measured is kept. Run it again when it is back."


class NotMeasuredError(Exception):
    """The first fill of a tab found nothing measured and stopped before measuring."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks for a run, and how.

    Args:
        session: whose run it is.
        mode: why it runs; "fill" takes only what is measured already, if ``measures``.
        fresh: measure again instead of reading the cache.
        measures: whether the study stands behind a button, because it needs a model.
        trace: name of this run in the logs, from the browser to the device.
    """

    session: str
    mode: Mode = "run"
    fresh: bool = False
    measures: bool = False
    trace: str = ""


@dataclass
class Run:
    """One run of one study for one session."""

    jobs: list[Job] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    reason: WorkbenchError = field(default_factory=lambda: CancelledError("Cancelled."))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_job(self, job: Job) -> None:
        """Remember a job; one that starts after the stop is cancelled at once."""
        with self._lock:
            self.jobs.append(job)
        if self.stopped.is_set():
            job.cancel()

    def check(self) -> None:
        """Raise why this run was stopped, if it was."""
        if self.stopped.is_set():
            raise self.reason

    def stop(self) -> None:
        """Cancel every job of this run; safe to call twice."""
        self.stopped.set()
        with self._lock:
            jobs = list(self.jobs)
        for job in jobs:
            job.cancel()


class Runner:
    """Runs studies for the page's sessions.

    Args:
        client: the model server.
        finish: turns an outcome into what the page is given (an address); called in the thread.
        is_served: whether such an address still answers.
        renew: keeps the answer at such an address again, with the receipt of another run that was
            given the same; ``None`` where it cannot.
        elsewhere: does the arithmetic and what ``finish`` does in another process; gives the
            address and the receipt, or ``None`` where this process must do it.
        threads: how many studies may run or wait for the server at once.
    """

    def __init__(
        self,
        client: ModelClient,
        finish: Callable[[Study, Outcome], str],
        is_served: Callable[[str], bool],
        renew: Callable[[str, Any], str | None] = lambda _address, _receipt: None,
        *,
        elsewhere: Elsewhere = lambda _study, _gathered: None,
        threads: int = 48,
    ) -> None:
        self._client = client
        self._finish = finish
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="study")
        self._runs: dict[tuple[str, str], Run] = {}
        self._pure = SharedAnswers(is_served)
        self._shared = SharedWork(is_served, renew)
        self._settled = SharedAnswers(is_served)
        self._answers_name = AnswersName(client)
        self._asking: set[str] = set()
        self._unfinished = Unfinished()
        self._elsewhere = elsewhere
        self._computing = threading.BoundedSemaphore(os.cpu_count() or 1)
        self.is_ending = False

    @property
    def running(self) -> int:
        """Runs that have not ended."""
        return len(self._runs)

    async def run(self, study: Study, params: Any, ask: Ask) -> AsyncIterator[Event | str]:
        """Yield the events of a run and, last, what ``finish`` made of its outcome.

        A newer run of the same study in the same session stops this one.

        Args:
            study: what to run.
            params: its checked parameters.
            ask: who asks, and how.

        Raises:
            WorkbenchError: what the server or the method refused.
            NotMeasuredError: nothing is measured yet and the tab is only being filled.
        """
        key = (ask.session, study.slug)
        run = self._begin(key)
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        only_measured = ask.measures and ask.mode == "fill"

        def note_event(event: Event) -> None:
            run.check()
            if only_measured and event.kind != "partial":
                run.stop()
                raise NotMeasuredError
            loop.call_soon_threadsafe(queue.put_nowait, event)

        def work() -> str:
            try:
                return self._answer(study, params, run, note_event, ask)
            finally:
                loop.call_soon_threadsafe(queue.put_nowait, None)

        future = loop.run_in_executor(self._pool, work)
        try:
            while (events := await take_all(queue)) is not None:
                for event in events:
                    yield event
            yield await future
        finally:
            run.stop()
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            if self._runs.get(key) is run:
                del self._runs[key]

    def _begin(self, key: tuple[str, str]) -> Run:
        """A new run, in the place of an older one."""
        if self.is_ending:
            raise HandedBackError(ENDING)
        if (older := self._runs.get(key)) is not None:
            older.stop()
        self._runs[key] = run = Run()
        return run

    async def use_result(
        self, study: Study, params: Any, session: str, use: Callable[[Any], T]
    ) -> T:
        """What ``use`` makes of a study's result, which is measured if nobody has measured it yet.

        Args:
            study: what to run.
            params: its checked parameters.
            session: who asks.
            use: called with the result in the thread.

        Raises:
            WorkbenchError: what the server or the method refused.
        """
        run = Run()

        def work() -> T:
            found = execute(study, self._client, params, user=session, on_job=run.note_job)
            return use(found.result)

        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await future
        finally:
            run.stop()

    def _answer(self, study: Study, params: Any, run: Run, note_event: OnEvent, ask: Ask) -> str:
        def compute(gathered: Gathered[Any, Any]) -> tuple[str, Any]:
            if (made := self._elsewhere(study, gathered)) is not None:
                run.check()
                return made
            with self._computing:  # more at once would only share the processor
                outcome = conclude(study, gathered)
                run.check()
                return self._finish(study, outcome), outcome.receipt

        def measure() -> Gathered[Any, Any]:
            return self._ask_server(study, params, run, note_event, ask)

        if study.slug in self._asking or (ask.measures and not study.is_local):
            if ask.fresh:
                return compute(measure())[0]
            return self._answer_from_server(study, params, ask, measure, compute)
        key = key_of(study, params)
        if ask.measures and ask.mode == "fill" and self._pure.known(key) is None:
            raise NotMeasuredError
        with self._pure.alone(key):
            if (known := self._pure.known(key)) is not None and not ask.fresh:
                return known
            gathered = measure()
            if gathered.receipts and not ask.fresh:
                return self._shared.answer(study, gathered, lambda: compute(gathered))
            address, _ = compute(gathered)
            if not gathered.receipts:
                self._pure.keep(key, address)
            return address

    def _answer_from_server(
        self, study: Study, params: Any, ask: Ask, measure: Measure, compute: Compute
    ) -> str:
        settled = self._name_settled(study, params)
        # of thirty who open it at once, one asks for what is known
        only_known = settled and ask.measures and ask.mode == "fill"
        with self._settled.alone(settled) if only_known else nullcontext():
            if settled and (known := self._settled.known(settled)) is not None:
                return known
            gathered = measure()
            address = self._shared.answer(study, gathered, lambda: compute(gathered))
            if settled and gathered.was_known:
                self._settled.keep(settled, address)
            return address

    def _name_settled(self, study: Study, params: Any) -> str:
        """What an answer is known by, as long as the model server's answers stay what they are.

        A study that stands on hundreds of shipped answers then asks for none of them again. Empty
        where the server cannot say: it is away, or of another version.
        """
        answers = self._answers_name.ask()
        return canonical_json([key_of(study, params), answers]) if answers else ""

    def _ask_server(
        self, study: Study, params: Any, run: Run, note_event: OnEvent, ask: Ask
    ) -> Gathered[Any, Any]:
        # a check compares with a measurement that is new from its first request
        goes_on = ask.fresh and ask.mode == "run"
        measured = self._unfinished.take(ask.session, study, params) if goes_on else set[str]()
        try:
            gathered = gather(
                study,
                self._client,
                params,
                fresh=ask.fresh,
                measured=measured,
                user=ask.session,
                trace=ask.trace,
                on_event=note_event,
                on_job=run.note_job,
            )
        except WorkbenchError as error:
            if goes_on:
                self._unfinished.keep(ask.session, study, params, measured)
            if isinstance(error, CancelledError):
                run.check()  # the reason, if there is another one
            raise
        finally:
            if ask.fresh:
                self._answers_name.forget()
        run.check()
        if gathered.receipts:
            self._asking.add(study.slug)
        return gathered

    def cancel(self, session: str, study: str) -> None:
        """Stop this session's run of a study, if there is one; others are not touched."""
        if (run := self._runs.get((session, study))) is not None:
            run.stop()

    def take_nothing_new(self) -> None:
        """Refuse every new run, as the page is being stopped."""
        self.is_ending = True

    def hand_back(self) -> None:
        """Stop every run and say why."""
        for run in list(self._runs.values()):
            run.reason = HandedBackError(ENDING)
            run.stop()

    def leave(self, session: str) -> None:
        """Stop everything a session has running; it closed its page."""
        for (owner, _), run in list(self._runs.items()):
            if owner == session:
                run.stop()


async def take_all(queue: asyncio.Queue[Event | None]) -> list[Event] | None:
    """Everything that waits in a queue, or ``None`` at its end.

    Of several texts a model has grown since the last look only the longest is of use: a page that
    is slower than the model then falls no further behind. Points of a curve are all of use.
    """
    event = await queue.get()
    events: list[Event] = []
    while event is not None:
        if _is_text(event):
            events = [e for e in events if not (_is_text(e) and e.label == event.label)]
        events.append(event)
        if queue.empty():
            return events
        event = queue.get_nowait()
    if not events:
        return None
    queue.put_nowait(None)  # the end, for the next look
    return events


def _is_text(event: Event) -> bool:
    return event.kind == "partial" and "text" in event.values
