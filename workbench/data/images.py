"""Pictures that people bring: decoded to plain pixels, or refused with the reason.

Nothing of a file is trusted: its size, its header and its frames are checked before its pixels
are read.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from workbench.errors import InputError, TooLargeError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
"""More than any phone's picture; below Pillow's own limit (``Image.MAX_IMAGE_PIXELS``)."""
MAX_RATIO = 20
"""Of the longer to the shorter side: models scale the shorter side up to their own size."""
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error)
"""What Pillow's decoders raise on a damaged file."""
_DEEP_GREY = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_WHITE = (255, 255, 255, 255)


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Args:
        pixels: ``(h, w, 3)`` uint8, upright, on white where it was transparent.
        format: of the file, one of ``FORMATS``.
        width: of the file in pixels, as seen upright.
        height: of the file in pixels, as seen upright.
    """

    pixels: np.ndarray
    format: str
    width: int
    height: int


def decode_image(data: bytes, *, longest_side: int = 0) -> Picture:
    """Decode one still picture.

    Args:
        data: the file.
        longest_side: make a larger picture smaller, to at most this many pixels; 0 keeps it.

    Raises:
        TooLargeError: too many bytes or pixels.
        InputError: no picture, a damaged one, an animation, a strip, or pixels of a kind that
            cannot be shown.
    """
    image = _open(data)
    name = str(image.format)
    try:
        image.load()
        upright = ImageOps.exif_transpose(image)
        plain = _to_rgb(upright)
    except _BROKEN as error:
        raise InputError(
            f"The {name} picture is damaged and cannot be read. Save it again and try once more."
        ) from error
    width, height = plain.size
    if longest_side and max(plain.size) > longest_side:
        plain.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    return Picture(np.asarray(plain), name, width, height)


def _open(data: bytes) -> Image.Image:
    """Read the header and refuse what should not be decoded."""
    if len(data) > MAX_BYTES:
        raise TooLargeError(
            f"The picture has {len(data) / 2**20:.0f} MiB; at most {MAX_BYTES / 2**20:.0f} are "
            "read. Make it smaller."
        )
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise InputError(
            f"This is not a picture that can be read; give one of {', '.join(FORMATS)}."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLargeError(
            f"The picture has far too many pixels; at most {MAX_PIXELS:,} are read."
        ) from error
    except _BROKEN as error:
        raise InputError(
            "The picture is damaged and cannot be read. Save it again and try once more."
        ) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise TooLargeError(
            f"The picture is {width:,} × {height:,} pixels; at most {MAX_PIXELS:,} in all are "
            "read. Make it smaller."
        )
    if min(width, height) < 1 or max(width, height) > MAX_RATIO * min(width, height):
        raise InputError(
            f"The picture is {width:,} × {height:,} pixels; its longer side may be at most "
            f"{MAX_RATIO} times its shorter one. Cut out a part of it."
        )
    if getattr(image, "is_animated", False):
        raise InputError("The picture moves; give a still picture, such as one of its frames.")
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _DEEP_GREY:
        return _from_deep_grey(image)
    if image.mode == "F":
        raise InputError("The picture has fractions as pixels; save it with 8 or 16 bits.")
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, _WHITE), seen).convert("RGB")
    return image.convert("RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Grey values of 16 bits to 8; Pillow itself would cut off what is above 255."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise InputError("The picture has more than 16 bits a pixel; save it with 8 or 16.")
    return Image.fromarray((values // 257).astype(np.uint8)).convert("RGB")
