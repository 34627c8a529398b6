"""Fetched folders: complete or absent, and never trusted when they changed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from filelock import FileLock

from workbench.errors import AssetError, CancelledError
from workbench.models.store import ModelFolder, silent

DIGEST = "ab" * 32


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    return ModelFolder(tmp_path / "models", "tiny", DIGEST)


def gather(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"weights of the model")
    (folder / "config.json").write_text("{}")


def test_a_filled_folder_is_complete_and_good(folder: ModelFolder) -> None:
    assert not folder.is_complete()
    folder.fill(gather, silent)
    assert folder.is_complete()
    folder.check(thorough=False)
    folder.check(thorough=True)
    assert folder.path.name == "tiny-abababababab"


def test_a_second_fill_does_no_work(folder: ModelFolder) -> None:
    folder.fill(gather, silent)

    def never(_folder: Path) -> None:
        raise AssertionError("fetched twice")

    folder.fill(never, silent)
    assert folder.is_complete()


def test_a_failed_fetch_leaves_nothing_and_the_next_one_succeeds(folder: ModelFolder) -> None:
    def half(partial: Path) -> None:
        gather(partial)
        raise CancelledError("left")

    with pytest.raises(CancelledError):
        folder.fill(half, silent)
    assert not folder.is_complete()
    assert [p.name for p in folder.path.parent.iterdir() if not p.name.endswith(".lock")] == []
    folder.fill(gather, silent)
    assert folder.is_complete()


def test_a_flipped_byte_is_found_on_load_and_the_file_is_named(folder: ModelFolder) -> None:
    folder.fill(gather, silent)
    path = folder.path / "model.safetensors"
    stat = path.stat()
    path.write_bytes(b"weights of the mOdel")
    with pytest.raises(AssetError, match=r"model\.safetensors is damaged.*launch.py fetch tiny"):
        folder.check(thorough=False)
    # With its old time restored only a thorough check can see it.
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    folder.check(thorough=False)
    with pytest.raises(AssetError, match="damaged"):
        folder.check(thorough=True)


def test_a_file_that_was_only_touched_is_still_good(folder: ModelFolder) -> None:
    folder.fill(gather, silent)
    os.utime(folder.path / "model.safetensors", ns=(1, 1))
    folder.check(thorough=False)


@pytest.mark.parametrize("name", ["model.safetensors", "manifest.json"])
def test_a_missing_file_is_named_with_the_command_that_fetches_it(
    folder: ModelFolder, name: str
) -> None:
    folder.fill(gather, silent)
    (folder.path / name).unlink()
    assert not folder.is_complete()
    with pytest.raises(AssetError, match=f"{name} is missing. Run `python launch.py fetch tiny`"):
        folder.check(thorough=False)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": {"a": 1}}', '{"files": {"a": {}}}'])
def test_a_damaged_manifest_means_fetch_again(folder: ModelFolder, text: str) -> None:
    folder.fill(gather, silent)
    (folder.path / "manifest.json").write_text(text)
    assert not folder.is_complete()
    with pytest.raises(AssetError, match=r"manifest\.json is damaged"):
        folder.check(thorough=False)
    folder.fill(gather, silent)
    folder.check(thorough=True)


def test_a_full_disk_is_said_with_what_to_do(folder: ModelFolder) -> None:
    def full(_folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(AssetError, match=r"No space left on device\. Make room there or set"):
        folder.fill(full, silent)


def test_a_fetch_waits_for_another_process_and_can_be_left_meanwhile(folder: ModelFolder) -> None:
    folder.fill(gather, silent)
    folder.remove()

    def leave(_fraction: float | None, text: str) -> None:
        assert text == "another process is fetching tiny"
        raise CancelledError("left")

    with FileLock(folder.path.parent / ".tiny.lock"), pytest.raises(CancelledError):
        folder.fill(gather, leave)


def test_a_fetch_killed_in_the_middle_leaves_a_clean_start(folder: ModelFolder) -> None:
    models_dir = folder.path.parent
    script = textwrap.dedent(
        f"""
        import os, signal
        from pathlib import Path
        from workbench.models.store import ModelFolder, silent
        def die(folder):
            (folder / "model.safetensors").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        ModelFolder(Path({str(models_dir)!r}), "tiny", {DIGEST!r}).fill(die, silent)
        """
    )
    died = subprocess.run([sys.executable, "-c", script], check=False)
    assert died.returncode == -signal.SIGKILL
    assert not folder.is_complete()
    assert list(models_dir.glob(".tiny.partial-*"))
    folder.fill(gather, silent)
    folder.check(thorough=True)
    assert not list(models_dir.glob(".tiny.partial-*"))
