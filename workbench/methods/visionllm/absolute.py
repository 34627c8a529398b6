"""Location tokens of VisionLLM's relatives: places in the picture instead of offsets.

* "round": Pix2Seq (Chen et al. 2022, arXiv:2109.10852), round(x·(bins − 1)), read back as
  q/(bins − 1).
* "floor": Florence-2 (Xiao et al. 2024, arXiv:2311.06242), ⌊x·bins⌋, read back as the middle of
  the bin.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from workbench.errors import InputError

Style = Literal["round", "floor"]
PIX2SEQ_BINS = FLORENCE_BINS = 1000


def encode_places(coordinates: np.ndarray, bins: int, style: Style) -> np.ndarray:
    """Numbers of the location tokens, int64 from 0 to bins - 1; what lies outside is clipped.

    Args:
        coordinates: fractions of the side, of any shape.
        bins: how many tokens, at least 2.
        style: "round" or "floor".

    Raises:
        InputError: fewer than 2 bins, or a coordinate that is not a finite number.
    """
    _check_bins(bins)
    plain = np.asarray(coordinates, dtype=np.float64)
    if not np.isfinite(plain).all():
        raise InputError("A coordinate is not a finite number; give fractions of the side.")
    numbers = np.rint(plain * (bins - 1)) if style == "round" else np.floor(plain * bins)
    return numbers.clip(0, bins - 1).astype(np.int64)


def decode_places(tokens: np.ndarray, bins: int, style: Style) -> np.ndarray:
    """Coordinates that tokens stand for, float64 in fractions of the side.

    Args:
        tokens: numbers from 0 to bins - 1, of any shape.
        bins: how many there are.
        style: "round" or "floor".

    Raises:
        InputError: fewer than 2 bins.
    """
    _check_bins(bins)
    numbers = np.asarray(tokens, dtype=np.float64)
    return numbers / (bins - 1) if style == "round" else (numbers + 0.5) / bins


def _check_bins(bins: int) -> None:
    if bins < 2:
        raise InputError(f"{bins} bins; at least 2 are needed.")
