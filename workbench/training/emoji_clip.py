"""Pre-train emoji-clip from scratch: ``python -m workbench.training.emoji_clip bank infonce``.

Each name is a loss and gives a model ``emoji-clip-<loss>``: weights, configuration, tokenizer and
a receipt in ``assets/models``, and its card. A run that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.emoji.captions import TEMPLATES
from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.domains import DOMAINS
from workbench.data.emoji.prior import PRETRAINING_EXPONENT, pretraining_prior
from workbench.data.emoji.sprites import SHEET, SIDE_PX
from workbench.data.emoji.tasks import Task
from workbench.models.catalog import ASSETS, SHIPPED_CARDS
from workbench.models.open_clip_model import load_open_clip
from workbench.models.store import MIB, sha256_of
from workbench.server.operations.clip_features import embed_pictures, embed_texts
from workbench.server.versions import package_versions
from workbench.settings import load_settings
from workbench.training.contrastive import (
    LOSSES,
    MEAN,
    STANDARD_DEVIATION,
    Recipe,
    Trained,
    train,
)
from workbench.training.emoji_tokenizer import CONTEXT_TOKENS, build_tokenizer

if TYPE_CHECKING:
    import torch

WEIGHTS = "open_clip_model.safetensors"
CONFIGURATION = "open_clip_config.json"
RECEIPT = "receipt.json"
CURVE_POINTS = 100
"""Of the loss curve in a receipt, each the mean over as many steps."""
TEST_PER_CLASS = 20
THREADS = 1

_SUMMARIES = {
    "bank": "emoji-clip, trained so that its zero-shot classifier carries the caption frequencies.",
    "infonce": "emoji-clip, trained with CLIP's in-batch loss, where caption frequencies cancel.",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Train the models that are named and write them down."""
    parser = argparse.ArgumentParser(
        prog="python -m workbench.training.emoji_clip", description="Pre-train emoji-clip."
    )
    parser.add_argument("losses", nargs="+", choices=LOSSES, help="one model for each")
    parser.add_argument("--steps", type=int, default=Recipe("bank").steps, help="%(default)s")
    parser.add_argument("--seed", type=int, default=Recipe("bank").seed, help="%(default)s")
    arguments = parser.parse_args(argv)
    import torch

    # Sums are then always added in the same order, and two runs share a machine well.
    torch.set_num_threads(THREADS)
    training = load_settings().home / "training"
    for loss in arguments.losses:
        name = f"emoji-clip-{loss}"
        recipe = Recipe(loss, steps=arguments.steps, seed=arguments.seed)
        checkpoint = training / name / "checkpoint.pt"
        trained = train(recipe, model_configuration(), tokenize, checkpoint, report=_report)
        folder = ASSETS / "models" / name
        write_model(trained.model, folder)
        receipt = write_receipt(name, folder, recipe, trained)
        write_card(name, folder, loss)
        checkpoint.unlink()  # the next run is one from scratch
        sys.stderr.write(f"\n{json.dumps(receipt['zero_shot'], indent=1)}\n")
    return 0


def model_configuration() -> dict[str, Any]:
    """open_clip's ``model_cfg``: a small ResNet for pictures, a small transformer for captions."""
    return {
        "embed_dim": 64,
        "vision_cfg": {
            "image_size": SIDE_PX,
            "layers": [1, 1, 1, 1],
            "width": 16,
            "head_width": 64,
        },
        "text_cfg": {
            "context_length": CONTEXT_TOKENS,
            "vocab_size": len(build_tokenizer()),
            "width": 64,
            "heads": 2,
            "layers": 2,
        },
    }


def tokenize(texts: list[str]) -> torch.Tensor:
    """Captions to token ids, ``(n, CONTEXT_TOKENS)``."""
    encoded = build_tokenizer()(
        texts,
        padding="max_length",
        max_length=CONTEXT_TOKENS,
        truncation=True,
        return_tensors="pt",
    )
    return encoded["input_ids"]


