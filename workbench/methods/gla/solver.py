"""What does the authors' solver do on its way to the prior?

arXiv:2310.08106 finds the prior by gradient descent on q and ascent on the multipliers of its
constraints. Here its whole path is shown, for three classes on the simplex and for twenty as
numbers, beside the optimum that Newton's method finds, for every learning rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np

from workbench.methods.gla.agreement import divergence
from workbench.methods.gla.descent_ascent import (
    OFFICIAL_ITERATIONS,
    descend_ascend,
    official_learning_rate,
)
from workbench.methods.gla.estimate import estimate_log_prior
from workbench.methods.gla.gaussians import draw_noise, make_world
from workbench.methods.gla.softmax import log_sum_exp, normalise_log_prior
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

LOG10_RATE = Range(
    -5.0,
    0.0,
    0.5,
    "Learning rate, as a power of ten",
    live=True,
    help="The official code uses 10⁻⁵ for 50 pictures a class; it was made for 1,000 classes.",
)
ITERATIONS = Range(
    0,
    OFFICIAL_ITERATIONS,
    25,
    "Iterations",
    live=True,
    help="Each looks at all labelled pictures; the official code does 1,000.",
)
SIMPLEX_CLASSES, MANY_CLASSES = 3, 20
DIMENSION = 12
LEVELS = np.array([0.003, 0.01, 0.03, 0.1, 0.3])
"""Excess loss, in nats, of the contours on the simplex."""
ANGLES = 73
FARTHEST = 12.0


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    log10_rate: Annotated[float, LOG10_RATE] = -3.0
    iterations: Annotated[int, ITERATIONS] = 1_000
    labelled: Annotated[
        int,
        Range(
            5,
            100,
            5,
            "Labelled pictures a class",
            help="More of them bring the best fit nearer to the planted prior.",
        ),
    ] = 50
    tilt: Annotated[float, Range(0.0, 2.0, 0.1, "Tilt of the prior")] = 1.0
    separation: Annotated[float, Range(0.2, 1.5, 0.1, "Distance between classes")] = 0.6
    seed: Annotated[int, Range(0, 2**31 - 1, 1, "Random seed")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Problem:
    """Logits and labels of one number of classes.

    Args:
        logits: ``(n, k)``.
        labels: ``(n,)``.
        log_truth: ``(k,)`` the planted log prior.
    """

    logits: np.ndarray
    labels: np.ndarray
    log_truth: np.ndarray


@dataclass(frozen=True)
class Run:
    """The solver's path for every learning rate, at every position of the iterations.

    Args:
        log_truth: ``(k,)`` the planted log prior.
        log_optimum: ``(k,)`` the best fit, by Newton's method.
        prior: ``(rates, iterations, k)`` q as it is, not normalised; not a number once the solver
            has failed.
        kl_to_truth: ``(rates, iterations)`` of the normalised q.
        multiplier: ``(rates, iterations)`` λ.
        failed_at: by rate, the iteration at which an entry of q stopped being positive, or None.
    """

    log_truth: np.ndarray
    log_optimum: np.ndarray
    prior: np.ndarray
    kl_to_truth: np.ndarray
    multiplier: np.ndarray
    failed_at: tuple[int | None, ...]

    @property
    def sums(self) -> np.ndarray:
        """``(rates, iterations)`` Σ q, which the constraint wants to be 1."""
        return self.prior.sum(axis=-1)

    @cached_property
    def kl_optimum(self) -> float:
        """KL of the best fit to the truth: what the labelled pictures allow."""
        return divergence(self.log_truth, self.log_optimum)

    @cached_property
    def kl_uniform(self) -> float:
        """KL of the uniform start to the truth."""
        return divergence(self.log_truth, np.zeros(len(self.log_truth)))


@dataclass(frozen=True)
class Result:
    """Both runs and the landscape on the simplex.

    Args:
        params: what was asked for.
        log10_rates, iterations: positions of the live controls.
        three: three classes.
        twenty: twenty classes.
        contours: ``(levels, angles, 3)`` priors of equal loss around the optimum.
        official_log10_rate: what the official code would use here.
    """

    params: Params
    log10_rates: np.ndarray
    iterations: np.ndarray
    three: Run
    twenty: Run
    contours: np.ndarray
    official_log10_rate: float


Inputs = tuple[Problem, Problem]


def gather(client: ModelClient, params: Params) -> Inputs:  # noqa: ARG001  needs no model
    """Draw the pictures of three and of twenty classes."""
    return _draw(SIMPLEX_CLASSES, params), _draw(MANY_CLASSES, params)


def _draw(classes: int, params: Params) -> Problem:
    # three classes in twelve dimensions are far apart; two dimensions leave something to doubt
    dimension = 2 if classes == SIMPLEX_CLASSES else DIMENSION
    world = make_world(
        classes=classes,
        dimension=dimension,
        separation=params.separation,
        tilt=params.tilt,
        seed=params.seed,
    )
    labels = np.repeat(np.arange(classes), params.labelled)
    noise, _ = draw_noise(len(labels), dimension, 0.0, np.random.default_rng([params.seed, 3]))
    logits = world.zero_shot_logits(world.means[labels] + noise)
    return Problem(logits, labels, world.log_prior_pretrain)


def compute(inputs: Inputs, params: Params) -> Result:
    """Run the official solver at every learning rate, and find the optimum."""
    rates = np.array(LOG10_RATE.positions())
    iterations = np.array([int(i) for i in ITERATIONS.positions()])
    three, twenty = (_run(problem, rates, iterations) for problem in inputs)
    n = len(inputs[0].labels)
    return Result(
        params,
        rates,
        iterations,
        three,
        twenty,
        _contours(inputs[0], three.log_optimum),
        float(np.log10(official_learning_rate(n, SIMPLEX_CLASSES))),
    )


def _run(problem: Problem, log10_rates: np.ndarray, iterations: np.ndarray) -> Run:
    k = len(problem.log_truth)
    shape = (len(log10_rates), len(iterations))
    prior = np.full((*shape, k), np.nan)
    kl, multiplier = np.full((2, *shape), np.nan)
    failed: list[int | None] = []
    for r, rate in enumerate(log10_rates):
        path = descend_ascend(problem.logits, problem.labels, learning_rate=10.0**rate)
        failed.append(path.failed_at)
        kept = iterations[iterations < len(path.prior)]
        prior[r, : len(kept)] = path.prior[kept]
        multiplier[r, : len(kept)] = path.multiplier[kept]
        kl[r, : len(kept)] = [divergence(problem.log_truth, path.log_prior(int(i))) for i in kept]
    optimum = estimate_log_prior(problem.logits, problem.labels)
    return Run(problem.log_truth, optimum, prior, kl, multiplier, tuple(failed))


def _contours(problem: Problem, log_optimum: np.ndarray) -> np.ndarray:
    """Curves of equal loss: along each ray of log q from the optimum the loss only rises."""
    angles = np.linspace(0.0, 2.0 * np.pi, ANGLES)
    plane = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]) / np.sqrt([[2.0], [6.0]])
    rays = np.cos(angles)[:, None] * plane[0] + np.sin(angles)[:, None] * plane[1]
    low = np.zeros((len(LEVELS), ANGLES))
    high = np.full_like(low, FARTHEST)
    lowest = _loss(problem, log_optimum[None])[0]
    for _ in range(24):
        middle = 0.5 * (low + high)
        tried = log_optimum + middle[..., None] * rays
        excess = _loss(problem, tried.reshape(-1, SIMPLEX_CLASSES)).reshape(low.shape) - lowest
        inside = excess < LEVELS[:, None]
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return np.exp(normalise_log_prior(log_optimum + low[..., None] * rays))


def _loss(problem: Problem, log_priors: np.ndarray) -> np.ndarray:
    """``(m,)`` mean cross-entropy of each of ``(m, k)`` log priors."""
    scores = problem.logits[None] - log_priors[:, None, :]
    own = np.take_along_axis(scores, problem.labels[None, :, None], axis=2)[..., 0]
    return (log_sum_exp(scores) - own).mean(axis=1)


def summarise(result: Result) -> Summary:
    """The solver's end at the chosen rate and iteration; a failed solver has no numbers of it."""
    params = result.params
    r = int(np.argmin(np.abs(result.log10_rates - params.log10_rate)))
    i = int(np.argmin(np.abs(result.iterations - params.iterations)))
    found: dict[str, float | bool] = {}
    for name, run in (("three", result.three), ("twenty", result.twenty)):
        has_failed = bool(np.isnan(run.sums[r, i]))
        found[f"{name}_failed"] = has_failed
        found[f"{name}_kl_optimum"] = run.kl_optimum
        found[f"{name}_kl_uniform"] = run.kl_uniform
        if not has_failed:
            q = run.prior[r, i]
            gap = normalise_log_prior(np.log(q)) - run.log_optimum
            found[f"{name}_sum"] = float(run.sums[r, i])
            found[f"{name}_kl"] = float(run.kl_to_truth[r, i])
            found[f"{name}_largest_gap"] = float(np.abs(gap).max())
    return {
        name: float(f"{value:.9g}") if isinstance(value, float) else value
        for name, value in found.items()
    }


SOLVER: Study[Params, Inputs, Result] = Study(
    slug="gla.solver",
    title="Solver theatre",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
