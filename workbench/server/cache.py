"""Answers by key: in memory, on disk, and shipped with the workbench, looked at in that order."""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter, OrderedDict
from pathlib import Path

from workbench.server.answer import Answer, Source
from workbench.server.api import Json, Result
from workbench.server.disk_store import DiskStore
from workbench.server.wire import WireError, pack_result

log = logging.getLogger(__name__)


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
