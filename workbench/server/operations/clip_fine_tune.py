"""``clip.fine_tune``: few-shot fine-tuning of an open_clip model on a task of the emoji world.

The head starts at the zero-shot head (texts' vectors times the logit scale), as in WiSE-FT
(Wortsman et al. 2022, arXiv:2109.01903), whose interpolation of weights is measured as well:
(1 - α) θ_zero-shot + α θ_fine-tuned, over the image tower and the head.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from workbench.data.emoji.domains import find_domain
from workbench.data.emoji.tasks import Task
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import clip_features, clip_training
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.server.operations.emoji import class_head

if TYPE_CHECKING:
    import torch

Alpha = Annotated[float, Field(ge=0, le=1)]


class Arguments(Base):
    """The task, the method and what to measure afterwards."""

    domain: str = "grey"
    shots: Annotated[int, Field(ge=1, le=64)] = 16
    tail: Annotated[float, Field(ge=0, le=2)] = 0.0
    method: Literal["full", "linear"] = "full"
    steps: Annotated[int, Field(ge=1, le=2000)] = 200
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = 3e-4
    alphas: Annotated[list[Alpha], Field(min_length=1, max_length=21)] = Field(
        default_factory=lambda: [0.25, 0.5, 0.75, 1.0]
    )
    test_per_class: Annotated[int, Field(ge=1, le=200)] = 50
    estimate_per_class: Annotated[int, Field(ge=0, le=200)] = 20
    test_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    with_weights: bool = False
    """Whether to answer the fitted weights too, as ``clip.embed_fine_tuned`` takes them."""


def prepare(request: Request) -> Prepared:
    """Check the task and the recipe."""
    arguments = parse(Arguments, request)
    find_domain(arguments.domain)
    return Prepared(arguments, seed=request.seed)


def fine_tune(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Fine-tune for one request."""
    import torch

    arguments, seed = item.arguments, item.seed or 0
    started = time.perf_counter()
    train = Task(arguments.domain, "train", arguments.shots, arguments.tail, seed)
    pictures = torch.cat([train.draw_part(part) for part in range(train.parts())])
    head = torch.from_numpy(class_head(loaded) * clip_features.logit_scale(loaded))
    trainer = clip_training.METHODS[arguments.method](loaded, pictures, train.labels(), head, seed)
    for step in range(arguments.steps):
        control.check()
        loss = trainer.step(arguments.learning_rate)
        control.progress(
            number,
            _TRAINING_SHARE * (step + 1) / arguments.steps,
            f"Training step {step + 1} of {arguments.steps}",
        )
        if (step + 1) % _PARTIAL_STEPS == 0:
            control.partial(number, {"step": step + 1, "loss": loss})
    arrays = _measure(loaded, trainer, arguments, control, number)
    if arguments.with_weights:
        fitted, fitted_head = trainer.interpolate(loaded, 1.0)
        arrays |= {"weights": clip_training.pack_tower(fitted), "head": fitted_head.numpy()}
    return Output(
        {
            **arrays,
            "train_counts": train.counts(),
            "loss": np.array(trainer.losses, dtype=np.float32),
        },
        {
            "train_accuracy": trainer.accuracy(),
            "seconds": time.perf_counter() - started,
        },
    )


_TRAINING_SHARE = 0.8
"""Of the progress; the rest is measuring."""
_PARTIAL_STEPS = 20


def _measure(
    loaded: Any,
    trainer: clip_training.Trainer,
    arguments: Arguments,
    control: Control,
    item: int,
) -> dict[str, np.ndarray]:
    """Vectors and heads at each alpha, on the test set and on the estimation set."""
    sets = {"": Task(arguments.domain, "test", arguments.test_per_class, 0.0, arguments.test_seed)}
    if arguments.estimate_per_class:
        sets["estimate_"] = Task(
            arguments.domain, "estimate", arguments.estimate_per_class, 0.0, arguments.test_seed
        )
    pictures = {
        name: [task.draw_part(part) for part in range(task.parts())] for name, task in sets.items()
    }
    heads: list[np.ndarray] = []
    features: dict[str, list[np.ndarray]] = {name: [] for name in sets}
    for number, alpha in enumerate(arguments.alphas):
        done = _TRAINING_SHARE + (1 - _TRAINING_SHARE) * number / len(arguments.alphas)
        control.progress(item, done, f"Measuring at alpha {alpha:g}")
        model, head = trainer.interpolate(loaded, alpha)
        heads.append(head.numpy())
        for name in sets:
            if model is loaded and features[name]:  # only the head has changed
                features[name].append(features[name][0])
                continue
            features[name].append(_embed(model, pictures[name], control))
    arrays: dict[str, np.ndarray] = {
        "alphas": np.array(arguments.alphas, dtype=np.float64),
        "heads": np.stack(heads),
    }
    for name, task in sets.items():
        arrays[f"{name}features"] = np.stack(features[name])
        arrays[f"{name}labels"] = task.labels()
    return arrays


def _embed(model: Any, parts: Sequence[torch.Tensor], control: Control) -> np.ndarray:
    rows = [clip_features.embed_pictures(model, part, control.check) for part in parts]
    return np.concatenate(rows).astype(np.float16)


OPERATION = Operation(
    name="clip.fine_tune",
    version=2,
    kinds=frozenset({"open-clip"}),
    prepare=prepare,
    run=one_by_one(fine_tune),
    summary="Few-shot fine-tuning or a linear probe, with weights interpolated as in WiSE-FT.",
)
