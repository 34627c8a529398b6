"""open_clip models load from a folder, from safetensors only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from workbench.errors import AssetError
from workbench.models.open_clip_model import load_open_clip

CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
}
PREPROCESS = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny random model in the layout of open_clip's hub repositories."""
    import open_clip

    torch.manual_seed(3)
    model = open_clip.CLIP(
        embed_dim=CONFIG["embed_dim"],
        vision_cfg=CONFIG["vision_cfg"],
        text_cfg=CONFIG["text_cfg"],
    )
    save_file(model.state_dict(), tmp_path / "open_clip_model.safetensors")
    (tmp_path / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": CONFIG, "preprocess_cfg": PREPROCESS})
    )
    return tmp_path


def test_a_model_embeds_pictures_and_texts(folder: Path) -> None:
    loaded = load_open_clip("tiny-clip", folder, device="cpu", dtype="float32")
    pixels = loaded.preprocess(Image.new("RGB", (50, 40), "red")).unsqueeze(0)
    assert pixels.shape == (1, 3, 32, 32)
    with torch.inference_mode():
        assert loaded.model.encode_image(pixels).shape == (1, 16)
        assert loaded.model.encode_text(loaded.tokenizer(["a red square"])).shape == (1, 16)
    assert not loaded.model.training
    assert loaded.memory_bytes == sum(t.numel() * 4 for t in loaded.model.parameters()) + sum(
        b.numel() * b.element_size() for b in loaded.model.buffers()
    )


def test_the_dtype_asked_for_is_the_dtype_loaded(folder: Path) -> None:
    loaded = load_open_clip("tiny-clip", folder, device="cpu", dtype="bfloat16")
    assert next(loaded.model.parameters()).dtype is torch.bfloat16


def test_pickled_weights_are_not_a_substitute(folder: Path) -> None:
    (folder / "open_clip_model.safetensors").rename(folder / "open_clip_pytorch_model.bin")
    with pytest.raises(AssetError, match=r"open_clip_model\.safetensors is missing"):
        load_open_clip("tiny-clip", folder, device="cpu", dtype="float32")


def test_a_damaged_configuration_is_refused(folder: Path) -> None:
    (folder / "open_clip_config.json").write_text("{")
    with pytest.raises(AssetError, match="tiny-clip could not be loaded"):
        load_open_clip("tiny-clip", folder, device="cpu", dtype="float32")
