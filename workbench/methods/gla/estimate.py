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
from workbench.methods.gla.softmax import log_sum_exp, normalise_log_prior, softmax

TOLERANCE = 1e-11
"""Largest difference between mean probability and share of labels at which Newton stops."""
MAXIMUM_STEPS = 200
LARGEST_STEP = 4.0
"""A bias moves by at most so much in one step: confident logits make the loss flat far away."""
SUFFICIENT_DECREASE = 1e-4


@dataclass(frozen=True)
class PriorFit:
    """An estimated log prior and how well the pictures determine it.

    Args:
        log_prior: ``(k,)`` float64; its exponentials sum to 1.
        standard_error: ``(k,)`` of the log prior, by the sandwich of curvature and scatter of
            the gradients (White 1982): it holds whether or not the logits are calibrated.
        steps: Newton steps taken.
        imbalance: largest difference left between mean probability and share of labels, the
            ridge's pull included.
    """

    log_prior: np.ndarray
    standard_error: np.ndarray
    steps: int
    imbalance: float


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
    problem = _Problem(logits, labels, counts / n, ridge)
    first = np.zeros(k) if start is None else -checked_log_prior(start, k, "The starting prior")
    return problem.solve(first - first.mean())


@dataclass(frozen=True)
class _Problem:
    """Bias-only logistic regression with offset ``logits``; biases are kept at mean 0."""

    logits: np.ndarray
    labels: np.ndarray
    shares: np.ndarray
    ridge: float

    def loss(self, biases: np.ndarray) -> float:
        own = self.logits[np.arange(len(self.labels)), self.labels] + biases[self.labels]
        cross_entropy = float((log_sum_exp(self.logits + biases) - own).mean())
        return cross_entropy + 0.5 * self.ridge * float(biases @ biases)

    def curvature(self, probabilities: np.ndarray) -> np.ndarray:
        """Hessian, made invertible along the constant that the loss does not see."""
        n, k = probabilities.shape
        matrix = probabilities.T @ probabilities
        matrix /= -n
        mean = probabilities.mean(axis=0)
        matrix[np.diag_indices(k)] += mean + self.ridge
        return matrix + mean.mean() / k

    def solve(self, biases: np.ndarray) -> PriorFit:
        for step in range(MAXIMUM_STEPS):
            probabilities = softmax(self.logits + biases)
            gradient = probabilities.mean(axis=0) - self.shares + self.ridge * biases
            imbalance = float(np.abs(gradient).max())
            if imbalance < TOLERANCE:
                return self._report(biases, probabilities, step, imbalance)
            direction = -_solve(self.curvature(probabilities), gradient)
            direction -= direction.mean()
            direction *= min(1.0, LARGEST_STEP / float(np.abs(direction).max()))
            following = self._search(biases, direction, float(gradient @ direction))
            if following is None:  # rounding allows no better
                return self._report(biases, probabilities, step, imbalance)
            biases = following
        raise InputError(
            "The prior of these logits could not be found: they are too confident. Divide them by "
            "a temperature above 1, or set a ridge."
        )

    def _search(self, biases: np.ndarray, direction: np.ndarray, slope: float) -> np.ndarray | None:
        """The first of the halved steps that lowers the loss enough."""
        loss = self.loss(biases)
        rounding = 4.0 * np.finfo(float).eps * max(1.0, abs(loss))
        for halvings in range(40):
            length = 0.5**halvings
            following = biases + length * direction
            if self.loss(following) <= loss + SUFFICIENT_DECREASE * length * slope + rounding:
                return following
        return None

    def _report(
        self, biases: np.ndarray, probabilities: np.ndarray, steps: int, imbalance: float
    ) -> PriorFit:
        n, k = probabilities.shape
        log_prior = normalise_log_prior(-biases)
        spread = _solve(self.curvature(probabilities), self._scatter(probabilities))
        covariance = _solve(self.curvature(probabilities), spread.T) / n
        jacobian = np.exp(log_prior)[None, :] - np.eye(k)  # of the normalised log prior
        variance = np.einsum("jk,kl,jl->j", jacobian, covariance, jacobian, optimize=True)
        return PriorFit(log_prior, np.sqrt(np.maximum(variance, 0.0)), steps, imbalance)

    def _scatter(self, probabilities: np.ndarray) -> np.ndarray:
        """Mean outer product of the pictures' gradients about the mean of their class.

        The number of pictures of a class is chosen, not drawn, so only what varies within it
        counts. A class of one picture shows no variation and counts whole.
        """
        n, k = probabilities.shape
        scores = probabilities.copy()
        scores[np.arange(n), self.labels] -= 1.0
        counts = np.bincount(self.labels, minlength=k)
        members = np.zeros((n, k))
        members[np.arange(n), self.labels] = 1.0
        means = (members.T @ scores) / np.maximum(counts, 1)[:, None]
        means[counts == 1] = 0.0
        scores -= means[self.labels]
        scores *= np.sqrt(counts / np.maximum(counts - 1, 1))[self.labels][:, None]
        return scores.T @ scores / n


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve with a whisper of damping: logits that are all but certain have no curvature."""
    k = len(matrix)
    damping = 1e-13 * float(np.trace(matrix)) / k + np.finfo(float).tiny
    return np.linalg.solve(matrix + damping * np.eye(k), right)
