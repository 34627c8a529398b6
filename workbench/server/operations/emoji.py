"""``emoji.features`` and ``emoji.pictures``: target tasks of the emoji world, seen by a model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from workbench.data.emoji.captions import TEMPLATES
from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.domains import find_domain
from workbench.data.emoji.prior import pretraining_prior
from workbench.data.emoji.tasks import Task
from workbench.errors import InputError
from workbench.server.api import Json, Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import clip_features
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse

MAX_PER_CLASS = 400
MAX_PICTURES = 256


class TaskArguments(Base):
    """Which pictures; ``Task`` says what each means."""

    domain: str = "grey"
    split: Literal["train", "estimate", "test"] = "test"
    per_class: Annotated[int, Field(ge=1, le=MAX_PER_CLASS)] = 50
    tail: Annotated[float, Field(ge=0, le=2)] = 0.0


class PictureArguments(TaskArguments):
    """Pictures at some places of the set."""

    indices: Annotated[list[int], Field(min_length=1, max_length=MAX_PICTURES)]


def prepare_features(request: Request) -> Prepared:
    """Check which pictures are asked for."""
    arguments = parse(TaskArguments, request)
    find_domain(arguments.domain)
    return Prepared(arguments, seed=request.seed)


def prepare_pictures(request: Request) -> Prepared:
    """Check which pictures are asked for."""
    arguments = parse(PictureArguments, request)
    find_domain(arguments.domain)
    count = len(task_of(arguments, request.seed).labels())
    for place in arguments.indices:
        if not 0 <= place < count:
            raise InputError(
                f"{request.operation}: there is no picture {place}; this set has pictures 0 to "
                f"{count - 1:,}."
            )
    return Prepared(arguments, seed=request.seed)


def task_of(arguments: TaskArguments, seed: int | None) -> Task:
    """The task that arguments name; without a seed it is that of seed 0."""
    return Task(arguments.domain, arguments.split, arguments.per_class, arguments.tail, seed or 0)


def embed_task(loaded: Any, task: Task, control: Control, item: int) -> np.ndarray:
    """Unit vectors of all pictures of a task, ``(n, d)`` float32, part by part.

    Args:
        loaded: an open_clip model.
        task: which pictures.
        control: told how far it is.
        item: number of the request.
    """
    rows = []
    for part in range(task.parts()):
        control.check()
        control.progress(item, part / task.parts(), f"Embedding pictures, {task.split} set")
        rows.append(clip_features.embed_pictures(loaded, task.draw_part(part)))
    return np.concatenate(rows)


def class_head(loaded: Any) -> np.ndarray:
    """The zero-shot head of the emoji world's classes: ``(k, d)`` float32 unit vectors."""
    names = [one.name for one in emoji_classes()]
    return clip_features.embed_texts(loaded, names, TEMPLATES)


def embed_pictures(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Embed the pictures of one request."""
    task = task_of(item.arguments, item.seed)
    features = embed_task(loaded, task, control, number)
    return Output(
        {
            "labels": task.labels(),
            # Half precision halves what is shipped and moves a logit by 1e-3 at most.
            "features": features.astype(np.float16),
            "text_features": class_head(loaded),
            "log_prior": np.log(pretraining_prior(len(emoji_classes()))),
            "counts": task.counts(),
        },
        {"logit_scale": clip_features.logit_scale(loaded), **_class_values()},
    )


def draw_pictures(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Draw the pictures of one request."""
    del loaded, number, control
    pictures, labels = task_of(item.arguments, item.seed).pick(item.arguments.indices)
    arrays = {"pictures": pictures.permute(0, 2, 3, 1).contiguous().numpy(), "labels": labels}
    return Output(arrays, _class_values())


def _class_values() -> dict[str, Json]:
    classes = emoji_classes()
    return {
        "class_names": [one.name for one in classes],
        "symbols": [one.symbol for one in classes],
        "groups": [one.group for one in classes],
        "subgroups": [one.subgroup for one in classes],
    }


FEATURES = Operation(
    name="emoji.features",
    version=1,
    kinds=frozenset({"open-clip"}),
    prepare=prepare_features,
    run=one_by_one(embed_pictures),
    summary="Vectors and labels of a task of the emoji world, with the true caption prior.",
)
PICTURES = Operation(
    name="emoji.pictures",
    version=1,
    kinds=frozenset(),
    prepare=prepare_pictures,
    run=one_by_one(draw_pictures),
    max_batch_items=16,
    max_batch_cost=16,
    summary="Pictures of a task of the emoji world.",
)
