"""Checkpoints of the token-level policy, on the disk of the machine that trains it.

A T5 has too many weights to travel with every request, so requests name a checkpoint by its digest
and the server keeps the file. The oldest files go when the folder is full.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from workbench.errors import AssetError
from workbench.training.seq2seq_policy import Seq2SeqPolicy

FOLDER_LIMIT_BYTES = 8 * 1024**3
_WEIGHTS, _FIRST, _SECOND = "weights.", "first.", "second."


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Args:
        reference: digest of the supervised policy's checkpoint; empty for that one itself.
        mask: digest of the checkpoint that NLPO masks with; empty likewise.
        iteration: iterations of reinforcement learning done.
        updates: Adam's steps so far.
        beta: weight of the KL penalty for the next iteration.
        clip_fraction: of the last update; 0 before any.
    """

    reference: str = ""
    mask: str = ""
    iteration: int = 0
    updates: int = 0
    beta: float = 0.0
    clip_fraction: float = 0.0


@dataclass(frozen=True)
class TokenCheckpoint:
    """Weights by parameter, Adam's two moments by parameter (empty before any update), progress."""

    weights: Mapping[str, torch.Tensor]
    first: Mapping[str, torch.Tensor]
    second: Mapping[str, torch.Tensor]
    progress: Progress

    def own(self, digest: str) -> TokenCheckpoint:
        """The same, with itself as reference and mask where it names none."""
        progress = self.progress
        if progress.reference:
            return self
        return replace(self, progress=replace(progress, reference=digest, mask=digest))


def read_parameters(policy: Seq2SeqPolicy) -> dict[str, torch.Tensor]:
    """A policy's parameters as they are now; tied ones once."""
    return {
        name: value.detach().to("cpu", torch.float32).contiguous().clone()
        for name, value in policy.named_parameters()
    }


def write_parameters(policy: Seq2SeqPolicy, weights: Mapping[str, torch.Tensor]) -> None:
    """Give a policy the parameters of a checkpoint.

    Raises:
        AssetError: they are those of another model.
    """
    own = dict(policy.named_parameters())
    if {n: tuple(v.shape) for n, v in own.items()} != {
        n: tuple(v.shape) for n, v in weights.items()
    }:
        raise AssetError(
            "The checkpoint is of another model; train with the model that it began with."
        )
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(weights[name])


class CheckpointFolder:
    """Checkpoints by digest.

    Args:
        folder: where they are; made when the first is kept.
        limit_bytes: the oldest go beyond this.
    """

    def __init__(self, folder: Path, limit_bytes: int = FOLDER_LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes

    def keep(self, checkpoint: TokenCheckpoint) -> str:
        """Write a checkpoint and return its digest; those it depends on are never thrown away."""
        tensors = {
            prefix + name: value
            for prefix, group in (
                (_WEIGHTS, checkpoint.weights),
                (_FIRST, checkpoint.first),
                (_SECOND, checkpoint.second),
            )
            for name, value in group.items()
        }
        said = json.dumps(asdict(checkpoint.progress), sort_keys=True)
        digest = _digest(tensors, said)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(digest)
        if not path.is_file():
            part = path.with_suffix(".part")
            save_file(tensors, part, metadata={"progress": said})
            part.replace(path)  # a reader sees the whole file or none
        progress = checkpoint.progress
        self._make_room({digest, progress.reference, progress.mask})
        return digest

    def read(self, digest: str) -> TokenCheckpoint:
        """A checkpoint by its digest.

        Raises:
            AssetError: it is gone, or cannot be read.
        """
        path = self._path(digest)
        groups: dict[str, dict[str, torch.Tensor]] = {_WEIGHTS: {}, _FIRST: {}, _SECOND: {}}
        try:
            with safe_open(path, "pt") as file:
                progress = Progress(**json.loads(file.metadata()["progress"]))
                for name in file.keys():  # noqa: SIM118  the file is no mapping
                    prefix, _, rest = name.partition(".")
                    groups[f"{prefix}."][rest] = file.get_tensor(name)
        except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
            raise AssetError(
                f"Checkpoint {digest[:12]} is not on this server any more or is damaged. Run the "
                "training again to measure it afresh."
            ) from error
        path.touch()  # used just now: others go first
        checkpoint = TokenCheckpoint(groups[_WEIGHTS], groups[_FIRST], groups[_SECOND], progress)
        return checkpoint.own(digest)

    def _make_room(self, needed: Iterable[str]) -> None:
        kept = {self._path(digest) for digest in needed if digest}
        files = sorted(self._folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
        total = sum(path.stat().st_size for path in files)
        for path in files:
            if total <= self._limit_bytes:
                return
            if path not in kept:
                total -= path.stat().st_size
                path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.safetensors"


def _digest(tensors: Mapping[str, torch.Tensor], said: str) -> str:
    found = hashlib.sha256(said.encode())
    for name in sorted(tensors):
        value: Any = tensors[name].contiguous().numpy()
        found.update(f"{name} {value.shape}".encode())
        found.update(memoryview(value).cast("B") if value.size else b"")
    return found.hexdigest()
