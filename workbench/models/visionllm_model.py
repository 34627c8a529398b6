"""The project's VisionLLM networks, from a folder with their sizes and safetensors."""

from __future__ import annotations

import gc
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import AssetError
from workbench.models.language_model import memory_bytes

WEIGHTS = "model.safetensors"
CONFIGURATION = "config.json"


@dataclass
class VisionLLMModel:
    """A VisionLLM network (``server.operation.LoadedModel``).

    Args:
        name: the card's name.
        device: where it is.
        dtype: of its parameters.
        model: ``workbench.training.visionllm.network.VisionLLM``, in evaluation mode.
        memory_bytes: of parameters and buffers.
        kind: always "visionllm".
    """

    name: str
    device: str
    dtype: str
    model: Any
    memory_bytes: int
    kind: str = "visionllm"

    def close(self) -> None:
        """Free the memory."""
        self.model = None
        gc.collect()


def load_visionllm(name: str, folder: Path, *, device: str, dtype: str) -> VisionLLMModel:
    """Load a network from ``config.json`` and ``model.safetensors``, always in float32.

    It is small, and bfloat16 has too few digits for places: 1 in 256.

    Args:
        name: the card's name, for messages.
        folder: where the files are.
        device: "cpu", "cuda:0" or "mps".
        dtype: what the engine would take; not used.

    Raises:
        AssetError: a file is missing, or the two do not belong together.
    """
    del dtype
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from workbench.training.visionllm.network import VisionLLM
    from workbench.training.visionllm.shape import Shape

    try:
        shape = Shape.from_json(json.loads((folder / CONFIGURATION).read_text(encoding="utf-8")))
        network = VisionLLM(shape)
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        raise AssetError(
            f"{name} could not be loaded from {folder}: {error}. Restore its files, or train it "
            f"again with `python -m workbench.training.visionllm {name}`."
        ) from error
    network.to(device).eval().requires_grad_(False)
    return VisionLLMModel(name, device, "float32", network, memory_bytes(network))
