"""A picture from outside the emoji world, as the zero-shot and the fine-tuned model see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.methods.gla.decoding import decode_square
from workbench.methods.gla.emoji import Weights
from workbench.server.api import ModelClient, Request
from workbench.uploads import open_upload

_ALPHAS = (0.0, 0.5, 1.0)
"""Zero-shot, WiSE-FT half-way (arXiv:2109.01903), fine-tuned."""


@dataclass(frozen=True)
class Outside:
    """One picture and its logits.

    Args:
        drawing: ``(side, side, 3)`` uint8, as the models see it.
        zero_shot, wise, fine_tuned: ``(k,)`` logits.
    """

    drawing: np.ndarray
    zero_shot: np.ndarray
    wise: np.ndarray
    fine_tuned: np.ndarray


def look(
    client: ModelClient, reference: str, model: str, weights: Weights, *, side_px: int, grey: bool
) -> Outside:
    """Decode an uploaded picture and ask for its logits.

    Args:
        client: the model server.
        reference: of the upload.
        model: name of the zero-shot model's card.
        weights: of the fine-tuned model.
        side_px: side of the pictures that the models were trained on.
        grey: whether the target's pictures have no colour, so that this one loses its own.

    Raises:
        InputError: the file is gone, or no picture that can be read; says why.
    """
    name = reference.partition("/")[2]
    drawing = decode_square(client, name, open_upload(reference).read_bytes(), side_px)
    if grey:
        mean = drawing.mean(axis=-1, keepdims=True).round().astype(np.uint8)
        drawing = np.broadcast_to(mean, drawing.shape)
    arrays = client.call(
        Request(
            operation="clip.embed_fine_tuned",
            model=model,
            arguments={"alphas": list(_ALPHAS)},
            arrays={
                "images": np.ascontiguousarray(drawing[None]),
                "weights": weights.tower,
                "head": weights.head,
            },
            dtype="float32",
        )
    ).arrays
    zero_shot, wise, fine_tuned = (
        features[0] @ head.T
        for features, head in zip(arrays["features"], arrays["heads"], strict=True)
    )
    return Outside(drawing, zero_shot, wise, fine_tuned)
