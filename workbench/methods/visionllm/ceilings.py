"""What a representation loses before any model is asked: IoU of boxes and contours written down.

A box becomes four location tokens of 2R + 1, a mask becomes N points. Their ceilings tell which
part of a model's error is its vocabulary's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.methods.visionllm.boxes import box_overlaps, mask_overlap, polygon_mask, sort_corners
from workbench.methods.visionllm.offsets import decode_offsets, encode_offsets


def box_ceiling(boxes: np.ndarray, reach: int, centres: np.ndarray | None = None) -> np.ndarray:
    """IoU of boxes with themselves after a round trip through the location tokens.

    Boxes of whole pixels written from their own centres meet tokens of half a pixel exactly; give
    centres as a model predicts them, anywhere near, for what R loses in general.

    Args:
        boxes: ``(n, 4)`` in fractions of the side.
        reach: R.
        centres: ``(n, 2)`` of the tokens that write them; the boxes' own centres by default.

    Returns:
        ``(n,)`` float64.
    """
    if centres is None:
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    along = np.tile(centres, 2)
    again = sort_corners(decode_offsets(encode_offsets(boxes, along, reach), along, reach))
    return np.array(
        [box_overlaps(one[None], two[None])[0, 0] for one, two in zip(boxes, again, strict=True)]
    )


def contour_ceiling(masks: Sequence[np.ndarray], contours: Sequence[np.ndarray]) -> np.ndarray:
    """IoU of masks with the polygons that stand for them.

    Args:
        masks: of each thing, ``(side, side)`` bool.
        contours: of each, ``(N, 2)`` in fractions of the side.

    Returns:
        ``(n,)`` float64.
    """
    return np.array(
        [
            mask_overlap(mask, polygon_mask(contour, len(mask)))
            for mask, contour in zip(masks, contours, strict=True)
        ]
    )
