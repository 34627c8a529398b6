"""Colours and axes that several figures of this method share."""

from __future__ import annotations

import numpy as np

from workbench.figures.theme import PALETTE

SOURCE_COLOURS = {
    "none": PALETTE["baseline"],
    "lead2": PALETTE["baseline"],
    "supervised": PALETTE["sky"],
    "reinforced": PALETTE["green"],
    "extractor": PALETTE["purple"],
    "random": PALETTE["amber"],
    "wrong": PALETTE["danger"],
    "reference": PALETTE["exact"],
}
RUN_COLOURS = {
    "nlpo": PALETTE["green"],
    "ppo": PALETTE["blue"],
    "no_kl": PALETTE["danger"],
    "no_step": PALETTE["purple"],
}


def span_of(*parts: np.ndarray, pad: float = 0.06) -> list[float]:
    """Ends of an axis that shows every finite number of the parts, with some room."""
    every = np.concatenate([np.ravel(part) for part in parts])
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    room = pad * ((high - low) or abs(high) or 1.0)
    return [low - room, high + room]
