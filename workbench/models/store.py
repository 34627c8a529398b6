"""The folder of one fetched model: complete or absent, and checked against its manifest.

Files are gathered in a hidden partial folder and appear under their final name in one rename, so
a process that dies at any moment leaves nothing that looks finished. A lock keeps two processes
from fetching the same model at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from workbench.errors import AssetError

MANIFEST = "manifest.json"
MIB = 1024 * 1024

Progress = Callable[[float | None, str], None]
"""Called with the fraction done, if it is known, and a short text; may raise to cancel."""


def silent(_fraction: float | None, _text: str) -> None:
    """Progress nobody watches."""


def fetch_hint(name: str) -> str:
    """What to do about a model that is missing or damaged."""
    return f"Run `python launch.py fetch {name}` to get it again"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ModelFolder:
    """One model's files under the models folder.

    Args:
        models_dir: folder of all fetched models.
        name: the card's name.
        digest: digest of what is stored; another digest is another folder.
    """

    def __init__(self, models_dir: Path, name: str, digest: str) -> None:
        self._models_dir = models_dir
        self._name = name
        self.path = models_dir / f"{name}-{digest[:12]}"

    def is_complete(self) -> bool:
        """Whether every file of the manifest is here with its size (digests are not read)."""
        if not (self.path / MANIFEST).is_file():
            return False
        try:
            files = self._manifest()["files"]
        except AssetError:
            return False
        return all(
            (self.path / name).is_file() and (self.path / name).stat().st_size == entry["bytes"]
            for name, entry in files.items()
        )

    def check(self, *, thorough: bool) -> None:
        """Refuse a folder whose files are not those that were fetched.

        Args:
            thorough: read every byte; otherwise only files whose size or modification time
                changed since they were fetched are read.

        Raises:
            AssetError: names the first file that is missing or damaged.
        """
        for name, entry in self._manifest()["files"].items():
            path = self.path / name
            if not path.is_file():
                raise AssetError(f"{path} is missing. {fetch_hint(self._name)}.")
            stat = path.stat()
            untouched = [stat.st_size, stat.st_mtime_ns] == [entry["bytes"], entry["mtime_ns"]]
            if untouched and not thorough:
                continue
            if stat.st_size != entry["bytes"] or sha256_of(path) != entry["sha256"]:
                raise AssetError(f"{path} is damaged. {fetch_hint(self._name)}.")

    def fill(self, gather: Callable[[Path], None], progress: Progress) -> None:
        """Fetch the model unless another process has just done so.

        Args:
            gather: writes the files into the empty folder it is given.
            progress: told while another process holds the lock.

        Raises:
            AssetError: there is no room on the disk, or ``gather`` said so.
        """
        try:
            self._models_dir.mkdir(parents=True, exist_ok=True)
            with self._locked(progress):
                self._remove_partials()
                if self.is_complete():
                    return
                partial = self._models_dir / f".{self._name}.partial-{os.getpid()}"
                partial.mkdir()
                try:
                    gather(partial)
                    _write_manifest(partial)
                    shutil.rmtree(self.path, ignore_errors=True)
                    partial.rename(self.path)
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
        except OSError as error:
            raise AssetError(
                f"{self._name} could not be stored in {self._models_dir}: "
                f"{error.strerror or error}. Make room there or set WORKBENCH_HOME to another "
                f"folder, then run `python launch.py fetch {self._name}`."
            ) from error

    def remove(self) -> None:
        """Delete the model's files, so that the next ``fill`` starts anew."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _manifest(self) -> dict[str, Any]:
        path = self.path / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            files = manifest["files"].values()
            if not all({"bytes", "sha256", "mtime_ns"} <= entry.keys() for entry in files):
                raise KeyError("files")
        except FileNotFoundError as error:
            raise AssetError(f"{path} is missing. {fetch_hint(self._name)}.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AssetError(f"{path} is damaged. {fetch_hint(self._name)}.") from error
        return manifest

    @contextlib.contextmanager
    def _locked(self, progress: Progress) -> Iterator[None]:
        # The operating system lets go of the lock when its holder dies.
        lock = FileLock(self._models_dir / f".{self._name}.lock")
        while True:
            try:
                lock.acquire(timeout=0.5)
                break
            except Timeout:
                progress(None, f"another process is fetching {self._name}")
        try:
            yield
        finally:
            lock.release()

    def _remove_partials(self) -> None:
        for left_over in self._models_dir.glob(f".{self._name}.partial-*"):
            shutil.rmtree(left_over, ignore_errors=True)


def _write_manifest(folder: Path) -> None:
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        stat = path.stat()
        files[path.relative_to(folder).as_posix()] = {
            "bytes": stat.st_size,
            "mtime_ns": stat.st_mtime_ns,
            "sha256": sha256_of(path),
        }
    text = json.dumps({"files": files}, indent=1)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
