"""Two synthetic models whose answers are exact posteriors, with planted priors.

Each class is a Gaussian with unit variance. The two models take two noisy looks at a picture: the
zero-shot model answers with the exact posterior of the first under a planted prior π_p, the
fine-tuned model with that of the second under π_s. Everything GLA assumes holds exactly, and the
correlation ρ of the two looks' noise breaks its one assumption about the models, independence
given the class: at ρ = 1 both see the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def zipf_log_prior(classes: int, tilt: float, random: np.random.Generator) -> np.ndarray:
    """``(k,)`` log of a Zipf law ``1 / rank^tilt``, in shuffled order; tilt 0 is uniform."""
    weights = -tilt * np.log(np.arange(1, classes + 1))
    return random.permutation(weights - np.log(np.exp(weights).sum()))


@dataclass(frozen=True)
class GaussianWorld:
    """Class means of both spaces and the planted priors.

    Args:
        means: ``(k, d)`` of the classes.
        log_prior_pretrain: ``(k,)`` log π_p.
        log_prior_downstream: ``(k,)`` log π_s.
    """

    means: np.ndarray
    log_prior_pretrain: np.ndarray
    log_prior_downstream: np.ndarray

    def zero_shot_logits(self, points: np.ndarray) -> np.ndarray:
        """``(n, k)`` log posterior under π_p, up to a constant a row."""
        return _log_likelihood(points, self.means) + self.log_prior_pretrain

    def fine_tuned_logits(self, points: np.ndarray) -> np.ndarray:
        """``(n, k)`` log posterior under π_s, up to a constant a row."""
        return _log_likelihood(points, self.means) + self.log_prior_downstream


def make_world(
    *, classes: int, dimension: int, separation: float, tilt: float, seed: int
) -> GaussianWorld:
    """Draw class means of standard deviation ``separation`` and two shuffled Zipf priors."""
    random = np.random.default_rng(seed)
    return GaussianWorld(
        separation * random.normal(size=(classes, dimension)),
        zipf_log_prior(classes, tilt, random),
        zipf_log_prior(classes, tilt, random),
    )


def draw_noise(
    labels: int, dimension: int, correlation: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """``(n, d)`` standard normal noise of both looks; their entries correlate by ρ."""
    first = random.normal(size=(labels, dimension))
    own = random.normal(size=(labels, dimension))
    return first, correlation * first + np.sqrt(1.0 - correlation**2) * own


def _log_likelihood(points: np.ndarray, means: np.ndarray) -> np.ndarray:
    """``log N(x; μ_k, I)`` without the terms that are the same for every class."""
    return points @ means.T - 0.5 * (means**2).sum(axis=1)
