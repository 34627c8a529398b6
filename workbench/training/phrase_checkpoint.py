"""Where a training of the phrase policy stands, as arrays that any part of it can go on from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Checkpoint:
    """All that a training needs to go on.

    Args:
        weights, reference, mask: ``(p,)`` float32 of the learning policy, the supervised one and
            the mask's copy.
        moments: ``(2, p)`` float32 of Adam.
        updates: Adam's steps so far.
        iteration: iterations done.
        beta: weight of the KL penalty for the next one.
        clip_fraction: of the last update; 0 before any.
    """

    weights: np.ndarray
    reference: np.ndarray
    mask: np.ndarray
    moments: np.ndarray
    updates: int
    iteration: int
    beta: float
    clip_fraction: float

    def as_arrays(self) -> dict[str, np.ndarray]:
        """The checkpoint as named arrays."""
        return {
            "weights": self.weights,
            "reference": self.reference,
            "mask": self.mask,
            "moments": self.moments,
            "counts": np.array([self.updates, self.iteration], dtype=np.int64),
            "numbers": np.array([self.beta, self.clip_fraction], dtype=np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Checkpoint:
        """Read ``as_arrays`` back."""
        updates, iteration = (int(one) for one in arrays["counts"])
        beta, clip_fraction = (float(one) for one in arrays["numbers"])
        return cls(
            arrays["weights"],
            arrays["reference"],
            arrays["mask"],
            arrays["moments"],
            updates,
            iteration,
            beta,
            clip_fraction,
        )


def begin(weights: np.ndarray, beta: float) -> Checkpoint:
    """A training that starts at the supervised policy."""
    moments = np.zeros((2, len(weights)), dtype=np.float32)
    return Checkpoint(weights, weights, weights, moments, 0, 0, beta, 0.0)
