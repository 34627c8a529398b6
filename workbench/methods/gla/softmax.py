"""Probabilities of logits, row by row."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax along the last axis, without overflow; same shape as the logits."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=-1, keepdims=True)
    return shifted


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """``log Σ exp`` along the last axis, without overflow."""
    highest = logits.max(axis=-1)
    return highest + np.log(np.exp(logits - highest[..., None]).sum(axis=-1))


def normalise_log_prior(log_prior: np.ndarray) -> np.ndarray:
    """Log priors, along the last axis, whose probabilities sum to 1; constants drop out."""
    return log_prior - log_sum_exp(log_prior)[..., None]
