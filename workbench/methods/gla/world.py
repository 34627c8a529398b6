"""What do two biased models give together? Two synthetic models with known priors.

Everything arXiv:2310.08106 assumes holds here: exact posteriors, known priors, and evidence that
is independent given the class. The correlation ρ of the two models' noise then breaks the last
of these, and the strengths τ take out less or more of a prior than there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.gla.accuracy import GROUPS, thirds
from workbench.methods.gla.gaussians import GaussianWorld, draw_noise, make_world
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

CORRELATION = Range(
    0.0,
    1.0,
    0.1,
    "Correlation ρ of the two models' noise",
    live=True,
    help="At 0 the models err independently, as GLA assumes; at 1 they share every error.",
)
STRENGTH_PRETRAIN = Range(
    0.0,
    2.0,
    0.25,
    "Pre-training prior taken out",
    live=True,
    help="Times log π of pre-training: 0 leaves it in, 1 is GLA, 2 takes it out twice.",
)
STRENGTH_DOWNSTREAM = Range(
    0.0,
    2.0,
    0.25,
    "Fine-tuning prior taken out",
    live=True,
    help="Times log π of the fine-tuning set, likewise.",
)
DIMENSION = 12
METHODS = ("zero_shot", "zero_shot_debiased", "fine_tuned", "ensemble", "gla")
METHOD_NAMES = ("Zero-shot", "Zero-shot, debiased", "Fine-tuned", "Plain ensemble", "GLA")


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    correlation: Annotated[float, CORRELATION] = 0.0
    strength_pretrain: Annotated[float, STRENGTH_PRETRAIN] = 1.0
    strength_downstream: Annotated[float, STRENGTH_DOWNSTREAM] = 1.0
    tilt: Annotated[
        float,
        Range(
            0.0,
            2.0,
            0.1,
            "Tilt of both priors",
            help="Exponent of a Zipf law; each model has its own order of the classes.",
        ),
    ] = 1.0
    separation: Annotated[
        float,
        Range(0.2, 1.2, 0.1, "Distance between classes", help="Farther apart is easier."),
    ] = 0.6
    classes: Annotated[int, Range(3, 30, 1, "Classes K")] = 20
    test_per_class: Annotated[int, Range(50, 300, 50, "Test pictures a class")] = 200
    seed: Annotated[int, Range(0, 2**31 - 1, 1, "Random seed")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """The classes and the noise of the test pictures.

    Args:
        world: class means and priors.
        labels: ``(n,)``.
        first, second: ``(n, d)`` independent standard normal noise.
    """

    world: GaussianWorld
    labels: np.ndarray
    first: np.ndarray
    second: np.ndarray


@dataclass(frozen=True)
class Result:
    """Accuracy of every method at every position of the live controls.

    Args:
        params: what was asked for.
        correlations: ``(r,)``.
        strengths: ``(t,)``, the same for both priors.
        plane: ``(r, t, t, 4)`` accuracy with the strengths of π_p (second axis) and π_s (third),
            for all pictures and those of head, middle and tail classes of π_p.
        alone: ``(r, 2, 4)`` likewise of the zero-shot and the fine-tuned model, nothing taken out.
        debiased: ``(r, 2, 4)`` likewise, each with its whole prior taken out.
        pictures: number of test pictures.
    """

    params: Params
    correlations: np.ndarray
    strengths: np.ndarray
    plane: np.ndarray
    alone: np.ndarray
    debiased: np.ndarray
    pictures: int

    def by_method(self, strength_pretrain: int, strength_downstream: int) -> np.ndarray:
        """``(r, methods, 4)`` accuracy of each of ``METHODS``, GLA at the given strengths."""
        chosen = self.plane[:, strength_pretrain, strength_downstream]
        return np.stack(
            [
                self.alone[:, 0],
                self.debiased[:, 0],
                self.alone[:, 1],
                self.plane[:, 0, 0],
                chosen,
            ],
            axis=1,
        )


def gather(client: ModelClient, params: Params) -> Inputs:  # noqa: ARG001  needs no model
    """Draw the classes, the priors and the noise."""
    world = make_world(
        classes=params.classes,
        dimension=DIMENSION,
        separation=params.separation,
        tilt=params.tilt,
        seed=params.seed,
    )
    labels = np.repeat(np.arange(params.classes), params.test_per_class)
    random = np.random.default_rng([params.seed, 2])
    return Inputs(world, labels, *draw_noise(len(labels), DIMENSION, 0.0, random))


def compute(inputs: Inputs, params: Params) -> Result:
    """Both models' logits at every correlation, joined at every pair of strengths."""
    world, labels = inputs.world, inputs.labels
    correlations = np.array(CORRELATION.positions())
    strengths = np.array(STRENGTH_PRETRAIN.positions())
    group_of = thirds(world.log_prior_pretrain)[labels]
    members = np.stack([np.ones(len(labels)), *((group_of == g) for g in range(3))])
    members = (members / members.sum(axis=1, keepdims=True)).T  # (n, 4)

    def accuracy(scores: np.ndarray) -> np.ndarray:
        return (scores.argmax(axis=1) == labels) @ members

    log_p, log_s = world.log_prior_pretrain, world.log_prior_downstream
    zero_shot = world.zero_shot_logits(world.means[labels] + inputs.first)
    plane = np.empty((len(correlations), len(strengths), len(strengths), len(GROUPS)))
    alone, debiased = np.empty((2, len(correlations), 2, len(GROUPS)))
    for r, rho in enumerate(correlations):
        noise = rho * inputs.first + np.sqrt(1.0 - rho**2) * inputs.second
        fine_tuned = world.fine_tuned_logits(world.means[labels] + noise)
        alone[r] = accuracy(zero_shot), accuracy(fine_tuned)
        debiased[r] = accuracy(zero_shot - log_p), accuracy(fine_tuned - log_s)
        # two bytes less a number, and twice the speed; a tie decided otherwise is one in a million
        both = (zero_shot + fine_tuned).astype(np.float32)
        for p, of_pretrain in enumerate(strengths):
            partly = both - (of_pretrain * log_p).astype(np.float32)
            for s, of_downstream in enumerate(strengths):
                plane[r, p, s] = accuracy(partly - (of_downstream * log_s).astype(np.float32))
    return Result(params, correlations, strengths, plane, alone, debiased, len(labels))


def summarise(result: Result) -> Summary:
    """Accuracy of every method at the chosen strengths and correlation."""
    params = result.params
    r, p, s = (
        int(np.argmin(np.abs(positions - value)))
        for positions, value in (
            (result.correlations, params.correlation),
            (result.strengths, params.strength_pretrain),
            (result.strengths, params.strength_downstream),
        )
    )
    found = result.by_method(p, s)[r]
    numbers = {
        f"accuracy_{method}{suffix}": float(found[m, g])
        for m, method in enumerate(METHODS)
        for g, suffix in enumerate(("", "_head", "_middle", "_tail"))
    }
    return {name: float(f"{value:.9g}") for name, value in numbers.items()}


WORLD: Study[Params, Inputs, Result] = Study(
    slug="gla.world",
    title="Two synthetic models",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
