"""One temperature for logits that are too bold or too shy, in two ways.

The few-shot code of arXiv:2310.08106 makes mean confidence equal accuracy on the labelled set. A
perfectly calibrated model with a tilted prior is *not* calibrated on balanced pictures, so that
temperature is wrong exactly when there is a prior to find. Fitting temperature and prior together
by maximum likelihood has no such trap.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, minimize

from workbench.errors import InputError
from workbench.methods.gla.checking import checked_labels, checked_logits, refuse_empty_classes
from workbench.methods.gla.softmax import log_sum_exp, normalise_log_prior, softmax

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
        InputError: shapes do not fit, a class is empty, or the fit does not end.
    """
    logits = checked_logits(logits)
    n, k = logits.shape
    labels = checked_labels(labels, n, k)
    counts = np.bincount(labels, minlength=k)
    refuse_empty_classes(counts)
    rows = np.arange(n)
    own = logits[rows, labels]

    def loss_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        scale, biases = np.exp(theta[0]), theta[1:]
        scores = scale * logits + biases
        errors = softmax(scores)
        loss = float((log_sum_exp(scores) - scale * own - biases[labels]).mean())
        errors[rows, labels] -= 1.0
        slope = scale * float((errors * logits).sum()) / n
        return loss, np.concatenate([[slope], errors.mean(axis=0)])

    limit = (np.log(1.0 / 100.0), np.log(100.0))
    found = minimize(
        loss_and_gradient,
        np.zeros(k + 1),
        jac=True,
        method="L-BFGS-B",
        bounds=[limit, *([(None, None)] * k)],
        options={"maxiter": 3_000, "maxfun": 6_000, "ftol": 1e-15, "gtol": 1e-9},
    )
    if not np.isfinite(found.x).all():
        raise InputError("No temperature fits these logits; they are too far apart.")
    return float(np.exp(-found.x[0])), normalise_log_prior(-found.x[1:])
