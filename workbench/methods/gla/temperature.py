"""One temperature for logits that are too bold or too shy, in two ways.

The few-shot code of arXiv:2310.08106 makes mean confidence equal accuracy on the labelled set. A
perfectly calibrated model with a tilted prior is *not* calibrated on balanced pictures, so that
temperature is wrong exactly when there is a prior to find. Fitting temperature and prior together
by maximum likelihood has no such trap.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from workbench.errors import InputError
from workbench.methods.gla.checking import checked_labels, checked_logits, refuse_empty_classes
from workbench.methods.gla.newton import BiasRegression
from workbench.methods.gla.softmax import normalise_log_prior, softmax

TOLERANCE = 1e-8
LOWEST, HIGHEST = 0.1, 10.0
"""Temperatures searched, as in the official code."""


def matching_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Temperature at which the mean largest probability equals the accuracy.

    Args:
        logits: ``(n, k)``.
        labels: ``(n,)`` whole numbers from 0 to k - 1.

    Returns:
        T in [0.1, 10]; an end of it where confidence cannot reach the accuracy.

    Raises:
        InputError: shapes do not fit.
    """
    logits = checked_logits(logits)
    labels = checked_labels(labels, *logits.shape)
    accuracy = float((logits.argmax(axis=1) == labels).mean())

    def excess(log_temperature: float) -> float:
        return float(softmax(logits / np.exp(log_temperature)).max(axis=1).mean()) - accuracy

    low, high = np.log(LOWEST), np.log(HIGHEST)
    if excess(low) <= 0.0:
        return LOWEST
    if excess(high) >= 0.0:
        return HIGHEST
    root = float(brentq(excess, low, high, xtol=1e-6))  # pyright: ignore[reportArgumentType]
    return float(np.exp(root))


def fit_temperature_and_log_prior(
    logits: np.ndarray, labels: np.ndarray
) -> tuple[float, np.ndarray]:
    """Temperature T and log prior that make ``softmax(z / T - log q)`` most likely.

    Args:
        logits: ``(n, k)``.
        labels: ``(n,)`` whole numbers from 0 to k - 1, balanced over the target's classes.

    Returns:
        T and the ``(k,)`` normalised log prior.

    Raises:
        InputError: shapes do not fit, a class is empty, or no positive temperature fits.
    """
    logits = checked_logits(logits)
    n, k = logits.shape
    labels = checked_labels(labels, n, k)
    counts = np.bincount(labels, minlength=k)
    refuse_empty_classes(counts)
    found = BiasRegression(logits, labels, fits_scale=True).solve(tolerance=TOLERANCE)
    if found.scale <= 0.0:
        raise InputError(
            "No temperature fits these logits: on the labelled pictures they are no better than "
            "chance. Check that labels and columns name the same classes, or fit no temperature."
        )
    return 1.0 / found.scale, normalise_log_prior(-found.biases)
