"""How many labelled pictures show the prior? The estimate held against a planted truth.

A synthetic zero-shot model answers with exact posteriors under a prior that was planted, so the
estimate of arXiv:2310.08106 can be checked: with one labelled picture a class, with two, up to
two hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.gla.agreement import Agreement, agreement
from workbench.methods.gla.estimate import fit_log_prior
from workbench.methods.gla.gaussians import GaussianWorld, draw_noise, make_world
from workbench.methods.gla.softmax import softmax
from workbench.methods.gla.stationary import stationary_of
from workbench.params import Choice, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

LABELLED = Range(
    1,
    200,
    1,
    "Labelled pictures a class",
    live=True,
    help="The only thing GLA asks for: a few pictures whose class is known.",
)
ESTIMATORS = ("fit", "stationary")
ESTIMATOR_NAMES = ("Best fit", "Stationary vector")
ESTIMATOR = Choice(
    ESTIMATORS,
    "Estimator",
    live=True,
    names=ESTIMATOR_NAMES,
    help="The paper's own problem, or the journal version's fixed point of the confusions.",
)
DIMENSION = 12
TEST_PER_CLASS = 100


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    labelled: Annotated[int, LABELLED] = 20
    estimator: Annotated[str, ESTIMATOR] = "fit"
    tilt: Annotated[
        float,
        Range(
            0.0,
            2.0,
            0.1,
            "Tilt of the prior",
            help="Exponent of a Zipf law: 0 is uniform, at 1 the r-th class is r times rarer.",
        ),
    ] = 1.0
    separation: Annotated[
        float,
        Range(
            0.2,
            1.5,
            0.1,
            "Distance between classes",
            help="The farther apart, the more often the model is right, and the less its prior "
            "matters.",
        ),
    ] = 0.8
    classes: Annotated[int, Range(3, 30, 1, "Classes K")] = 20
    seed: Annotated[int, Range(0, 2**31 - 1, 1, "Random seed")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """Synthetic pictures.

    Args:
        world: the classes and the planted prior.
        logits: ``(m, k, k)`` zero-shot logits of the m-th labelled picture of each class.
        test_logits: ``(n, k)``.
        test_labels: ``(n,)``.
    """

    world: GaussianWorld
    logits: np.ndarray
    test_logits: np.ndarray
    test_labels: np.ndarray


@dataclass(frozen=True)
class Result:
    """The estimate of every estimator for every number of labelled pictures.

    Args:
        params: what was asked for.
        labelled: ``(m,)`` numbers of pictures a class.
        log_truth: ``(k,)`` the planted log prior.
        log_prior: ``(estimators, m, k)`` estimates.
        standard_error: ``(m, k)`` of the best fit's log prior.
        agreements: by estimator, one for each number of pictures.
        debiased_accuracy: ``(estimators, m)`` on test pictures, with the estimate taken out.
        zero_shot_accuracy: with nothing taken out.
        oracle_accuracy: with the planted prior taken out.
    """

    params: Params
    labelled: np.ndarray
    log_truth: np.ndarray
    log_prior: np.ndarray
    standard_error: np.ndarray
    agreements: tuple[tuple[Agreement, ...], ...]
    debiased_accuracy: np.ndarray
    zero_shot_accuracy: float
    oracle_accuracy: float


def gather(client: ModelClient, params: Params) -> Inputs:  # noqa: ARG001  needs no model
    """Draw the classes, the prior and the pictures."""
    k = params.classes
    world = make_world(
        classes=k,
        dimension=DIMENSION,
        separation=params.separation,
        tilt=params.tilt,
        seed=params.seed,
    )
    random = np.random.default_rng([params.seed, 1])
    largest = int(LABELLED.maximum)
    logits = _draw(world, np.tile(np.arange(k), largest), random).reshape(largest, k, k)
    test_labels = np.repeat(np.arange(k), TEST_PER_CLASS)
    return Inputs(world, logits, _draw(world, test_labels, random), test_labels)


def _draw(world: GaussianWorld, labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    noise, _ = draw_noise(len(labels), DIMENSION, 0.0, random)
    return world.zero_shot_logits(world.means[labels] + noise)


def compute(inputs: Inputs, params: Params) -> Result:
    """Estimate with 1, 2, 3, … pictures a class, each time one more than before."""
    sizes = np.array([int(m) for m in LABELLED.positions()])
    k = params.classes
    truth = inputs.world.log_prior_pretrain
    fits: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    for m in sizes:
        fit = fit_log_prior(
            inputs.logits[:m].reshape(m * k, k),
            np.tile(np.arange(k), m),
            start=fits[-1] if fits else None,
        )
        fits.append(fit.log_prior)
        errors.append(fit.standard_error)
    # rows of the means: what pictures of one class are answered with
    means = np.cumsum(softmax(inputs.logits), axis=0) / sizes[:, None, None]
    stationary = [stationary_of(mean.T) for mean in means]
    log_prior = np.stack([fits, stationary])
    right = [
        [_accuracy(inputs, estimate) for estimate in of_estimator] for of_estimator in log_prior
    ]
    return Result(
        params=params,
        labelled=sizes,
        log_truth=truth,
        log_prior=log_prior,
        standard_error=np.array(errors),
        agreements=tuple(
            tuple(agreement(truth, estimate) for estimate in of_estimator)
            for of_estimator in log_prior
        ),
        debiased_accuracy=np.array(right),
        zero_shot_accuracy=_accuracy(inputs, np.zeros(k)),
        oracle_accuracy=_accuracy(inputs, truth),
    )


def _accuracy(inputs: Inputs, log_prior: np.ndarray) -> float:
    guesses = (inputs.test_logits - log_prior).argmax(axis=1)
    return float((guesses == inputs.test_labels).mean())


def summarise(result: Result) -> Summary:
    """The numbers at the chosen number of pictures and estimator."""
    params = result.params
    place = int(np.argmin(np.abs(result.labelled - params.labelled)))
    which = ESTIMATORS.index(params.estimator)
    found = result.agreements[which][place]
    numbers = {
        "prior_kl": found.kl,
        "prior_kl_uniform": found.kl_uniform,
        "prior_pearson": found.pearson,
        "prior_spearman": found.spearman,
        "prior_slope": found.slope,
        "prior_total_variation": found.total_variation,
        "accuracy_zero_shot": result.zero_shot_accuracy,
        "accuracy_debiased": float(result.debiased_accuracy[which, place]),
        "accuracy_oracle": result.oracle_accuracy,
    }
    return {name: float(f"{value:.9g}") for name, value in numbers.items()}


PLANTED: Study[Params, Inputs, Result] = Study(
    slug="gla.planted",
    title="A planted prior",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
