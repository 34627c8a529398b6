"""The cache without pickle: what is damaged or planted is a miss, whatever the disk does."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import pickle
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import diskcache
import numpy as np
import pytest

from workbench.server import disk
from workbench.server.answer import Answer
from workbench.server.api import Receipt
from workbench.server.cache import MemoryStore, ResultCache, ShippedStore, write_shipped
from workbench.server.disk_store import RETRY_S, DiskStore
from workbench.server.operation import Output

LIMIT_BYTES = 8 * 2**20
LARGE = disk.INLINE_BYTES // 4 + 1  # float32 numbers: enough for a file of its own
SMALL = 3


def key_of(number: int) -> str:
    return f"{number:064x}"


def answer_of(number: int, size: int = SMALL) -> Answer:
    receipt = Receipt(
        operation="test.make",
        operation_version=1,
        model=None,
        model_digest=None,
        dtype=None,
        device="cpu",
        seed=None,
        arguments_digest="",
        key=key_of(number),
        created="2026-01-01T00:00:00+00:00",
        seconds=1.5,
        packages={"numpy": "2"},
    )
    arrays = {"x": np.full(size, number, dtype=np.float32)}
    return Answer.of(Output(arrays, {"number": number}), receipt)


def number_in(answer: Answer | None) -> int | None:
    """The number an answer was made of, or ``None`` for a miss."""
    if answer is None:
        return None
    values = answer.result().values
    assert set(answer.arrays["x"].tolist()) == {values["number"]}
    return int(str(values["number"]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(folder: Path) -> Iterator[DiskStore]:
    store = DiskStore(folder, LIMIT_BYTES)
    yield store
    store.close()


def reopened(folder: Path) -> DiskStore:
    """A store as another process would see the folder: nothing of it is in memory."""
    return DiskStore(folder, LIMIT_BYTES)


def keep(store: DiskStore, *numbers: int, size: int = SMALL) -> None:
    for number in numbers:
        store.put(key_of(number), answer_of(number, size))
    store.flush()


def change_rows(folder: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(folder / "cache.db")
    with connection:
        connection.execute(statement, values)
    connection.close()


def limit_pages(store: DiskStore, pages: int) -> None:
    """Give the calling thread's connection no more room than so many pages, or than it has."""
    assert store._store is not None
    store._store._index._sql(f"PRAGMA max_page_count = {pages}").fetchall()


def damage(folder: Path) -> None:
    """Write over everything of a database but its first page, as a failing disk does."""
    connection = sqlite3.connect(folder / "cache.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with (folder / "cache.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom((folder / "cache.db").stat().st_size - 4096))


