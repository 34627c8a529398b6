"""Models into and out of a lane's memory, each loaded by a thread of its own.

So the device keeps computing with the models that are there while another is fetched or read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from workbench.errors import BusyError, CancelledError, WorkbenchError
from workbench.server.api import Event
from workbench.server.bugs import report_bug
from workbench.server.counting import Counting
from workbench.server.devices import is_out_of_memory, release_memory, set_torch_threads
from workbench.server.flight import Flight
from workbench.server.operation import LoadedModel, ModelSource
from workbench.server.residency import Grant, ModelKey, Residency, Slot, Wait, Wanted

LOADS_AT_ONCE = 4
"""Models that may be fetched or read at the same time."""


class Loader:
    """Loads what the queue waits for, in the order of service.

    Methods that say "under the lock" are called with ``lock`` held; the others take it.

    Args:
        source: where models come from.
        residency: the memory, guarded by ``lock``.
        device: name of the device models are loaded to.
        lock: the engine's lock.
        waiting: gives the queued flights in the order of service, under the lock.
        changed: called under the lock when a model came, left or failed.
        counting: counters.
        torch_threads: threads torch may use on the processor; 0 for every core.
    """

    def __init__(  # noqa: PLR0913  they are the parts it joins
        self,
        source: ModelSource,
        residency: Residency,
        device: str,
        *,
        lock: threading.RLock,
        waiting: Callable[[], Sequence[Flight]],
        changed: Callable[[], None],
        fail: Callable[[Flight, WorkbenchError], None],
        counting: Counting,
        torch_threads: int = 0,
    ) -> None:
        self.residency = residency
        self._source = source
        self._device = device
        self._lock = lock
        self._waiting = waiting
        self._changed = changed
        self._fail = fail
        self._counting = counting
        self._torch_threads = torch_threads
        self._threads: dict[ModelKey, threading.Thread] = {}
        self._latest: dict[ModelKey, Event] = {}
        self._given_up: set[ModelKey] = set()
        self._is_closed = False

    def is_ready(self, flight: Flight) -> bool:
        """Whether a flight's model may be put to work, under the lock."""
        return flight.model is None or self.residency.state(flight.model) == "resident"

    def is_loading(self, flight: Flight) -> bool:
        """Whether a flight waits for its model to be loaded, under the lock."""
        return flight.model is not None and flight.model in self._latest

    def greet(self, flight: Flight) -> None:
        """Tell a new flight that its model is being loaded, if it is, under the lock."""
        if flight.model is not None and flight.model in self._latest:
            flight.post(self._latest[flight.model])

    def plan(self) -> float | None:
        """Start to load what the queue waits for, as far as there is room, under the lock.

        The first model for which there is no room holds back those behind it; otherwise small
        models would keep a large one out for ever.

        Returns:
            When to plan again if nothing changes before, on the monotonic clock.
        """
        self.residency.stay_all()
        if self._is_closed:
            return None
        wanted = self._wanted()
        for flight in self._waiting():
            key = flight.model
            if key is None or self.residency.state(key) != "absent":
                continue
            if len(self._threads) >= LOADS_AT_ONCE:
                return None
            try:
                answer = self.residency.ask(
                    key, flight.model_bytes, wanted[key], wanted=wanted, now=time.monotonic()
                )
            except WorkbenchError as error:
                self._fail_waiting(key, error)
                continue
            if isinstance(answer, Wait):
                return answer.until
            self._start(key, answer)
        return None

    def close_evicted(self, evicted: Iterable[Slot]) -> None:
        """Close models that had to leave, and give their bytes back."""
        slots = tuple(evicted)
        for slot in slots:
            if slot.model is not None:
                try:
                    slot.model.close()
                except Exception as error:  # noqa: BLE001  the others must still be closed
                    report_bug(error)
            slot.model = None
        if slots:
            release_memory(self._device)
        with self._lock:
            for slot in slots:
                self.residency.closed(slot)
                self._counting.add("evictions")
            if slots:
                self._changed()

    def make_room(self) -> None:
        """Let every idle model leave that nobody waits for, because memory ran out."""
        self._counting.add("out_of_memory")
        with self._lock:
            grant = self.residency.evict_idle(self._wanted())
        self.close_evicted(grant.evicted)

    def stop(self) -> tuple[threading.Thread, ...]:
        """Load nothing more; the threads that are still at it, under the lock."""
        self._is_closed = True
        return tuple(self._threads.values())

    def _wanted(self) -> Wanted:
        wanted: dict[ModelKey, set[str]] = {}
        for flight in self._waiting():
            if flight.model is not None:
                wanted.setdefault(flight.model, set()).update(flight.users())
        return wanted

    def _start(self, key: ModelKey, grant: Grant) -> None:
        thread = threading.Thread(
            target=self._load, args=(key, grant), name=f"load-{key.name}", daemon=True
        )
        self._threads[key] = thread
        self._tell(key, None, f"Loading {key.name}.")
        thread.start()

    def _load(self, key: ModelKey, grant: Grant) -> None:
        started = time.monotonic()
        self.close_evicted(grant.evicted)
        loaded = self._try_to_load(key)
        if isinstance(loaded, MemoryError):
            self.make_room()
            loaded = self._try_to_load(key)
        if isinstance(loaded, MemoryError):
            loaded = BusyError(
                f"{key.name} does not fit into the device's memory beside what is in use. "
                "Try again in a moment, or choose a smaller model.",
                retry_after_s=10.0,
            )
        evicted: tuple[Slot, ...] = ()
        with self._lock:
            del self._threads[key]
            del self._latest[key]
            if isinstance(loaded, WorkbenchError):
                self.residency.failed(key)
                # whoever came while a load that was given up was stopping gets one of their own
                if key not in self._given_up:
                    self._fail_waiting(key, loaded)
            else:
                evicted = self.residency.loaded(
                    key, loaded, wanted=self._wanted(), now=time.monotonic()
                ).evicted
                self._counting.add("loads")
            self._given_up.discard(key)
            self._changed()
        self.close_evicted(evicted)
        self._counting.measure("load_seconds", key.name, time.monotonic() - started)

    def _try_to_load(self, key: ModelKey) -> LoadedModel | WorkbenchError | MemoryError:
        try:
            model = self._source.load(
                key.name,
                device=self._device,
                dtype=key.dtype,
                progress=lambda fraction, text="": self._progress(key, fraction, text),
            )
        except WorkbenchError as error:
            return error.with_traceback(None)
        except Exception as error:  # noqa: BLE001  whatever a loader raises is logged and told
            return MemoryError() if is_out_of_memory(error) else report_bug(error)
        set_torch_threads(self._torch_threads)
        return model

    def _progress(self, key: ModelKey, fraction: float | None, text: str) -> None:
        with self._lock:
            if self._is_closed or not any(f.model == key for f in self._waiting()):
                self._given_up.add(key)
                raise CancelledError(f"Nobody waits for {key.name} any more.")
            self._tell(key, fraction, text)

    def _tell(self, key: ModelKey, fraction: float | None, text: str) -> None:
        self._latest[key] = event = Event("loading", fraction=fraction, text=text)
        for flight in self._waiting():
            if flight.model == key:
                flight.post(event)

    def _fail_waiting(self, key: ModelKey, error: WorkbenchError) -> None:
        for flight in self._waiting():
            if flight.model == key:
                self._fail(flight, error)
