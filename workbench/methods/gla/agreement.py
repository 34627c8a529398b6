"""How near an estimated prior is to a known one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.methods.gla.accuracy import REPLICATES
from workbench.methods.gla.softmax import normalise_log_prior
from workbench.methods.intervals import Interval, interval


@dataclass(frozen=True)
class Agreement:
    """An estimate held against the truth.

    Args:
        kl: ``KL(truth ‖ estimate)`` in nats.
        total_variation: half the summed absolute difference of the probabilities, in [0, 1].
        pearson: correlation of the log priors.
        spearman: correlation of their ranks.
        slope: of the estimated log prior on the true one, by least squares.
        kl_uniform: ``KL(truth ‖ uniform)``, what knowing nothing costs.
    """

    kl: float
    total_variation: float
    pearson: float
    spearman: float
    slope: float
    kl_uniform: float


def divergence(log_truth: np.ndarray, log_estimate: np.ndarray) -> float:
    """``KL(truth ‖ estimate)`` of two ``(k,)`` log priors, in nats."""
    return _divergence(normalise_log_prior(log_truth), normalise_log_prior(log_estimate))


def _divergence(truth: np.ndarray, estimate: np.ndarray) -> float:
    return max(0.0, float(np.exp(truth) @ (truth - estimate)))


def agreement(log_truth: np.ndarray, log_estimate: np.ndarray) -> Agreement:
    """Compare two ``(k,)`` log priors; correlations are 0 where one of them is constant."""
    truth, estimate = normalise_log_prior(log_truth), normalise_log_prior(log_estimate)
    weights = np.exp(truth)
    a, b = truth - truth.mean(), estimate - estimate.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    varies = spread > 1e-12
    return Agreement(
        kl=_divergence(truth, estimate),
        total_variation=0.5 * float(np.abs(weights - np.exp(estimate)).sum()),
        pearson=float(a @ b) / spread if varies else 0.0,
        spearman=float(np.corrcoef(_ranks(truth), _ranks(estimate))[0, 1]) if varies else 0.0,
        slope=float(a @ b) / float(a @ a) if varies else 0.0,
        kl_uniform=max(0.0, float(weights @ truth) + float(np.log(truth.size))),
    )


def agreement_intervals(log_truth: np.ndarray, log_estimate: np.ndarray) -> dict[str, Interval]:
    """95 % intervals of both correlations and the total variation, under resampled classes.

    A correlation over k classes is a sample of size k; the noise of the estimate is in it.
    """
    truth, estimate = normalise_log_prior(log_truth), normalise_log_prior(log_estimate)
    k = truth.size
    weights = np.random.default_rng(0).multinomial(k, np.full(k, 1.0 / k), REPLICATES) / k
    found = agreement(truth, estimate)
    apart = 0.5 * k * np.abs(np.exp(truth) - np.exp(estimate))
    return {
        "spearman": interval(
            found.spearman, _correlations(weights, _ranks(truth), _ranks(estimate))
        ),
        "pearson": interval(found.pearson, _correlations(weights, truth, estimate)),
        "total_variation": interval(found.total_variation, weights @ apart),
    }


def _correlations(weights: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``(r,)`` weighted correlations of ``(k,)`` numbers; 0 where one of them is constant."""
    mean_a, mean_b = weights @ a, weights @ b
    covariance = weights @ (a * b) - mean_a * mean_b
    spread = (weights @ a**2 - mean_a**2) * (weights @ b**2 - mean_b**2)
    return np.divide(
        covariance, np.sqrt(np.maximum(spread, 0.0)), where=spread > 0, out=np.zeros_like(spread)
    )


def _ranks(values: np.ndarray) -> np.ndarray:
    # scipy.stats takes a quarter of a second to import: not while the page starts
    from scipy.stats import rankdata

    return rankdata(values)
