"""Published models that find things in pictures by words, from a folder as the hub holds them.

Florence-2, Grounding DINO (and MM Grounding DINO), OWLv2 and Qwen2.5-VL, each with the classes and
the processor that the transformers library has for it.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workbench.errors import AssetError
from workbench.models.language_model import loading, memory_bytes, refuse_missing
from workbench.models.transformers_library import import_transformers

ARCHITECTURES: Final = {
    "florence2": ("florence2",),
    "grounding-dino": ("grounding-dino", "mm-grounding-dino"),
    "owlv2": ("owlv2",),
    "qwen-vl": ("qwen2_5_vl",),
}
"""Kind of a card → what its ``config.json`` may call itself."""
DETECTORS: Final = ("grounding-dino", "owlv2")
"""Kinds that are always loaded in float32."""


@dataclass
class HubVisionModel:
    """A published vision model with its processor (``server.operation.LoadedModel``).

    Args:
        name: the card's name.
        kind: the card's kind, a key of ``ARCHITECTURES``.
        device: where it is.
        dtype: of its parameters.
        model: the transformers model, in evaluation mode.
        processor: pictures and texts → its inputs, and its outputs → places.
        memory_bytes: of parameters and buffers.
    """

    name: str
    kind: str
    device: str
    dtype: str
    model: Any
    processor: Any
    memory_bytes: int

    def close(self) -> None:
        """Free the memory."""
        self.model = self.processor = None
        gc.collect()


def load_hub_vision(
    name: str, kind: str, folder: Path, *, device: str, dtype: str
) -> HubVisionModel:
    """Load a model and its processor from a folder of safetensors and settings.

    Code that comes with a model is never run, and pickled weights are never read. Detectors are
    loaded in float32 whatever is asked for: they are small, and bfloat16 has too few digits for
    places, 1 in 256.

    Args:
        name: the card's name, for messages.
        kind: a key of ``ARCHITECTURES``.
        folder: where the files are.
        device: "cpu", "cuda:0" or "mps".
        dtype: "float32", "bfloat16" or "float16".

    Raises:
        AssetError: the folder cannot be loaded, holds another architecture, or lacks weights.
    """
    transformers = import_transformers()

    transformers.utils.logging.disable_progress_bar()
    classes = {
        "florence2": transformers.Florence2ForConditionalGeneration,
        "qwen-vl": transformers.Qwen2_5_VLForConditionalGeneration,
    }
    dtype = "float32" if kind in DETECTORS else dtype
    plain: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    with loading(name, folder):
        found = transformers.AutoConfig.from_pretrained(folder, **plain).model_type
        if found not in ARCHITECTURES[kind]:
            raise AssetError(
                f"{name} in {folder} is of the architecture {found}; its card says {kind}, which "
                f"takes {' or '.join(ARCHITECTURES[kind])}. Correct kind or source on the card."
            )
        processor = transformers.AutoProcessor.from_pretrained(folder, **plain)
        model, information = classes.get(
            kind, transformers.AutoModelForZeroShotObjectDetection
        ).from_pretrained(
            folder, dtype=dtype, use_safetensors=True, output_loading_info=True, **plain
        )
    refuse_missing(name, folder, kind, information)
    model.eval().requires_grad_(False)
    model.to(device)
    return HubVisionModel(name, kind, device, dtype, model, processor, memory_bytes(model))
