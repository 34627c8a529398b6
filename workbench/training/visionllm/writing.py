"""What a training run leaves: weights, sizes, a receipt with curves and numbers, and a card."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from workbench.data.emoji.sprites import SHEET
from workbench.models.store import MIB, sha256_of
from workbench.models.visionllm_model import CONFIGURATION, WEIGHTS
from workbench.server.versions import package_versions
from workbench.training.visionllm.network import VisionLLM
from workbench.training.visionllm.recipe import Recipe
from workbench.training.visionllm.train import Trained

RECEIPT = "receipt.json"
CURVE_POINTS = 100
"""Of each loss curve in a receipt, each the mean over a stretch of steps."""


def write_network(network: VisionLLM, folder: Path) -> None:
    """Write a network as ``load_visionllm`` reads it, its weights in half precision."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    halves = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    save_file(halves, folder / WEIGHTS)
    _write_json(folder / CONFIGURATION, network.shape.as_json())


def write_receipt(
    name: str,
    folder: Path,
    recipe: Recipe,
    trained: Trained,
    numbers: dict[str, float],
    machine: dict[str, str | int],
) -> dict[str, Any]:
    """Say how a network was made and what it reaches, beside its weights.

    Args:
        name: of the model.
        folder: where its weights are.
        recipe: how it was trained.
        trained: the run.
        numbers: what it reaches.
        machine: ``device`` and ``threads``.
    """
    receipt = {
        "command": f"python -m workbench.training.visionllm {name}",
        "recipe": dataclasses.asdict(recipe),
        "world": dataclasses.asdict(recipe.world),
        "class_names": list(recipe.world.names),
        "parameters": sum(one.numel() for one in trained.network.parameters()),
        "sprites_sha256": sha256_of(SHEET),
        "weights_sha256": sha256_of(folder / WEIGHTS),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "training_seconds": round(trained.seconds, 1),
        **machine,
        "packages": dict(package_versions()),
        "loss_curves": loss_curves(trained),
        "measured": {key: round(value, 4) for key, value in numbers.items()},
    }
    _write_json(folder / RECEIPT, receipt)
    return receipt


def loss_curves(trained: Trained) -> dict[str, dict[str, list[float]]]:
    """Of each kind of task: means of ``step`` and ``loss`` over at most 100 stretches."""
    curve, kinds = np.array(trained.curve), np.array(trained.kinds)
    found: dict[str, dict[str, list[float]]] = {}
    for kind in dict.fromkeys(trained.kinds):
        steps = np.flatnonzero(kinds == kind)
        parts = np.array_split(steps, min(CURVE_POINTS, len(steps)))
        found[kind] = {
            "step": [round(float(part.mean()), 1) for part in parts],
            "loss": [round(float(curve[part].mean()), 4) for part in parts],
        }
    return found


def write_card(name: str, folder: Path, recipe: Recipe, cards: Path) -> None:
    """Write the card of a network, with the digests of its files."""
    shape = recipe.shape
    heads = {"pointer": "a pointer over the prompt's entries", "strict": "a strict token head"}
    mebibytes = 2 * (folder / WEIGHTS).stat().st_size / MIB
    lines = [
        'kind = "visionllm"',
        f'summary = "A small VisionLLM with {heads[recipe.class_head]}, on scenes of drawn emoji."',
        f'source = "assets:models/{name}"',
        'licence = "Apache-2.0"',
        f"memory_mib = {mebibytes:.1f}",
        'good_for = "Vision tasks defined by an instruction, with every slot laid open."',
        f"dimensions = {{ embedding = {shape.width}, image_px = {shape.side_px}, "
        f"tokens = {shape.tokens}, reach = {shape.reach}, classes = {shape.class_tokens} }}",
        "",
        "[files]",
        *(f'"{one}" = "{sha256_of(folder / one)}"' for one in (CONFIGURATION, WEIGHTS)),
    ]
    (cards / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
