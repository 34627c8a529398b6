"""Pictures of the emoji world: drawings on a background, scaled, turned, hidden, noisy.

Everything random is drawn from one NumPy generator in a fixed order; the geometry is one bilinear
resampling of a whole batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.data.emoji.domains import Domain

if TYPE_CHECKING:
    import torch

BACKGROUND_CELLS = 4
"""A background is a colour with a grid of this many random patches per side laid over it."""
_BACKGROUND_WEIGHT = 0.8
"""Share of the plain colour in a background."""
_BRIGHTNESS = (0.6, 1.4)


def draw_pictures(
    sprites: torch.Tensor, labels: np.ndarray, domain: Domain, generator: np.random.Generator
) -> torch.Tensor:
    """Draw one picture for each label.

    Args:
        sprites: ``(k, 4, s, s)`` float32, colours multiplied by their opacity, and opacity.
        labels: ``(n,)`` class of each picture.
        domain: how they look.
        generator: source of everything random.

    Returns:
        ``(n, 3, s, s)`` uint8.
    """
    import torch
    from torch.nn import functional

    count, side = len(labels), sprites.shape[-1]
    classes = torch.from_numpy(np.ascontiguousarray(labels))
    drawn = functional.grid_sample(
        sprites[classes],
        functional.affine_grid(
            torch.from_numpy(_geometry(count, domain, generator)),
            [count, 4, side, side],
            align_corners=False,
        ),
        align_corners=False,
    )
    patches = _uniform(generator, count, 3, BACKGROUND_CELLS, BACKGROUND_CELLS)
    background = _BACKGROUND_WEIGHT * _uniform(generator, count, 3, 1, 1)
    background = background + (1 - _BACKGROUND_WEIGHT) * functional.interpolate(
        patches, side, mode="bilinear"
    )
    low, high = _BRIGHTNESS
    brightness = low + (high - low) * _uniform(generator, count, 1, 1, 1)
    picture = drawn[:, :3] * brightness + background * (1 - drawn[:, 3:])
    loss = domain.colour_loss * _uniform(generator, count, 1, 1, 1)
    picture = torch.lerp(picture, picture.mean(dim=1, keepdim=True), loss)
    hidden = torch.from_numpy(_hidden(count, side, domain, generator))
    picture = torch.where(hidden, _uniform(generator, count, 3, 1, 1), picture)
    noise = generator.standard_normal((count, 3, side, side), dtype=np.float32)
    picture = picture + domain.noise * torch.from_numpy(noise)
    if domain.grey:
        picture = picture.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8)


def _geometry(count: int, domain: Domain, generator: np.random.Generator) -> np.ndarray:
    """From places in the picture to places in the drawing: ``(n, 2, 3)``."""
    smallest, largest = domain.scale
    scale = generator.uniform(smallest, largest, count)
    angle = generator.uniform(-domain.rotation, domain.rotation, count)
    shift = generator.uniform(-domain.shift, domain.shift, (2, count)) / scale
    cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
    rows = [[cosine, -sine, shift[0]], [sine, cosine, shift[1]]]
    return np.moveaxis(np.array(rows), -1, 0).astype(np.float32)


def _hidden(count: int, side: int, domain: Domain, generator: np.random.Generator) -> np.ndarray:
    """Where a box lies in front: ``(n, 1, s, s)``."""
    centre = generator.uniform(0, side, (2, count, 1))
    places = np.arange(side) + 0.5
    down, across = np.abs(places - centre) < domain.occluder * side / 2
    return (down[:, :, None] & across[:, None, :])[:, None]


def _uniform(generator: np.random.Generator, *shape: int) -> torch.Tensor:
    import torch

    return torch.from_numpy(generator.random(shape, dtype=np.float32))
