"""Location tokens: signed offsets from a token's own centre, in steps of 1/R of the side.

VisionLLM's vocabulary has 2R + 1 of them, <p-R> … <p0> … <pR> with R = 512; <p i> on a token whose
centre is l stands for x = W·(l_x + i/R), and likewise for y with the height.
"""

from __future__ import annotations

import numpy as np

from workbench.errors import InputError

PAPER_REACH = 512


def encode_offsets(coordinates: np.ndarray, centres: np.ndarray, reach: int) -> np.ndarray:
    """Numbers of the location tokens for some coordinates: rounded, then clipped to ±R.

    Wang et al. 2023, arXiv:2305.11175, section 3.2. Both are in fractions of the side, so that
    one set of tokens serves x and y.

    Args:
        coordinates: of any shape.
        centres: the token's own centre along the same axis, of a shape that fits.
        reach: R, the largest token; the step is 1/R of the side.

    Returns:
        int64 from -R to R; add R for the index among the 2R + 1 tokens.

    Raises:
        InputError: R below 1, or a coordinate that is not a finite number.
    """
    _check_reach(reach)
    offsets = np.asarray(coordinates, dtype=np.float64) - np.asarray(centres, dtype=np.float64)
    if not np.isfinite(offsets).all():
        raise InputError("A coordinate is not a finite number; give fractions of the side.")
    return np.rint((offsets * reach).clip(-reach, reach)).astype(np.int64)


def decode_offsets(tokens: np.ndarray, centres: np.ndarray, reach: int) -> np.ndarray:
    """Coordinates that some location tokens stand for: l + i/R, float64 in fractions of the side.

    Args:
        tokens: numbers from -R to R, of any shape.
        centres: of a shape that fits.
        reach: R.

    Raises:
        InputError: R below 1, or a token beyond it.
    """
    _check_reach(reach)
    numbers = np.asarray(tokens)
    if numbers.size and np.abs(numbers).max() > reach:
        raise InputError(
            f"There is no token <p{int(numbers.flat[np.abs(numbers).argmax()])}>; they go from "
            f"<p-{reach}> to <p{reach}>."
        )
    return np.asarray(centres, dtype=np.float64) + numbers / reach


def _check_reach(reach: int) -> None:
    if reach < 1:
        raise InputError(f"R is {reach}; at least 1 token is needed on either side.")
