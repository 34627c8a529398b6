"""``clip.embed_images`` and ``clip.embed_texts``: unit vectors of pictures and of texts.

Radford et al. 2021, arXiv:2103.00020: the logit of a picture and a text is the product of the
model's scale and the cosine of their vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.data.images import MAX_RATIO
from workbench.errors import CancelledError, InputError, TooLargeError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations import clip_features
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.server.operations.prompts import NonEmpty

MAX_PICTURES = 4096
MAX_BYTES = 64 * 1024 * 1024
MAX_TEXTS = 4096
MAX_TEMPLATES = 128


class ImageArguments(Base):
    """Nothing but the array ``images``."""


class TextArguments(Base):
    """Texts, and templates that take each of them where they hold ``{}``."""

    texts: Annotated[list[NonEmpty], Field(min_length=1, max_length=MAX_TEXTS)]
    templates: Annotated[list[NonEmpty], Field(min_length=1, max_length=MAX_TEMPLATES)] = Field(
        default_factory=lambda: ["{}"]
    )


def prepare_images(request: Request) -> Prepared:
    """Check the pictures of a request: ``images`` ``(n, h, w, 3)`` uint8."""
    parse(ImageArguments, request, arrays=("images",))
    images = check_images(request)
    return Prepared(images, cost=int(images[..., 0].size), bucket=images.shape[1:3])


def check_images(request: Request) -> np.ndarray:
    """The array ``images`` of a request: ``(n, h, w, 3)`` uint8.

    Raises:
        InputError: another type or shape, none or too many, or strips.
        TooLargeError: too many bytes.
    """
    images = request.arrays["images"]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise InputError(
            f"{request.operation}: images must be uint8 of shape (n, height, width, 3), not "
            f"{images.dtype} of shape {images.shape}."
        )
    if not 1 <= len(images) <= MAX_PICTURES or 0 in images.shape:
        raise InputError(
            f"{request.operation}: give 1 to {MAX_PICTURES:,} pictures of at least one pixel."
        )
    if images.nbytes > MAX_BYTES:
        raise TooLargeError(
            f"{request.operation}: the pictures have {images.nbytes / 2**20:.0f} MiB; at most "
            f"{MAX_BYTES / 2**20:.0f} are taken. Send fewer at a time or make them smaller."
        )
    height, width = images.shape[1:3]
    if max(height, width) > MAX_RATIO * min(height, width):
        raise InputError(
            f"{request.operation}: pictures of {width} × {height} pixels are strips; the longer "
            f"side may be at most {MAX_RATIO} times the shorter."
        )
    return images


def run_images(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Embed the pictures of a batch of requests, all of one size, together."""
    del device
    import torch

    alive = [number for number in range(len(items)) if control.is_alive(number)]
    outcomes: list[Output | WorkbenchError] = [
        CancelledError("The request was left before it was embedded.") for _ in items
    ]
    if not alive:
        return outcomes
    pictures = np.concatenate([items[number].arguments for number in alive])
    # Channels first by stride only: the copy is made step by step.
    vectors = clip_features.embed_pictures(
        loaded, torch.from_numpy(pictures).permute(0, 3, 1, 2), control.check
    )
    start = 0
    for number in alive:
        count = len(items[number].arguments)
        outcomes[number] = _output(loaded, vectors[start : start + count])
        start += count
    return outcomes


def prepare_texts(request: Request) -> Prepared:
    """Check the texts of a request."""
    arguments = parse(TextArguments, request)
    for template in arguments.templates:
        if "{}" not in template:
            raise InputError(
                f"{request.operation}: the template {template[:60]!r} holds no {{}}; the text "
                "goes where it stands."
            )
    for number, text in enumerate(arguments.texts):
        if not text.strip():
            raise InputError(f"{request.operation}: text {number + 1} is empty; type some words.")
    return Prepared(arguments, cost=len(arguments.texts) * len(arguments.templates))


def run_texts(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Embed the texts of each request."""
    del device
    outcomes: list[Output | WorkbenchError] = []
    for number, item in enumerate(items):
        if not control.is_alive(number):
            outcomes.append(CancelledError("The request was left before it was embedded."))
            continue
        texts, templates = item.arguments.texts, item.arguments.templates
        vectors = clip_features.embed_texts(loaded, texts, templates, control.check)
        outcomes.append(_output(loaded, vectors))
    return outcomes


def _output(loaded: Any, vectors: np.ndarray) -> Output:
    """``features`` ``(n, d)`` float32 of unit length, and the scale and bias of logits."""
    return Output(
        {"features": vectors},
        {
            "logit_scale": clip_features.logit_scale(loaded),
            "logit_bias": clip_features.logit_bias(loaded),
        },
    )


EMBED_IMAGES = Operation(
    name="clip.embed_images",
    version=1,
    kinds=frozenset({"open-clip"}),
    prepare=prepare_images,
    run=run_images,
    max_batch_cost=1 << 24,
    max_batch_items=64,
    summary="One vector of unit length for each picture.",
)
EMBED_TEXTS = Operation(
    name="clip.embed_texts",
    version=1,
    kinds=frozenset({"open-clip"}),
    prepare=prepare_texts,
    run=run_texts,
    max_batch_cost=1 << 16,
    max_batch_items=64,
    summary="One vector of unit length for each text, the mean over templates.",
)