class Explosive:
    """Makes a file where a test can see it when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path(self.witness),)  # type: ignore[return-value]


class TestDisk:
    @pytest.mark.parametrize("size", [0, SMALL, LARGE])
    def test_what_was_kept_is_found_by_the_next_process(
        self, folder: Path, store: DiskStore, size: int
    ) -> None:
        answer = answer_of(7, size)
        store.put(answer.receipt.key, answer)
        store.close()
        other = reopened(folder)
        found = other.get(key_of(7))
        other.close()
        assert found is not None
        assert found.receipt == answer.receipt
        assert found.values_text == answer.values_text
        np.testing.assert_array_equal(found.arrays["x"], answer.arrays["x"])
        assert not found.arrays["x"].flags.writeable

    def test_what_waits_to_be_written_is_found_already(self, store: DiskStore) -> None:
        held = answer_of(1)
        store._writer.submit(lambda: None)
        store.put(key_of(1), held)
        assert store.get(key_of(1)) is not None

    @pytest.mark.parametrize("size", [SMALL, LARGE])
    @pytest.mark.parametrize("place", [0.0, 0.1, 0.5, 0.999])
    def test_a_flipped_bit_anywhere_is_a_miss_and_is_removed(
        self, folder: Path, store: DiskStore, size: int, place: float
    ) -> None:
        keep(store, 7, size=size)
        store.close()
        if size == SMALL:
            ((value,),) = rows(folder, "SELECT value FROM Cache")
            change_rows(folder, "UPDATE Cache SET value = ?", flip(value, place))
        else:
            (path,) = folder.glob("??/??/*.val")
            path.write_bytes(flip(path.read_bytes(), place))
        other = reopened(folder)
        assert other.get(key_of(7)) is None
        assert other.size()[0] == 0
        assert other.is_on
        other.close()

    @pytest.mark.parametrize("in_file", [False, True])
    def test_a_planted_pickle_is_not_read_but_removed(
        self, folder: Path, store: DiskStore, tmp_path: Path, in_file: bool
    ) -> None:
        witness = tmp_path / "exploded"
        bomb = pickle.dumps(Explosive(witness))
        keep(store, 7, size=LARGE if in_file else SMALL)
        if in_file:
            (path,) = folder.glob("??/??/*.val")
            path.write_bytes(bomb)
            change_rows(folder, "UPDATE Cache SET mode = 4")
        else:
            change_rows(folder, "UPDATE Cache SET mode = 4, value = ?", bomb)
        assert store.get(key_of(7)) is None
        assert store.size()[0] == 0
        assert not witness.exists()
        pickle.loads(bomb)  # noqa: S301  the bomb is live: the test could fail
        assert witness.exists()

    def test_a_pickled_key_is_never_read(
        self, folder: Path, store: DiskStore, tmp_path: Path
    ) -> None:
        witness = tmp_path / "exploded"
        keep(store, 7)
        change_rows(folder, "UPDATE Cache SET raw = 0, key = ?", pickle.dumps(Explosive(witness)))
        with (
            diskcache.Cache(str(folder), disk=disk.PlainDisk) as index,
            pytest.raises(disk.RefusedError),
        ):
            list(index)
        assert not witness.exists()

    @pytest.mark.parametrize("size", [0, SMALL, LARGE])
    def test_nothing_is_written_as_a_pickle(
        self, folder: Path, store: DiskStore, size: int
    ) -> None:
        keep(store, 1, 2, size=size)
        assert {mode for (mode,) in rows(folder, "SELECT mode FROM Cache")} <= {1, 2}

    def test_a_row_cannot_lead_to_a_file_elsewhere(
        self, folder: Path, store: DiskStore, tmp_path: Path
    ) -> None:
        victim = tmp_path / "victim.val"
        victim.write_bytes(answer_of(7).pack())
        keep(store, 7, size=LARGE)
        change_rows(folder, "UPDATE Cache SET filename = '../victim.val'")
        assert store.get(key_of(7)) is None
        assert store.size()[0] == 0
        assert victim.exists()

    def test_an_answer_under_the_wrong_key_is_a_miss(self, folder: Path, store: DiskStore) -> None:
        keep(store, 7)
        change_rows(folder, "UPDATE Cache SET key = ?", key_of(8))
        assert store.get(key_of(8)) is None

    def test_a_lost_file_is_a_miss(self, folder: Path, store: DiskStore) -> None:
        keep(store, 7, size=LARGE)
        for path in folder.glob("??/??/*.val"):
            path.unlink()
        assert store.get(key_of(7)) is None
        keep(store, 7, size=LARGE)
        assert number_in(store.get(key_of(7))) == 7

    def test_only_the_owner_may_enter(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        store = DiskStore(folder, LIMIT_BYTES)
        keep(store, 7, size=LARGE)
        store.close()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (path,) = folder.glob("??/??/*.val")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_the_oldest_leave_when_the_limit_is_reached(self, folder: Path) -> None:
        limit = 40 * LARGE
        store = DiskStore(folder, limit)
        keep(store, *range(20), size=LARGE)
        kept = [number for number in range(20) if store.get(key_of(number)) is not None]
        assert kept == list(range(20 - len(kept), 20))
        assert 5 <= len(kept) < 20
        assert store.size()[1] <= limit
        keep(store, 99, size=5 * LARGE)  # one large value pushes several small ones out
        assert number_in(store.get(key_of(99))) == 99
        assert store.size()[1] <= limit
        store.close()

    def test_a_value_above_the_limit_is_not_kept_and_pushes_nothing_out(
        self, store: DiskStore
    ) -> None:
        keep(store, 1)
        keep(store, 2, size=LIMIT_BYTES // 4 + 1)
        assert store.get(key_of(2)) is None
        assert number_in(store.get(key_of(1))) == 1

    def test_bytes_above_the_limit_are_not_written(self, folder: Path) -> None:
        store = disk.ByteStore(folder, 100_000)
        assert store.write(key_of(1), b"x" * 100)
        assert not store.write(key_of(2), b"x" * 100_000)
        assert store.read(key_of(1)) == b"x" * 100
        assert store.read(key_of(2)) is None
        store.close()

    def test_a_new_answer_replaces_the_old_and_its_file(
        self, folder: Path, store: DiskStore
    ) -> None:
        keep(store, 7, size=LARGE)
        keep(store, 7, size=2 * LARGE)
        found = store.get(key_of(7))
        assert found is not None
        assert found.arrays["x"].size == 2 * LARGE
        assert len(list(folder.glob("??/??/*.val"))) == 1


class TestTrouble:
    def test_a_full_disk_turns_the_cache_off_once_and_answers_flow(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        now = [0.0]
        store = DiskStore(folder, LIMIT_BYTES, clock=lambda: now[0])
        cache = ResultCache(MemoryStore(LIMIT_BYTES), store, ShippedStore(None))

        def write_nothing(*_: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as full, caplog.at_level(logging.WARNING):
            full.setattr(disk, "_write_owner_only", write_nothing)
            for number in range(5):
                cache.keep(key_of(number), answer_of(number, LARGE))
                store.flush()
                now[0] += RETRY_S + 1 if number == 3 else 0  # tried again, failed again
        assert len([r for r in caplog.records if "the disk is full" in r.getMessage()]) == 1
        assert cache.status()["on"] is False
        assert "the disk is full" in str(cache.status()["note"])
        found = cache.look(key_of(4))
        assert found is not None
        assert found[1] == "memory"
        now[0] += RETRY_S + 1
        keep(store, 6, size=LARGE)
        assert store.is_on
        assert store.note == ""
        assert number_in(store.get(key_of(6))) == 6
        store.close()

    def test_a_database_that_finds_no_room_is_a_full_disk_and_not_a_damaged_one(
        self, folder: Path
    ) -> None:
        now = [0.0]
        store = DiskStore(folder, LIMIT_BYTES, clock=lambda: now[0])
        keep(store, 1)
        # the writer's own connection now meets SQLite's real complaint
        store._writer.submit(limit_pages, store, 1).result()
        keep(store, *range(2, 500))
        assert store.note == "off: the disk is full; results are still computed and shown"
        store._writer.submit(limit_pages, store, 1_000_000).result()
        now[0] += RETRY_S + 1
        keep(store, 1000)
        assert [number_in(store.get(key_of(number))) for number in (1, 1000)] == [1, 1000]
        assert store.note == ""
        assert not folder.with_name("cache-damaged").exists()
        store.close()

    def test_a_failed_write_leaves_no_half_file(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def open_then_fail(path: str, flags: int) -> int:
            os.close(os.open(path, flags, 0o600))
            raise OSError(errno.ENOSPC, "No space left on device")

        store = DiskStore(folder, LIMIT_BYTES)
        monkeypatch.setattr(disk, "_open_owner_only", open_then_fail)
        keep(store, 7, size=LARGE)
        assert list(folder.glob("??/??/*.val")) == []
        store.close()

    @pytest.mark.parametrize("content", [b"not a database at all" * 100, os.urandom(4096)])
    def test_a_damaged_database_is_put_aside_and_begun_anew_with_a_word(
        self, folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        folder.mkdir(mode=0o700)
        (folder / "cache.db").write_bytes(content)
        store = DiskStore(folder, LIMIT_BYTES)
        keep(store, 7)
        assert number_in(store.get(key_of(7))) == 7
        aside = folder.with_name("cache-damaged")
        assert (aside / "cache.db").read_bytes() == content
        assert store.is_on
        assert store.note.endswith(f"database was damaged; the old one lies in {aside}")
        assert len([r for r in caplog.records if "begun anew" in r.getMessage()]) == 1
        store.close()
        other = reopened(folder)  # sound again for the next process
        assert number_in(other.get(key_of(7))) == 7
        assert other.note == ""
        other.close()

    def test_a_database_damaged_while_in_use_by_two_is_put_aside_once(self, folder: Path) -> None:
        first, second = DiskStore(folder, LIMIT_BYTES), reopened(folder)
        keep(first, *range(200))
        assert number_in(second.get(key_of(7))) == 7
        damage(folder)
        for store in (first, second):
            keep(store, 1000)
            store.get(key_of(7))
            keep(store, 1001)
        for store in (first, second, reopened(folder)):
            assert number_in(store.get(key_of(1001))) == 1001
            assert store.is_on
            store.close()
        assert first.note.startswith("begun anew")
        assert second.note == ""  # found a whole one in its place
        assert folder.with_name("cache-damaged").is_dir()

    def test_a_damaged_folder_that_cannot_be_moved_turns_the_cache_off(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError("not yours")

        folder.mkdir(mode=0o700)
        (folder / "cache.db").write_bytes(b"not a database at all" * 100)
        monkeypatch.setattr(Path, "rename", refuse)
        store = DiskStore(folder, LIMIT_BYTES)
        keep(store, 7)
        assert store.get(key_of(7)) is None
        assert store.note.startswith("off: its database is damaged (delete the folder")
        store.close()

    def test_a_folder_that_cannot_be_made_turns_the_cache_off(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        store = DiskStore(tmp_path / "file" / "cache", LIMIT_BYTES)
        assert store.get(key_of(7)) is None
        assert not store.is_on
        store.close()

    def test_a_locked_database_turns_the_cache_off_and_does_not_hang(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(disk, "LOCK_WAIT_S", 0)
        first = DiskStore(folder, LIMIT_BYTES)
        keep(first, 7)
        first.close()
        other = sqlite3.connect(folder / "cache.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        store = DiskStore(folder, LIMIT_BYTES)
        assert store.get(key_of(7)) is None
        assert store.note.startswith("off: another process holds its database")
        other.execute("ROLLBACK")
        other.close()
        store.close()

    def test_no_disk_cache_is_a_setting(self, folder: Path) -> None:
        store = DiskStore(folder, 0)
        keep(store, 7)
        assert store.get(key_of(7)) is None
        assert not store.is_on
        assert not folder.exists()
        store.close()

    def test_a_closed_cache_only_misses(self, store: DiskStore) -> None:
        keep(store, 7)
        store.close()
        store.put(key_of(8), answer_of(8))
        assert store.get(key_of(7)) is None
        assert store.size() == (0, 0)


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from tests.server.test_cache import DiskStore, LARGE, LIMIT_BYTES, SMALL, keep
store = DiskStore(Path(sys.argv[1]), LIMIT_BYTES)
number = 0
while True:
    keep(store, number, size=LARGE if number % 2 else SMALL)
    print(number, flush=True)
    number += 1
"""


