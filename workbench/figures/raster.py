"""Pixels as an address that a figure carries within itself."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def picture_address(pixels: np.ndarray, longest_px: int) -> str:
    """A picture as a ``data:`` address: small drawings keep every pixel, larger ones are JPEG.

    Args:
        pixels: ``(h, w, 3)`` uint8.
        longest_px: a larger picture is sent with its longer side of this length.
    """
    image, buffer = Image.fromarray(pixels), io.BytesIO()
    if max(image.size) > longest_px:
        image.thumbnail((longest_px, longest_px), Image.Resampling.BICUBIC)
        image.save(buffer, "JPEG", quality=85)
        return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    if (pixels == pixels[..., :1]).all():
        image = image.convert("L")  # a third of the bytes
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
