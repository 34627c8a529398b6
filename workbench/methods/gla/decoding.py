"""A picture that a person brings, as the square that models look at."""

from __future__ import annotations

import numpy as np
from PIL import Image

from workbench.errors import InputError
from workbench.server.api import ModelClient, Request


def decode_square(client: ModelClient, name: str, data: bytes, side_px: int) -> np.ndarray:
    """The middle square of a picture, upright and on white: ``(side, side, 3)`` uint8.

    Args:
        client: the model server, which decodes.
        name: what its owner calls it, for messages.
        data: the file.
        side_px: side of the square.

    Raises:
        InputError: the picture is refused; says which and why.
    """
    request = Request(
        operation="clip.decode_image",
        arguments={"size": max(2 * side_px, _LEAST_PX)},
        arrays={"file": np.frombuffer(data, np.uint8)},
    )
    try:
        pixels = client.call(request).arrays["image"]
    except InputError as error:
        raise InputError(f"{name[:80]}: {error}") from error
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(np.ascontiguousarray(pixels[top : top + side, left : left + side]))
    return np.asarray(square.resize((side_px, side_px), Image.Resampling.BICUBIC))


_LEAST_PX = 448
"""Longest side that is asked for at least: a strip's shorter side is a twentieth of it."""