class TestProcesses:
    def test_a_writer_killed_at_any_moment_leaves_a_usable_cache(self, folder: Path) -> None:
        for kept in (1, 4, 7):
            writer = subprocess.Popen(
                [sys.executable, "-c", WRITE_FOR_EVER, str(folder)], stdout=subprocess.PIPE
            )
            assert writer.stdout is not None
            for _ in range(kept):
                last = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
            store = reopened(folder)
            for number in range(last + 1):
                assert number_in(store.get(key_of(number))) == number
            keep(store, 1000)
            assert number_in(store.get(key_of(1000))) == 1000
            assert store.is_on
            store.close()

    def test_files_a_killed_writer_left_behind_are_removed(
        self, folder: Path, store: DiskStore
    ) -> None:
        keep(store, 7, size=LARGE)
        store.close()
        orphan = folder / "ab" / "cd" / f"{'0' * 28}.val"
        young = orphan.with_name(f"{'1' * 28}.val")
        orphan.parent.mkdir(parents=True)
        for path in (orphan, young):
            path.write_bytes(b"half")
        os.utime(orphan, (0, 0))
        other = reopened(folder)
        assert number_in(other.get(key_of(7))) == 7
        assert not orphan.exists()
        assert young.exists()  # its writer may be about to add the row
        other.close()

    def test_two_processes_may_share_one_folder(self, folder: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=write_range, args=(folder, start)) for start in (0, 1000)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0]
        store = reopened(folder)
        for number in [*range(30), *range(1000, 1030)]:
            assert number_in(store.get(key_of(number))) == number
        store.close()

    def test_many_threads_may_read_and_write(self, store: DiskStore) -> None:
        def work(number: int) -> int | None:
            store.put(key_of(number % 20), answer_of(number % 20))
            return number_in(store.get(key_of(number % 20)))

        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(work, range(400))) == [number % 20 for number in range(400)]


