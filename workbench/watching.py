"""A client that marks the requests of a run and says what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from workbench.server.api import (
    Event,
    Job,
    ModelClient,
    ModelEntry,
    OnEvent,
    Request,
    Result,
    Status,
    canonical_json,
    digest_arrays,
)


@dataclass(frozen=True)
class Watch:
    """How the requests of one run are marked, and who is told what becomes of them.

    Args:
        fresh: measure again instead of reading the cache.
        measured: names of the requests that need not be measured again; those answered join them.
        user: who asks.
        trace: name of the run in the logs.
        on_event, on_job, on_answer: told of every event, of each job as it starts, of each answer.
    """

    fresh: bool
    measured: set[str]
    user: str
    trace: str
    on_event: OnEvent
    on_job: Callable[[Job], None]
    on_answer: Callable[[Result], None]


def _name(request: Request) -> str:
    """The same for two requests that ask for the same."""
    what = [request.operation, request.model, request.dtype, request.seed, request.arguments]
    return canonical_json([*what, digest_arrays(request.arrays)])


class WatchedClient:
    """A client that marks requests and reports jobs, events and answers."""

    def __init__(self, client: ModelClient, watch: Watch) -> None:
        self._client = client
        self._watch = watch
        self.seen_models: list[ModelEntry] = []

    def submit(self, request: Request) -> Job:
        watch = self._watch
        name = _name(request) if watch.fresh else ""
        fresh = request.fresh or (watch.fresh and name not in watch.measured)
        job = self._client.submit(replace(request, fresh=fresh, user=watch.user, trace=watch.trace))
        watch.on_job(job)
        return _WatchedJob(job, watch, request.label, name)

    def call(self, request: Request) -> Result:
        job = self.submit(request)
        for _ in job.events():
            pass
        return job.result()

    def models(self) -> tuple[ModelEntry, ...]:
        found = self._client.models()
        self.seen_models += found
        return found

    def status(self) -> Status:
        return self._client.status()

    def close(self) -> None:
        """The client belongs to the caller and stays open."""


class _WatchedJob:
    def __init__(self, job: Job, watch: Watch, label: str, name: str) -> None:
        self._job = job
        self._watch = watch
        self._label = label
        self._name = name

    @property
    def id(self) -> str:
        return self._job.id

    @property
    def done(self) -> bool:
        return self._job.done

    def events(self) -> Iterator[Event]:
        for event in self._job.events():
            event = replace(event, label=self._label) if self._label else event
            self._watch.on_event(event)
            yield event

    def result(self, timeout_s: float | None = None) -> Result:
        result = self._job.result(timeout_s)
        self._watch.measured.add(self._name)
        self._watch.on_answer(result)
        return result

    def cancel(self) -> None:
        self._job.cancel()
