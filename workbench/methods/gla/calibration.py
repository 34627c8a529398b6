"""How honest the probabilities are: reliability, calibration error, likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError
from workbench.methods.gla.checking import checked_labels, checked_logits

BINS = 10


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in bins of equal width.

    Args:
        confidence: ``(bins,)`` mean largest probability of the pictures in a bin; not a number
            where the bin is empty.
        accuracy: ``(bins,)`` share of them that are right, likewise.
        share: ``(bins,)`` share of all pictures.
        calibration_error: mean gap between the two, weighted by share, in [0, 1].
        negative_log_likelihood: mean, in nats.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    share: np.ndarray
    calibration_error: float
    negative_log_likelihood: float


def reliability(scores: np.ndarray, labels: np.ndarray, *, bins: int = BINS) -> Reliability:
    """Compare how sure a classifier says it is with how often it is right.

    Guo et al. 2017 (arXiv:1706.04599), expected calibration error with bins (0, 1/M], (1/M, 2/M],
    ….

    Args:
        scores: ``(n, k)`` logits.
        labels: ``(n,)`` whole numbers from 0 to k - 1.
        bins: number of bins, at least 1.

    Raises:
        InputError: shapes do not fit or there are no bins.
    """
    scores = checked_logits(scores, "scores")
    labels = checked_labels(labels, *scores.shape)
    if bins < 1:
        raise InputError(f"There are {bins} bins; choose at least 1.")
    highest = scores.max(axis=1)
    # single precision is plenty for what is binned, and twice as quick
    sums = np.exp((scores - highest[:, None]).astype(np.float32)).sum(axis=1).astype(np.float64)
    confidence = 1.0 / sums
    is_right = scores.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    filled = np.where(counts > 0, counts, np.nan)
    mean_confidence = np.bincount(place, confidence, bins) / filled
    mean_accuracy = np.bincount(place, is_right, bins) / filled
    share = counts / len(labels)
    own = scores[np.arange(len(labels)), labels] - highest
    return Reliability(
        confidence=mean_confidence,
        accuracy=mean_accuracy,
        share=share,
        calibration_error=float(np.nansum(share * np.abs(mean_confidence - mean_accuracy))),
        negative_log_likelihood=float((np.log(sums) - own).mean()),
    )
