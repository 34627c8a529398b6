"""Models of the open_clip library, from a folder with its configuration and safetensors."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import AssetError
from workbench.models.language_model import memory_bytes


@dataclass
class OpenClipModel:
    """An open_clip model (``server.operation.LoadedModel``).

    Args:
        name: the card's name.
        device: where it is.
        dtype: of its parameters.
        model: the open_clip model, in evaluation mode.
        tokenizer: texts → ``(n, context)`` token ids.
        preprocess: a Pillow image → ``(3, height, width)`` tensor.
        memory_bytes: of parameters and buffers.
        kind: always "open-clip".
    """

    name: str
    device: str
    dtype: str
    model: Any
    tokenizer: Any
    preprocess: Any
    memory_bytes: int
    kind: str = "open-clip"

    def close(self) -> None:
        """Free the memory."""
        self.model = self.tokenizer = self.preprocess = None
        gc.collect()


def load_open_clip(name: str, folder: Path, *, device: str, dtype: str) -> OpenClipModel:
    """Load a model from ``open_clip_config.json`` and ``open_clip_model.safetensors``.

    Args:
        name: the card's name, for messages.
        folder: where the files are.
        device: "cpu", "cuda:0" or "mps".
        dtype: "float32", "bfloat16" or "float16".

    Raises:
        AssetError: a file is missing or cannot be loaded.
    """
    import open_clip
    import torch

    weights = folder / "open_clip_model.safetensors"
    if not weights.is_file():  # open_clip would go on to look for pickled weights
        raise AssetError(f"{weights} is missing. Run `python launch.py fetch {name}` to get it.")
    precision = {"float32": "fp32", "bfloat16": "pure_bf16", "float16": "pure_fp16"}[dtype]
    try:
        model, _, preprocess = open_clip.create_model_and_transforms(
            f"local-dir:{folder}", precision=precision, device=torch.device(device)
        )
        tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    except Exception as error:  # the library raises many kinds
        raise AssetError(
            f"{name} could not be loaded from {folder}: {error}. "
            f"Run `python launch.py fetch {name}` to get it again."
        ) from error
    model.eval().requires_grad_(False)
    return OpenClipModel(name, device, dtype, model, tokenizer, preprocess, memory_bytes(model))
