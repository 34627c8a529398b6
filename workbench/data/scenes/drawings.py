"""Drawings at the size they have in a scene, with the box of what is opaque."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from PIL import Image

from workbench.data.emoji.sprites import read_sheet
from workbench.data.scenes.names import drawing_of

OPAQUE = 0.5
"""A pixel belongs to a thing where the drawing is at least this opaque."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """One class at one size.

    Args:
        colours: ``(s, s, 3)`` float32 in [0, 1], multiplied by the opacity.
        opacity: ``(s, s, 1)`` float32 in [0, 1].
        mask: ``(s, s)`` bool, what counts as the thing.
        box: left, top, right, bottom edge of the mask in pixels.
    """

    colours: np.ndarray
    opacity: np.ndarray
    mask: np.ndarray
    box: tuple[int, int, int, int]


@functools.cache
def _sheet() -> np.ndarray:
    return read_sheet()


@functools.lru_cache(maxsize=4096)
def drawing(name: str, size_px: int) -> Drawing:
    """A class drawn in a square.

    Args:
        name: of the class.
        size_px: side of the square.
    """
    # Premultiplied colours, so that resampling mixes in nothing from transparent pixels.
    picture = Image.fromarray(_sheet()[drawing_of(name)]).convert("RGBa")
    scaled = picture.resize((size_px, size_px), Image.Resampling.LANCZOS)
    pixels = np.asarray(scaled, dtype=np.float32) / 255
    mask = pixels[..., 3] >= OPAQUE
    columns, rows = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    opacity = pixels[..., 3:]
    # Resampling overshoots at edges; no colour may be brighter than its opacity.
    return Drawing(np.minimum(pixels[..., :3], opacity), opacity, mask, box)
