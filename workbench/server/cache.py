"""Answers by key: in memory, on disk, and shipped with the workbench, looked at in that order.

Nothing here can fail a request: whatever goes wrong with the disk is a miss, said once.
"""

from __future__ import annotations

import errno
import logging
import re
import sqlite3
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import TypeVar

from workbench.server.answer import Answer, Source
from workbench.server.api import Json, Result
from workbench.server.disk import LOCK_WAIT_S, ByteStore
from workbench.server.wire import WireError, pack_result

T = TypeVar("T")

log = logging.getLogger(__name__)

RETRY_S = 60.0
"""After trouble with the disk its cache stays off so long before it is tried again."""

PENDING_BYTES = 256 * 2**20
"""Answers that may wait to be written; more than a slow disk can take is not kept."""


class MemoryStore:
    """Answers in memory within a limit of bytes; the least recently used leave first."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[Answer, Source]] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> tuple[Answer, Source] | None:
        """An answer and where the caller should be told it came from."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: str, answer: Answer, source: Source = "memory") -> None:
        """Keep an answer, unless it alone is larger than the limit."""
        with self._lock:
            self._forget(key)
            if answer.nbytes > self.limit_bytes:
                return
            self._entries[key] = (answer, source)
            self._bytes += answer.nbytes
            while self._bytes > self.limit_bytes:
                self._forget(next(iter(self._entries)))

    def size(self) -> tuple[int, int]:
        """Entries and bytes."""
        with self._lock:
            return len(self._entries), self._bytes

    def _forget(self, key: str) -> None:
        if key in self._entries:
            self._bytes -= self._entries.pop(key)[0].nbytes


class DiskStore:
    """Answers on disk, read by one thread and written by another, off while the disk fails.

    Args:
        folder: where they lie.
        limit_bytes: what they may take; 0 keeps none.
        clock: seconds, only for the time the cache stays off.
    """

    def __init__(
        self, folder: Path, limit_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.note = "" if limit_bytes else "switched off by WORKBENCH_DISK_CACHE_MIB=0"
        self._clock = clock
        self._off_until = 0.0 if limit_bytes else float("inf")
        self._said: set[str] = set()
        self._is_closed = False
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._store: ByteStore | None = None
        self._pending: OrderedDict[str, Answer] = OrderedDict()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="cache-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="cache-write")
        # opened in the background, so that the first request does not wait for it
        self._reader.submit(self._guarded, lambda _store: None)

    @property
    def is_on(self) -> bool:
        """Whether answers are read from and kept on disk now."""
        return self._clock() >= self._off_until

    def get(self, key: str) -> Answer | None:
        """An answer, or ``None``: not there, damaged, or the disk cannot be used."""
        with self._lock:
            if key in self._pending:
                return self._pending[key]
        if not self.is_on:
            return None
        return self._ask(lambda store: self._read(store, key))

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer soon; it is found by ``get`` from now on."""
        if not self.is_on or answer.nbytes >= self.limit_bytes:
            return
        with self._lock:
            pending = sum(other.nbytes for other in self._pending.values())
            if self._is_closed or pending + answer.nbytes > PENDING_BYTES:
                return
            self._pending[key] = answer
            self._writer.submit(self._write, key, answer)

    def size(self) -> tuple[int, int]:
        """Entries and bytes; zeros while it is off."""
        return (self._ask(lambda store: store.size()) if self.is_on else None) or (0, 0)

    def flush(self) -> None:
        """Wait until everything kept so far is on disk."""
        self._writer.submit(lambda: None).result()

    def close(self) -> None:
        """Write what is pending and close the database; from then on everything is a miss."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        for thread in (self._writer, self._reader):
            thread.submit(self._close_connection)
            thread.shutdown(wait=True)

    def _read(self, store: ByteStore, key: str) -> Answer | None:
        data = store.read(key)
        if data is None:
            return None
        try:
            return Answer.unpack(data, key=key)
        except WireError as error:
            log.warning("cache entry %s… is damaged and was removed: %s", key[:8], error)
            store.remove(key)
            return None

    def _write(self, key: str, answer: Answer) -> None:
        self._guarded(lambda store: store.write(key, answer.pack()))
        with self._lock:
            if self._pending.get(key) is answer:
                del self._pending[key]

    def _ask(self, question: Callable[[ByteStore], T]) -> T | None:
        with self._lock:
            if self._is_closed:
                return None
            asked: Future[T | None] = self._reader.submit(self._guarded, question)
        try:
            return asked.result(timeout=2 * LOCK_WAIT_S)
        except FutureTimeoutError:
            self._turn_off("the disk does not answer")
            return None

    def _guarded(self, action: Callable[[ByteStore], T]) -> T | None:
        if not self.is_on:
            return None
        try:
            with self._opening:
                if self._store is None:
                    self._store = ByteStore(self.folder, self.limit_bytes)
            found = action(self._store)
        except Exception as error:  # noqa: BLE001  a damaged database can make diskcache raise anything
            self._turn_off(_reason(error))
            return None
        if self.is_on:
            self.note = ""
        return found

    def _turn_off(self, reason: str) -> None:
        self._off_until = self._clock() + RETRY_S
        self.note = f"off: {reason}; results are still computed and shown"
        if reason not in self._said:
            self._said.add(reason)
            log.warning("The cache of results in %s is %s.", self.folder, self.note)

    def _close_connection(self) -> None:
        if self._store is not None:
            self._store.close()


class ShippedStore:
    """Answers that come with the workbench: files ``<key>.bin`` in one folder, only read."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def get(self, key: str) -> Answer | None:
        """An answer, or ``None`` when there is none or its file is damaged."""
        if self.folder is None or not re.fullmatch(r"[0-9a-f]{64}", key):
            return None
        path = self.folder / f"{key}.bin"
        if not path.is_file():
            return None
        try:
            return Answer.unpack(path.read_bytes(), key=key)
        except (WireError, OSError) as error:
            log.warning("shipped result %s is damaged and not used: %s", path.name, error)
            return None


def write_shipped(folder: Path, result: Result) -> Path:
    """Write a result where ``ShippedStore`` finds it; the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.receipt.key}.bin"
    path.write_bytes(pack_result(result))
    return path


