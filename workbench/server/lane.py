"""One device: its queue, its models, and the threads that compute on it.

Work that needs a model waits until the model is there, while other work goes on; see ``loading``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from workbench.errors import WorkbenchError
from workbench.server.admission import FairQueue, ServiceTimes
from workbench.server.api import Event
from workbench.server.batching import Size, form
from workbench.server.bugs import report_bug
from workbench.server.counting import Counting
from workbench.server.devices import Device, set_torch_threads
from workbench.server.flight import Flight
from workbench.server.loading import Loader
from workbench.server.operation import LoadedModel, ModelSource
from workbench.server.residency import Residency, Slot
from workbench.server.running import Outcome, run_batch
from workbench.server.timers import Alarm, Timers
from workbench.settings import Settings


class Finish(Protocol):
    """What becomes of a flight that was computed or refused; may be called under the lock."""

    def __call__(self, flight: Flight, outcome: Outcome, *, device: str) -> None: ...


@dataclass(eq=False)
class _Running:
    flights: tuple[Flight, ...]
    model: LoadedModel | None
    since: float
    expected_s: float | None


class Lane:
    """A queue and the workers that serve it.

    Args:
        name: of its threads.
        settings: limits and waits.
        source: where models come from.
        find_device: finds the device; called once, by a worker, when there is work.
        budget_bytes: what models may take on a device.
        finish: takes outcomes.
        lock: the engine's lock, which guards everything here.
        counting: counters and observers.
        timers: for planning loads again.
        workers: how many batches run at once.
    """

    def __init__(  # noqa: PLR0913  they are the parts it joins
        self,
        name: str,
        settings: Settings,
        source: ModelSource,
        *,
        find_device: Callable[[], Device],
        budget_bytes: Callable[[Device], int],
        finish: Finish,
        lock: threading.RLock,
        counting: Counting,
        timers: Timers,
        workers: int = 1,
    ) -> None:
        self.device: Device | None = None
        self.loader: Loader | None = None
        self._name = name
        self._settings = settings
        self._source = source
        self._find_device = find_device
        self._budget_bytes = budget_bytes
        self._finish = finish
        self._lock = lock
        self._counting = counting
        self._timers = timers
        self._changed = threading.Condition(lock)
        self._queue: FairQueue[Flight] = FairQueue(settings.queue_limit, settings.user_limit)
        self._times = ServiceTimes()
        self._running: list[_Running] = []
        self._alarm: Alarm | None = None
        self._is_closed = False
        self._worker_count = workers
        self._threads: list[threading.Thread] = []

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """Requests that are being computed."""
        return sum(len(batch.flights) for batch in self._running)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Models that are here or being loaded."""
        return self.loader.residency.slots() if self.loader else ()

    def push(self, flight: Flight) -> None:
        """Queue a flight, under the lock.

        Raises:
            BusyError: the queue is full.
        """
        running = [batch.flights[0].operation.name for batch in self._running]
        self._queue.check_room(flight.request.user, self._times.retry_after_s(running))
        flight.state, flight.enqueued_at = "queued", time.monotonic()
        others = flight.users() - {flight.request.user}
        self._queue.push(flight, [flight.request.user, *sorted(others)])
        if not self._threads:
            self._start_workers()
        self._tell_places()
        self._update()
        if self.loader is not None:
            self.loader.greet(flight)

    def share(self, flight: Flight, user: str) -> None:
        """Let one more user wait for a queued flight, under the lock."""
        if flight in self._queue:
            self._queue.share(flight, user)
            self._update()

    def unshare(self, flight: Flight, user: str) -> None:
        """Take a user's interest in a queued flight away, under the lock."""
        if flight in self._queue:
            self._queue.unshare(flight, user)
            self._update()

    def drop(self, flight: Flight) -> None:
        """Take a flight nobody waits for out of the queue, under the lock."""
        if flight in self._queue:
            self._queue.remove(flight)
            self._update()

    def stop(self) -> tuple[threading.Thread, ...]:
        """Start nothing more; the threads that may still be at work, under the lock."""
        self._is_closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        self._changed.notify_all()
        return (*self._threads, *(self.loader.stop() if self.loader else ()))

    def close_models(self) -> None:
        """Close every model that is not in use."""
        if self.loader is not None:
            with self._lock:
                grant = self.loader.residency.evict_all()
            self.loader.close_evicted(grant.evicted)

    # what follows runs on the workers

    def _start_workers(self) -> None:
        for number in range(self._worker_count):
            thread = threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            self._serve(batch)
            del batch  # an idle worker must not keep results alive

    def _next_batch(self) -> _Running | None:
        """Wait for a batch and take it; ``None`` at the end."""
        while True:
            with self._changed:
                while self.device is not None or not len(self._queue):
                    if self._is_closed:
                        return None
                    batch, wait_s = self._take()
                    if batch is not None:
                        return batch
                    self._changed.wait(wait_s)
                if self._is_closed:
                    return None
            self._open_device()

    def _open_device(self) -> None:
        """Find the device, without the lock: torch may have to be imported for it."""
        try:
            device: Device | WorkbenchError = self._find_device()
        except WorkbenchError as error:
            device = error
        except Exception as error:  # noqa: BLE001  a broken driver can raise anything
            device = report_bug(error)
        with self._lock:
            if isinstance(device, WorkbenchError):
                for flight in self._queue.order():
                    self._fail(flight, device)
            elif self.device is None:
                self.device = device
                residency = Residency(
                    self._budget_bytes(device), self._settings.minimum_residence_s
                )
                self.loader = Loader(
                    self._source,
                    residency,
                    device.name,
                    lock=self._lock,
                    waiting=self._queue.order,
                    changed=self._update,
                    fail=self._fail,
                    counting=self._counting,
                    torch_threads=self._settings.torch_threads,
                )
                self._update()

    def _take(self) -> tuple[_Running | None, float | None]:
        """Take the next batch out of the queue, or say how long to wait for one."""
        now, loader = time.monotonic(), self.loader
        if loader is None:
            return None, None
        # the expired are taken away by their alarms; here they just get no device time
        ready = [f for f in self._queue.order() if f.deadline > now and loader.is_ready(f)]
        formed = form(ready, self._size_of, now=now, wait_s=self._settings.batch_wait_ms / 1000)
        if not formed.batch:
            return None, formed.wait_s
        head = formed.batch[0]
        model = None
        if head.model is not None:
            users = {user for flight in formed.batch for user in flight.users()}
            model = loader.residency.use(head.model, users, now)
        self._queue.serve(head, formed.batch)
        mean_s = self._times.seconds(head.operation.name)
        expected_s = None if mean_s is None else mean_s * len(formed.batch)
        batch = _Running(formed.batch, model, now, expected_s)
        self._running.append(batch)
        for flight in formed.batch:
            flight.state, flight.started_at = "running", now
            flight.batch_items = len(formed.batch)
            flight.post(Event("running", seconds_left=expected_s))
        self._update()
        return batch, None

    def _serve(self, batch: _Running) -> None:
        device, loader = self.device, self.loader
        if device is None or loader is None:
            raise RuntimeError("a batch was taken before the device was found")
        set_torch_threads(self._settings.torch_threads)
        name = batch.flights[0].operation.name
        where = batch.model.device if batch.model is not None else device.name
        outcomes = run_batch(batch.flights, batch.model, where, on_out_of_memory=loader.make_room)
        now = time.monotonic()
        seconds = now - batch.since
        with self._lock:
            self._running.remove(batch)
            if batch.flights[0].model is not None:
                loader.residency.release(batch.flights[0].model, now)
            self._times.note(name, seconds / len(batch.flights))
            self._update()
        batch.model = None
        self._note(name, batch, seconds)
        for flight, outcome in zip(batch.flights, outcomes, strict=True):
            flight.compute_s = seconds
            self._finish(flight, outcome, device=where)

    def _note(self, name: str, batch: _Running, seconds: float) -> None:
        self._counting.add("batches")
        self._counting.add("batched_items", len(batch.flights))
        self._counting.add("executions", len(batch.flights))
        self._counting.add("busy_seconds", seconds)
        self._counting.measure("batch_items", name, len(batch.flights))
        self._counting.measure("compute_seconds", name, seconds)
        for flight in batch.flights:
            self._counting.measure("queue_seconds", name, batch.since - flight.enqueued_at)

    def _fail(self, flight: Flight, error: WorkbenchError) -> None:
        """Refuse a queued flight, under the lock."""
        self._queue.remove(flight)
        self._finish(flight, error, device=self.device.name if self.device else "")

    def _update(self) -> None:
        """After any change, under the lock: plan loads, wake the workers, tell the places."""
        if self.loader is not None:
            again_at = self.loader.plan()
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            if again_at is not None:
                self._alarm = self._timers.at(again_at, self._update_at_time)
        self._changed.notify_all()
        self._tell_places()

    def _update_at_time(self) -> None:
        with self._lock:
            if not self._is_closed:
                self._update()

    def _tell_places(self) -> None:
        now = time.monotonic()
        ahead_s: float | None = 0.0
        for batch in self._running:
            if batch.expected_s is None:
                ahead_s = None
            elif ahead_s is not None:
                ahead_s += max(0.0, batch.since + batch.expected_s - now)
        for place, flight in enumerate(self._queue.order(), start=1):
            own_s = self._times.seconds(flight.operation.name)
            ahead_s = None if own_s is None or ahead_s is None else ahead_s + own_s
            is_loading = self.loader is not None and self.loader.is_loading(flight)
            if flight.place is None or (flight.place != place and not is_loading):
                flight.place = place
                flight.post(Event("queued", place=place, seconds_left=ahead_s))

    def _size_of(self, flight: Flight) -> Size:
        operation, prepared = flight.operation, flight.prepared
        items = operation.max_batch_items
        if self.device is not None and self.device.name == "cpu":
            items = min(items, operation.max_batch_items_on_cpu or items)
        return Size(
            group=(operation.name, flight.model, flight.dtype, prepared.bucket),
            cost=prepared.cost,
            max_batch_cost=operation.max_batch_cost,
            max_batch_items=items,
            waiting_since=flight.enqueued_at,
        )
