"""GGUF is converted in a process of its own, which may fail without harm."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from tests.server.operations.tiny import save_tokenizer
from workbench.errors import AssetError, CancelledError
from workbench.models import gguf_conversion, gguf_to_safetensors
from workbench.models.store import silent


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A file that begins as GGUF does and then holds nonsense."""
    path = tmp_path / "damaged.gguf"
    path.write_bytes(b"GGUF" + b"\x03\x00\x00\x00" + b"\xff" * 200)
    return path


def test_a_damaged_file_is_reported_and_leaves_no_model(damaged: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(AssetError, match=r"damaged\.gguf could not be converted: \S"):
        gguf_conversion.convert(damaged, target, silent)
    assert not list(target.iterdir())


def test_a_conversion_can_be_left_and_its_process_ends(
    damaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[Any]] = []
    start = subprocess.Popen

    def remember(*arguments: Any, **options: Any) -> subprocess.Popen[Any]:
        started.append(start(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(gguf_conversion.subprocess, "Popen", remember)

    def leave(_fraction: float | None, text: str) -> None:
        assert text.startswith("converting")
        raise CancelledError("left")

    with pytest.raises(CancelledError):
        gguf_conversion.convert(damaged, tmp_path, leave)
    assert started[0].poll() is not None


@pytest.mark.parametrize(
    ("split", "tokens"),
    [
        ("smollm", ["a", "ĠĠ", "1", "2"]),
        ("default", ["a", "Ġ", "Ġ12"]),
    ],
)
def test_text_is_split_as_the_file_says(tmp_path: Path, split: str, tokens: list[str]) -> None:
    save_tokenizer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    gguf_to_safetensors._set_split(tokenizer, split)
    pieces = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str("a  12")
    assert [piece for piece, _ in pieces] == tokens


def test_a_split_nobody_knows_is_refused_rather_than_guessed(tmp_path: Path) -> None:
    save_tokenizer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="splits text as 'llama-bpe' does"):
        gguf_to_safetensors._set_split(tokenizer, "llama-bpe")
