"""``file:`` a folder on this machine, and ``assets:`` a folder shipped with the workbench."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import AssetError
from workbench.models.card import Card
from workbench.models.store import Progress, sha256_of
from workbench.server.api import digest_json

READABLE = (".safetensors", ".json", ".txt", ".model", ".jinja")
"""Endings of the files that are ever read: weights as safetensors, settings and vocabularies."""


class FolderSource:
    """A model whose files are already on this machine.

    Args:
        card: a card whose scheme is ``file`` or ``assets``.
        folder: where its files are.
    """

    def __init__(self, card: Card, folder: Path) -> None:
        self._card = card
        self._folder = folder
        self._known: dict[tuple[str, int, int], str] = {}

    def digest(self) -> str:
        if self._card.files:
            content = sorted(self._card.files.items())
        else:
            content = [(path.name, self._sha256(path)) for path in self._files()]
        return digest_json(content)

    def is_ready(self) -> bool:
        return not self.why_not()

    def was_fetched(self) -> bool:
        return False

    def why_not(self) -> str:
        if not self._folder.is_dir():
            return f"Its folder {self._folder} does not exist; correct source on its card."
        missing = [name for name in self._card.files if not (self._folder / name).is_file()]
        if missing:
            return f"{self._folder / missing[0]} is missing; restore it."
        if not any(self._folder.glob("*.safetensors")):
            return f"{self._folder} holds no .safetensors file; other weights are not read."
        return ""

    def fetch(self, progress: Progress) -> None:
        del progress
        if reason := self.why_not():
            raise AssetError(f"{self._card.name} cannot be loaded. {reason}")

    def check(self, *, thorough: bool) -> None:
        if reason := self.why_not():
            raise AssetError(f"{self._card.name} cannot be loaded. {reason}")
        if thorough:
            self._known.clear()
        for name, sha256 in self._card.files.items():
            if self._sha256(self._folder / name) != sha256:
                raise AssetError(f"{self._folder / name} is damaged; restore it.")

    def folder(self) -> Path:
        return self._folder

    def forget(self) -> None:
        """The files belong to somebody else and stay."""

    def _files(self) -> list[Path]:
        if reason := self.why_not():
            raise AssetError(f"{self._card.name} cannot be loaded. {reason}")
        return sorted(p for p in self._folder.iterdir() if p.suffix in READABLE and p.is_file())

    def _sha256(self, path: Path) -> str:
        # Hashing gigabytes for every request would be slow; a changed file changes its stamp.
        stat = path.stat()
        stamp = (path.name, stat.st_size, stat.st_mtime_ns)
        if stamp not in self._known:
            self._known[stamp] = sha256_of(path)
        return self._known[stamp]