class ResultCache:
    """The three stores as one.

    Args:
        memory: the first looked at.
        disk: the second.
        shipped: the last.
    """

    def __init__(self, memory: MemoryStore, disk: DiskStore, shipped: ShippedStore) -> None:
        self.memory = memory
        self.disk = disk
        self.shipped = shipped
        self.hits: Counter[str] = Counter()
        self._lock = threading.Lock()

    def look_in_memory(self, key: str) -> tuple[Answer, Source] | None:
        """An answer that is in memory, and where the caller should be told it came from."""
        found = self.memory.get(key)
        if found:
            self._count("memory")
        return found

    def look(self, key: str) -> tuple[Answer, Source] | None:
        """An answer wherever it is; one from disk or shipped is then kept in memory."""
        found = self.look_in_memory(key)
        if found:
            return found
        answer = self.disk.get(key)
        if answer is not None:
            self.memory.put(key, answer)
            self._count("disk")
            return answer, "disk"
        answer = self.shipped.get(key)
        if answer is not None:
            # however often it is read, people are told that it was not measured here
            self.memory.put(key, answer, "shipped")
            self._count("shipped")
            return answer, "shipped"
        self._count("misses")
        return None

    def keep(self, key: str, answer: Answer) -> None:
        """Keep an answer in memory and on disk, in place of an older one."""
        self.memory.put(key, answer)
        self.disk.put(key, answer)

    def status(self) -> dict[str, Json]:
        """What ``Status.cache`` tells."""
        memory_entries, memory_bytes = self.memory.size()
        entries, size = self.disk.size()
        with self._lock:
            hits = dict(self.hits)
        misses = hits.pop("misses", 0)
        return {
            "entries": entries,
            "bytes": size,
            "limit_bytes": self.disk.limit_bytes,
            "memory_entries": memory_entries,
            "memory_bytes": memory_bytes,
            "memory_limit_bytes": self.memory.limit_bytes,
            "hits": sum(hits.values()),
            "misses": misses,
            "on": self.disk.is_on,
            "note": self.disk.note,
        }

    def close(self) -> None:
        """Write what is pending."""
        self.disk.close()

    def _count(self, what: str) -> None:
        with self._lock:
            self.hits[what] += 1


def _reason(error: Exception) -> str:
    """Why the disk cannot be used, for a person."""
    is_full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or (
        isinstance(error, sqlite3.Error) and "full" in str(error)
    )
    if is_full:
        return "the disk is full"
    if isinstance(error, sqlite3.Error) and "locked" in str(error):
        return "another process holds its database"
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return "its database is damaged (delete the folder to start afresh)"
    return f"{type(error).__name__}: {error}"
