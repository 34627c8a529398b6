"""The label prior a zero-shot classifier carries, from a few labelled pictures.

Zhu et al. (arXiv:2310.08106) minimise ``mean CE(softmax(z - log q), y)`` over priors q on the
simplex. With ``b = -log q`` this is a multinomial logistic regression whose only parameters are
its biases, with the logits as offset, and it is convex. The constraint only fixes the scale of q,
which the loss does not see, so the optimum over b, normalised, is the optimum over q. At it the
mean probability of every class equals the share of pictures that carry its label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError
from workbench.methods.gla.checking import (
    checked_labels,
    checked_log_prior,
    checked_logits,
    refuse_empty_classes,
)
from workbench.methods.gla.newton import BiasRegression, solve_damped
from workbench.methods.gla.softmax import normalise_log_prior


@dataclass(frozen=True)
class PriorFit:
    """An estimated log prior and how well the pictures determine it.

    Args:
        log_prior: ``(k,)`` float64; its exponentials sum to 1.
        covariance: ``(k, k)`` of the log prior, by the sandwich of curvature and scatter of the
            gradients (White 1982): it holds whether or not the logits are calibrated.
        steps: Newton steps taken.
        imbalance: largest difference left between a class's mean probability and its share of
            the labels, the ridge's pull included.
    """

    log_prior: np.ndarray
    covariance: np.ndarray
    steps: int
    imbalance: float

    @property
    def standard_error(self) -> np.ndarray:
        """``(k,)`` of the log prior."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def estimate_log_prior(
    zero_shot_logits: np.ndarray,
    labels: np.ndarray,
    *,
    log_prior_labelled: np.ndarray | None = None,
    ridge: float = 0.0,
) -> np.ndarray:
    """Log label prior hidden in zero-shot logits, from labelled pictures.

    Zhu et al. 2023 (arXiv:2310.08106), the estimation problem of the paper, solved by Newton's
    method in the biases instead of the authors' descent-ascent (``descend_ascend``): same
    optimum, in milliseconds and without a learning rate.

    Args:
        zero_shot_logits: ``(n, k)`` logits, temperature already applied.
        labels: ``(n,)`` whole numbers from 0 to k - 1.
        log_prior_labelled: ``(k,)`` log share of each class among the labelled pictures, where
            they are not balanced; without it the answer is the prior over that share.
        ridge: weight of half the squared length of the centred biases; above 0 it also answers
            for classes without a picture.

    Returns:
        ``(k,)`` float64 log prior; its exponentials sum to 1.

    Raises:
        InputError: shapes do not fit, a number is not finite, or a class is empty without ridge.
    """
    return fit_log_prior(
        zero_shot_logits, labels, log_prior_labelled=log_prior_labelled, ridge=ridge
    ).log_prior


def fit_log_prior(
    zero_shot_logits: np.ndarray,
    labels: np.ndarray,
    *,
    log_prior_labelled: np.ndarray | None = None,
    ridge: float = 0.0,
    start: np.ndarray | None = None,
) -> PriorFit:
    """``estimate_log_prior`` with its standard errors.

    Args:
        zero_shot_logits: as there.
        labels: as there.
        log_prior_labelled: as there.
        ridge: as there.
        start: ``(k,)`` log prior to start from, for instance that of fewer pictures.

    Raises:
        InputError: as there.
    """
    logits = checked_logits(zero_shot_logits, "zero-shot logits")
    n, k = logits.shape
    labels = checked_labels(labels, n, k)
    counts = np.bincount(labels, minlength=k)
    if ridge < 0.0:
        raise InputError(f"The ridge is {ridge:g}; choose 0 or more.")
    if ridge == 0.0:
        refuse_empty_classes(counts)
    if log_prior_labelled is not None:
        logits = logits + checked_log_prior(log_prior_labelled, k, "The labelled pictures' prior")
    problem = BiasRegression(logits, labels, ridge)
    found = problem.solve(
        None if start is None else -checked_log_prior(start, k, "The starting prior")
    )
    log_prior = normalise_log_prior(-found.biases)
    return PriorFit(
        log_prior,
        _covariance(problem, found.probabilities, log_prior),
        found.steps,
        found.largest_gradient,
    )


def _covariance(
    problem: BiasRegression, probabilities: np.ndarray, log_prior: np.ndarray
) -> np.ndarray:
    """Of the normalised log prior, by the delta method from the biases' covariance."""
    n, k = probabilities.shape
    curvature = problem.curvature(probabilities)
    spread = solve_damped(curvature, problem.scatter(probabilities))
    covariance = solve_damped(curvature, spread.T) / n
    jacobian = np.exp(log_prior)[None, :] - np.eye(k)
    return jacobian @ covariance @ jacobian.T
