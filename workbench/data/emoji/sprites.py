"""The drawings of the emoji world: one sheet of OpenMoji pictures, rendered once and shipped.

The artwork is OpenMoji's, CC BY-SA 4.0; ``python -m workbench.training.emoji_sprites`` renders
the sheet again from the published SVG files.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from workbench.data.emoji.classes import emoji_classes

if TYPE_CHECKING:
    import torch

SHEET = Path(__file__).parents[3] / "assets" / "emoji" / "sprites.png"
SIDE_PX = 48
"""Side of a drawing and of the pictures made with it."""
COLUMNS = 12
"""Drawings in a row of the sheet."""


def read_sheet(path: Path = SHEET) -> np.ndarray:
    """Drawings of a sheet, in the order of the classes.

    Returns:
        ``(k, s, s, 4)`` uint8, red, green, blue and opacity.
    """
    return read_cells(path, columns=COLUMNS, count=len(emoji_classes()))


def read_cells(path: Path, *, columns: int, count: int) -> np.ndarray:
    """Drawings of a sheet, row by row.

    Args:
        path: of the sheet, a picture of cells of ``SIDE_PX``.
        columns: cells in a row.
        count: drawings on it; cells after the last are empty.

    Returns:
        ``(count, s, s, 4)`` uint8, red, green, blue and opacity.
    """
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGBA"))
    rows = pixels.shape[0] // SIDE_PX
    cells = pixels.reshape(rows, SIDE_PX, columns, SIDE_PX, 4).swapaxes(1, 2)
    return cells.reshape(-1, SIDE_PX, SIDE_PX, 4)[:count].copy()


@functools.cache
def sprites() -> torch.Tensor:
    """Drawings as ``draw_pictures`` takes them.

    Returns:
        ``(k, 4, s, s)`` float32 in [0, 1], colours multiplied by their opacity, and opacity.
    """
    import torch

    pixels = torch.from_numpy(read_sheet()).float().permute(0, 3, 1, 2) / 255
    return torch.cat([pixels[:, :3] * pixels[:, 3:], pixels[:, 3:]], dim=1)