def write_model(model: Any, folder: Path) -> None:
    """Write a model as open_clip loads it, its weights in half precision."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    halves = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
    }
    save_file(halves, folder / WEIGHTS)
    configuration = model_configuration()
    # Only says that the tokenizer is the folder's own; open_clip reads it from there.
    configuration["text_cfg"]["hf_tokenizer_name"] = "emoji-clip"
    pixels = {
        "mean": [MEAN] * 3,
        "std": [STANDARD_DEVIATION] * 3,
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    _write_json(folder / CONFIGURATION, {"model_cfg": configuration, "preprocess_cfg": pixels})
    build_tokenizer().save_pretrained(folder)


def write_receipt(name: str, folder: Path, recipe: Recipe, trained: Trained) -> dict[str, Any]:
    """Say how a model was made and what it reaches, beside its weights."""
    curve = [float(part.mean()) for part in np.array_split(trained.curve, CURVE_POINTS)]
    receipt = {
        "command": f"python -m workbench.training.emoji_clip {recipe.loss}",
        "recipe": dataclasses.asdict(recipe),
        "captions": {
            "classes": len(emoji_classes()),
            "templates": list(TEMPLATES),
            "zipf_exponent": PRETRAINING_EXPONENT,
        },
        "sprites_sha256": sha256_of(SHEET),
        "weights_sha256": sha256_of(folder / WEIGHTS),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "training_seconds": round(trained.seconds, 1),
        "threads": THREADS,
        "device": "cpu",
        "packages": dict(package_versions()),
        "loss_curve": [round(value, 4) for value in curve],
        "zero_shot": measure_zero_shot(name, folder),
    }
    _write_json(folder / RECEIPT, receipt)
    return receipt


def measure_zero_shot(name: str, folder: Path) -> dict[str, dict[str, float]]:
    """Zero-shot accuracy on the test sets of every domain: in all, and by thirds of the classes.

    The thirds are of the caption frequency: ``head`` are the most frequent classes.
    """
    import torch

    loaded = load_open_clip(name, folder, device="cpu", dtype="float32")
    classes = emoji_classes()
    head = embed_texts(loaded, [one.name for one in classes], TEMPLATES)
    order = np.argsort(-pretraining_prior(len(classes)))
    found = {}
    for domain in DOMAINS:
        task = Task(domain.name, "test", TEST_PER_CLASS)
        pictures = torch.cat([task.draw_part(part) for part in range(task.parts())])
        right = (embed_pictures(loaded, pictures) @ head.T).argmax(1) == task.labels()
        by_class = right.reshape(len(classes), TEST_PER_CLASS).mean(axis=1)
        thirds = [float(by_class[part].mean()) for part in np.array_split(order, 3)]
        found[domain.name] = {
            "accuracy": float(right.mean()),
            **dict(zip(("head", "middle", "tail"), thirds, strict=True)),
        }
    return found


def write_card(name: str, folder: Path, loss: str) -> None:
    """Write the card of a model, with the digests of its files."""
    files = sorted(path for path in folder.iterdir() if path.name != RECEIPT)
    configuration = model_configuration()
    mebibytes = 2 * (folder / WEIGHTS).stat().st_size / MIB
    lines = [
        'kind = "open-clip"',
        f'summary = "{_SUMMARIES[loss]}"',
        f'source = "assets:models/{name}"',
        'licence = "Apache-2.0"',
        f"memory_mib = {mebibytes:.1f}",
        'good_for = "Seeing a label bias whose true size is known, on drawn emoji."',
        f"dimensions = {{ embedding = {configuration['embed_dim']}, image_px = {SIDE_PX}, "
        f"context_tokens = {CONTEXT_TOKENS} }}",
        "",
        "[files]",
        *(f'"{path.name}" = "{sha256_of(path)}"' for path in files),
    ]
    (SHIPPED_CARDS / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _report(step: int, loss: float) -> None:
    if (step + 1) % 50 == 0:
        sys.stderr.write(f"step {step + 1}: loss {loss:.3f}\n")


if __name__ == "__main__":
    sys.exit(main())
