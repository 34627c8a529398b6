"""Things to do at a time, all on one thread that sleeps until the next of them."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

from workbench.server.bugs import report_bug


class Alarm:
    """One thing to do at a time; ``cancel`` lets go of everything it refers to."""

    def __init__(self, action: Callable[[], None], timers: Timers) -> None:
        self.action: Callable[[], None] | None = action
        self._timers = timers

    def cancel(self) -> None:
        """Do not do it; safe to call twice and after it was done."""
        if self.action is not None:
            self.action = None
            self._timers.note_cancelled()


class Timers:
    """A thread that does things at their time on the monotonic clock, started when needed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Alarm]] = []
        self._numbers = itertools.count()
        self._cancelled = 0
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def at(self, when: float, action: Callable[[], None]) -> Alarm:
        """Do something at a time; the action should be quick and must not raise."""
        alarm = Alarm(action, self)
        with self._changed:
            heapq.heappush(self._heap, (when, next(self._numbers), alarm))
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._run, name="timers", daemon=True)
                self._thread.start()
            if self._heap[0][2] is alarm:
                self._changed.notify()
        return alarm

    def note_cancelled(self) -> None:
        """Drop cancelled alarms once they are most of the heap."""
        with self._changed:
            self._cancelled += 1
            if self._cancelled > 64 and 2 * self._cancelled > len(self._heap):
                self._heap = [entry for entry in self._heap if entry[2].action is not None]
                heapq.heapify(self._heap)
                self._cancelled = 0

    def close(self) -> None:
        """Do nothing more."""
        with self._changed:
            self._is_closed = True
            self._heap.clear()
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while (alarm := self._next()) is not None:
            action = alarm.action
            if action is not None:
                try:
                    action()
                except Exception as error:  # noqa: BLE001  the other alarms must still go off
                    report_bug(error)
            del alarm, action

    def _next(self) -> Alarm | None:
        """Wait for the next alarm that is due; ``None`` at the end."""
        with self._changed:
            while not self._is_closed:
                left_s = self._heap[0][0] - time.monotonic() if self._heap else None
                if left_s is not None and left_s <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(left_s)
            return None
