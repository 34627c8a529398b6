"""Train a VisionLLM: ``python -m workbench.training.visionllm visionllm-pointer``.

Each name is a variant of ``recipe.VARIANTS`` and gives a model: weights, sizes and a receipt in
``assets/models``, and its card. A run that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.models.catalog import ASSETS, SHIPPED_CARDS
from workbench.models.visionllm_model import load_visionllm
from workbench.settings import load_settings
from workbench.training.visionllm.measure import TEST_SCENES, measure
from workbench.training.visionllm.recipe import VARIANTS, Recipe
from workbench.training.visionllm.train import train
from workbench.training.visionllm.writing import write_card, write_network, write_receipt

REPORT_EVERY = 50


def main(argv: Sequence[str] | None = None) -> int:
    """Train the models that are named, measure them and write them down."""
    arguments = _parse(argv)
    import torch

    torch.set_num_threads(arguments.threads)
    cards = SHIPPED_CARDS if arguments.folder == ASSETS / "models" else arguments.folder
    for name in arguments.names:
        recipe = recipe_of(name, arguments.steps, arguments.batch, arguments.seed)
        checkpoint = load_settings().home / "training" / name / "checkpoint.pt"
        trained = train(
            recipe,
            checkpoint,
            device=arguments.device,
            workers=arguments.workers,
            report=_report,
        )
        folder = arguments.folder / name
        write_network(trained.network, folder)
        # Measured as it is shipped: from the file, in half precision on disk.
        network = load_visionllm(name, folder, device=arguments.device, dtype="float32").model
        numbers = measure(network, recipe, arguments.scenes)
        write_receipt(
            name,
            folder,
            recipe,
            trained,
            numbers,
            {"threads": arguments.threads, "device": arguments.device},
        )
        write_card(name, folder, recipe, cards)
        checkpoint.unlink()  # the next run is one from scratch
        sys.stderr.write(f"\n{json.dumps(numbers, indent=1)}\n")
    return 0


def recipe_of(name: str, steps: int, batch: int, seed: int) -> Recipe:
    """A variant, with what was changed on the command line; 0 keeps what the variant has."""
    recipe = VARIANTS[name]
    return dataclasses.replace(
        recipe, steps=steps or recipe.steps, batch=batch or recipe.batch, seed=seed
    )


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m workbench.training.visionllm", description="Train a small VisionLLM."
    )
    parser.add_argument("names", nargs="+", choices=list(VARIANTS), help="one model for each")
    parser.add_argument("--steps", type=int, default=0, help="the variant's own by default")
    parser.add_argument("--batch", type=int, default=0, help="the variant's own by default")
    parser.add_argument("--seed", type=int, default=0, help="%(default)s")
    parser.add_argument("--device", default="cpu", help="cpu, cuda:0 or mps; %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="of torch; %(default)s")
    parser.add_argument("--workers", type=int, default=0, help="processes that draw scenes ahead")
    parser.add_argument("--scenes", type=int, default=TEST_SCENES, help="to measure on")
    parser.add_argument("--folder", type=Path, default=ASSETS / "models", help="%(default)s")
    return parser.parse_args(argv)


def _report(step: int, kind: str, loss: float, seconds: float) -> None:
    if (step + 1) % REPORT_EVERY == 0:
        sys.stderr.write(f"step {step + 1}: {kind}, loss {loss:.3f}, {seconds:.2f} s\n")


if __name__ == "__main__":
    sys.exit(main())
