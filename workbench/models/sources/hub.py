"""``hf:`` a repository on the Hugging Face hub: safetensors and settings only, no code.

A branch such as ``main`` moves, so the commit it points to is looked up once and pinned; the
model's digest is that of the pinned commit, and the weights are compared with the digests that
the hub itself states for them.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import AssetError, OutsideError
from workbench.models.card import Card
from workbench.models.sources.folder import READABLE
from workbench.models.store import MIB, ModelFolder, Progress, sha256_of
from workbench.server.api import digest_json

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_WEIGHTS = {
    "causal-lm": re.compile(r"model(-\d+-of-\d+)?\.safetensors"),
    "open-clip": re.compile(r"open_clip_model\.safetensors"),
}


@dataclass(frozen=True)
class Pin:
    """A commit of a repository and the files of it that are read.

    Args:
        commit: 40 hex digits.
        files: file name → SHA-256 as stated by the hub, or empty for files it does not state.
    """

    commit: str
    files: Mapping[str, str]


class HubSource:
    """A model in a hub repository.

    Args:
        card: a card whose scheme is ``hf``.
        models_dir: folder of all fetched models.
        offline: never use the network.
        hub: what answers ``model_info`` and ``hf_hub_download``; huggingface_hub by default.
    """

    def __init__(
        self, card: Card, models_dir: Path, *, offline: bool, hub: Any | None = None
    ) -> None:
        self._card = card
        self._models_dir = models_dir
        self._offline = offline
        self._hub = hub
        self._pin_path = models_dir / f"{card.name}.pin.json"

    def digest(self) -> str:
        commit = self._card.revision
        if not _COMMIT.fullmatch(commit):
            commit = self._pin().commit
        return digest_json([self._card.reference, commit])

    def is_ready(self) -> bool:
        return self._is_pinned() and self._store().is_complete()

    def was_fetched(self) -> bool:
        return self._is_pinned() and self._store().path.is_dir()

    def why_not(self) -> str:
        if self._offline and not self.is_ready():
            return (
                "It is not here and downloads are off; unset WORKBENCH_OFFLINE and run "
                f"`python launch.py fetch {self._card.name}`."
            )
        return ""

    def fetch(self, progress: Progress) -> None:
        if not self.is_ready():
            pin = self._pin()
            self._store().fill(lambda folder: self._gather(pin, folder, progress), progress)

    def check(self, *, thorough: bool) -> None:
        self._store().check(thorough=thorough)

    def folder(self) -> Path:
        return self._store().path

    def forget(self) -> None:
        if self._is_pinned():
            self._store().remove()
        self._pin_path.unlink(missing_ok=True)

    def _is_pinned(self) -> bool:
        return bool(_COMMIT.fullmatch(self._card.revision)) or self._pin_path.is_file()

    def _store(self) -> ModelFolder:
        return ModelFolder(self._models_dir, self._card.name, self.digest())

    def _pin(self) -> Pin:
        if self._pin_path.is_file():
            try:
                said = json.loads(self._pin_path.read_text(encoding="utf-8"))
                return Pin(str(said["commit"]), dict(said["files"]))
            except (ValueError, KeyError, TypeError):
                self._pin_path.unlink()  # half a pin is no pin: ask the hub again
        if self._offline:
            raise OutsideError(f"{self._card.name} cannot be fetched. {self.why_not()}")
        pin = self._ask_for_pin()
        self._pin_path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._pin_path.with_suffix(".partial")
        partial.write_text(
            json.dumps({"commit": pin.commit, "files": dict(pin.files)}), encoding="utf-8"
        )
        partial.rename(self._pin_path)
        return pin

    def _ask_for_pin(self) -> Pin:
        info = self._call(
            "model_info", self._card.reference, revision=self._card.revision, files_metadata=True
        )
        weights = _WEIGHTS.get(self._card.kind, _WEIGHTS["causal-lm"])
        files = {
            one.rfilename: one.lfs.sha256 if one.lfs else ""
            for one in info.siblings or ()
            if "/" not in one.rfilename
            and one.rfilename.endswith(READABLE)
            and (not one.rfilename.endswith(".safetensors") or weights.fullmatch(one.rfilename))
        }
        if not any(name.endswith(".safetensors") for name in files):
            raise AssetError(
                f"{self._card.reference} holds no .safetensors weights; pickled weights are "
                "refused because they can run code. Choose another repository."
            )
        return Pin(info.sha, files)

    def _gather(self, pin: Pin, folder: Path, progress: Progress) -> None:
        progress(0.0, f"0 of {self._card.download_mib:.0f} MiB")
        # One file a call: progress moves, a caller can cancel, and no other file comes along.
        for number, name in enumerate(pin.files):
            self._call(
                "hf_hub_download",
                self._card.reference,
                name,
                revision=pin.commit,
                local_dir=folder,
            )
            path = folder / name
            if not path.is_file() or (pin.files[name] and sha256_of(path) != pin.files[name]):
                raise AssetError(f"{name} of {self._card.reference} did not arrive whole.")
            done = sum(p.stat().st_size for p in folder.iterdir() if p.is_file()) / MIB
            progress((number + 1) / len(pin.files), f"{done:.0f} MiB")
        shutil.rmtree(folder / ".cache", ignore_errors=True)  # the hub client's own records

    def _call(self, function: str, *args: Any, **options: Any) -> Any:
        import httpx2  # what the hub's own client speaks through
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

        hub = self._hub or huggingface_hub
        try:
            return getattr(hub, function)(*args, **options)
        except (HfHubHTTPError, LocalEntryNotFoundError, httpx2.HTTPError, OSError) as error:
            if getattr(error, "errno", None) in _OF_THE_DISK:
                raise
            reason = (
                str(error).strip().splitlines()[0][:200] if str(error) else type(error).__name__
            )
            raise OutsideError(
                f"{self._card.source} could not be read: {reason.rstrip('.')}. Everything that "
                "is already here works without it; with a connection to the hub run "
                f"`python launch.py fetch {self._card.name}`."
            ) from error
