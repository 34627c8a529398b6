"""``clip.embed_fine_tuned``: pictures as a fine-tuned model sees them, and models on the way to it.

The weights come with the request, as ``clip.fine_tune`` answered them, so that a new picture costs
one pass and no training. Interpolation is WiSE-FT's (Wortsman et al. 2022, arXiv:2109.01903).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.data.emoji.classes import emoji_classes
from workbench.errors import InputError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import clip_features, clip_training
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.server.operations.clip_embed import check_images
from workbench.server.operations.clip_fine_tune import Alpha
from workbench.server.operations.emoji import class_head


class Arguments(Base):
    """Shares of the fine-tuned weights: 0 is the zero-shot model, 1 the fine-tuned one."""

    alphas: Annotated[list[Alpha], Field(min_length=1, max_length=21)] = Field(
        default_factory=lambda: [0.0, 0.5, 1.0]
    )


def prepare(request: Request) -> Prepared:
    """Check pictures, weights and head."""
    arguments = parse(Arguments, request, arrays=("images", "weights", "head"))
    images = check_images(request)
    weights, head = request.arrays["weights"], request.arrays["head"]
    for name, array, axes in (("weights", weights, 1), ("head", head, 2)):
        if array.dtype != np.float32 or array.ndim != axes:
            raise InputError(
                f"{request.operation}: {name} must be float32 with {axes} axes, as clip.fine_tune "
                f"gives it, not {array.dtype} of shape {array.shape}."
            )
        if not np.isfinite(array).all():
            raise InputError(f"{request.operation}: {name} holds numbers that are not finite.")
    if len(head) != len(emoji_classes()):
        raise InputError(
            f"{request.operation}: head has {len(head)} rows; the emoji world has "
            f"{len(emoji_classes())} classes."
        )
    return Prepared((arguments, images, weights, head))


def embed(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Embed the pictures of one request at each share of the weights."""
    import torch

    del number
    start = torch.from_numpy(class_head(loaded) * clip_features.logit_scale(loaded))
    arguments, images, weights, head = item.arguments
    tower = clip_training.unpack_tower(loaded, weights)
    if head.shape != start.shape:
        raise InputError(
            f"The head is {head.shape}; that of {loaded.name} is {tuple(start.shape)}."
        )
    # copies, because what arrives with a request is read-only
    pictures = torch.from_numpy(images.copy()).permute(0, 3, 1, 2)
    fitted = torch.from_numpy(head.copy())
    features, heads = [], []
    for alpha in arguments.alphas:
        control.check()
        model = clip_training.blend(loaded, tower, alpha)
        features.append(clip_features.embed_pictures(model, pictures, control.check))
        heads.append(torch.lerp(start, fitted, alpha).numpy())
    return Output({"features": np.stack(features), "heads": np.stack(heads)})


run = one_by_one(embed)

OPERATION = Operation(
    name="clip.embed_fine_tuned",
    version=1,
    kinds=frozenset({"open-clip"}),
    prepare=prepare,
    run=run,
    max_batch_items=8,
    max_batch_cost=8,
    summary="Vectors and heads of a fine-tuned model, and of those between it and zero-shot.",
)