def write_range(folder: Path, start: int) -> None:
    store = DiskStore(folder, LIMIT_BYTES)
    keep(store, *range(start, start + 30))
    assert store.is_on
    store.close()


class TestTiers:
    def test_memory_then_disk_then_shipped(self, folder: Path, tmp_path: Path) -> None:
        store = DiskStore(folder, LIMIT_BYTES)
        keep(store, 1)
        for number in (1, 2):
            write_shipped(tmp_path / "shipped", answer_of(number + 100).result())
        for number in (101, 102):
            path = tmp_path / "shipped" / f"{key_of(number)}.bin"
            assert path.is_file()
        cache = ResultCache(MemoryStore(LIMIT_BYTES), store, ShippedStore(tmp_path / "shipped"))
        sources = [look(cache, number) for number in (1, 1, 101, 101, 7)]
        assert sources == ["disk", "memory", "shipped", "shipped", None]
        status = cache.status()
        assert (status["hits"], status["misses"], status["entries"]) == (4, 1, 1)
        cache.close()

    @pytest.mark.parametrize("damage", ["flip", "swap", "empty"])
    def test_a_damaged_shipped_answer_is_a_miss_and_stays(
        self, tmp_path: Path, damage: str
    ) -> None:
        path = write_shipped(tmp_path, answer_of(1).result())
        good = path.read_bytes()
        bad = {"flip": flip(good, 0.7), "swap": answer_of(2).pack(), "empty": b""}[damage]
        path.write_bytes(bad)
        assert ShippedStore(tmp_path).get(key_of(1)) is None
        assert path.read_bytes() == bad

    @pytest.mark.parametrize("key", ["../secret", "", "x" * 64, key_of(1).upper() + "/"])
    def test_only_keys_name_shipped_files(self, tmp_path: Path, key: str) -> None:
        (tmp_path / "secret.bin").write_bytes(answer_of(1).pack())
        assert ShippedStore(tmp_path / "shipped").get(key) is None

    def test_memory_forgets_the_least_recently_used(self) -> None:
        one = answer_of(1)
        memory = MemoryStore(3 * one.nbytes)
        for number in (1, 2, 3):
            memory.put(key_of(number), answer_of(number))
        memory.get(key_of(1))
        memory.put(key_of(4), answer_of(4))
        there = [number for number in (1, 2, 3, 4) if memory.get(key_of(number))]
        assert there == [1, 3, 4]
        assert memory.size() == (3, 3 * one.nbytes)

    def test_memory_does_not_keep_what_is_larger_than_all_of_it(self) -> None:
        memory = MemoryStore(answer_of(1).nbytes)
        memory.put(key_of(1), answer_of(1))
        memory.put(key_of(2), answer_of(2, LARGE))
        assert memory.size()[0] == 1
        assert memory.get(key_of(1)) is not None

    def test_memory_forgets_the_old_answer_when_the_new_is_too_large(self) -> None:
        memory = MemoryStore(answer_of(1).nbytes)
        memory.put(key_of(1), answer_of(1))
        memory.put(key_of(1), answer_of(1, LARGE))
        assert memory.get(key_of(1)) is None


def look(cache: ResultCache, number: int) -> str | None:
    found = cache.look(key_of(number))
    if found is None:
        return None
    assert number_in(found[0]) == number
    return found[1]


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "cache.db")
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def flip(data: object, place: float) -> bytes:
    assert isinstance(data, bytes)
    changed = bytearray(data)
    changed[int(place * len(changed))] ^= 1
    return bytes(changed)
