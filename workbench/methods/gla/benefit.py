"""Does GLA beat fine-tuning and the plain ensemble? The main study, on the emoji models.

arXiv:2310.08106: a zero-shot classifier and one fine-tuned on a few pictures are joined on a
balanced target. The zero-shot prior is estimated on labelled pictures that are neither trained nor
tested on; here the true one is known too, because this project trained the model on captions whose
frequencies it chose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from threadpoolctl import threadpool_limits

from workbench.methods.gla.accuracy import Resampling, thirds
from workbench.methods.gla.agreement import agreement, agreement_intervals
from workbench.methods.gla.calibration import Reliability, reliability
from workbench.methods.gla.comparison import (
    METHODS,
    TEMPERATURES,
    Benefit,
    Scaled,
    compare,
    find_temperature,
)
from workbench.methods.gla.emoji import (
    DOMAIN,
    PRETRAINING,
    FineTuned,
    Pictures,
    Tuning,
    ask_fine_tuned,
    ask_pictures,
)
from workbench.methods.gla.estimate import PriorFit, fit_log_prior
from workbench.methods.gla.mixture import Judge
from workbench.params import Choice, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

STRENGTH = Range(
    0.0,
    2.0,
    0.25,
    "Strength τ of the correction",
    live=True,
    help="0 leaves both priors in: the plain ensemble. 1 is GLA.",
)
WEIGHT = Range(
    0.0,
    1.0,
    0.125,
    "Weight w of the fine-tuned model",
    live=True,
    help="½ counts both models fully, as GLA does; 0 is zero-shot alone, 1 fine-tuned alone.",
)
TUNINGS = ("full", "linear")
TUNING_NAMES = ("Whole model", "Linear probe")
TUNING = Choice(
    TUNINGS,
    "What is fine-tuned",
    live=True,
    names=TUNING_NAMES,
    help="A linear probe sees the very features that zero-shot sees: its errors are not its own.",
)
METHOD_NAMES = (
    "Zero-shot",
    "Zero-shot, debiased",
    "Fine-tuned",
    "Plain ensemble",
    "WiSE-FT",
    "GLA",
    "GLA, true prior",
)
TEST_PER_CLASS, ESTIMATE_PER_CLASS = 25, 20


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    strength: Annotated[float, STRENGTH] = 1.0
    weight: Annotated[float, WEIGHT] = 0.5
    tuning: Annotated[str, TUNING] = "full"
    model: Annotated[str, PRETRAINING] = "emoji-clip-bank"
    domain: Annotated[str, DOMAIN] = "grey"
    shots: Annotated[
        int, Range(1, 64, 1, "Training pictures a class", help="Few-shot fine-tuning.")
    ] = 16
    tail: Annotated[
        float,
        Range(
            0.0,
            2.0,
            0.5,
            "Tail of the training pictures",
            help="0 is balanced; at 1 the r-th class has r times fewer, in an order of its own.",
        ),
    ] = 0.0
    temperature: Annotated[
        str,
        Choice(
            TEMPERATURES,
            "Temperature",
            names=("None", "Fitted with the prior", "Confidence = accuracy"),
            help="Logits of both models are divided by a temperature found on the labelled "
            "pictures.",
        ),
    ] = "joint"
    seeds: Annotated[int, Range(1, 5, 1, "Fine-tunings", help="Other pictures each time.")] = 3
    steps: Annotated[int, Range(20, 600, 20, "Steps of training")] = 200
    seed: Annotated[int, Range(0, 10_000, 1, "First random seed")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """Logits of both models.

    Args:
        estimate: the labelled pictures, zero-shot.
        test: the test pictures, zero-shot.
        fine_tuned: by kind of fine-tuning, one for each seed.
    """

    estimate: Pictures
    test: Pictures
    fine_tuned: Mapping[str, tuple[FineTuned, ...]]


@dataclass(frozen=True)
class Result:
    """What the tab shows.

    Args:
        params: what was asked for.
        strengths, weights: positions of the live controls.
        benefits: by kind of fine-tuning.
        reliability: by name, of zero-shot with and without its prior.
        prior: the estimate.
        log_truth: ``(k,)`` the true log prior of pre-training.
        groups: ``(k,)`` 0 head, 1 middle, 2 tail, by the true prior.
        temperature: T of the zero-shot model.
        class_names: of the classes.
        estimate_pictures, test_pictures: how many.
    """

    params: Params
    strengths: np.ndarray
    weights: np.ndarray
    benefits: Mapping[str, Benefit]
    reliability: Mapping[str, Reliability]
    prior: PriorFit
    log_truth: np.ndarray
    groups: np.ndarray
    temperature: float
    class_names: tuple[str, ...]
    estimate_pictures: int
    test_pictures: int


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask for zero-shot logits and for every fine-tuning."""
    estimate = ask_pictures(client, params.model, params.domain, "estimate", ESTIMATE_PER_CLASS)
    test = ask_pictures(client, params.model, params.domain, "test", TEST_PER_CLASS)
    fine_tuned: dict[str, tuple[FineTuned, ...]] = {}
    for method in reversed(TUNINGS):  # the quick one first
        tuning = Tuning(
            domain=params.domain,
            shots=params.shots,
            tail=params.tail,
            method=method,
            steps=params.steps,
            test_per_class=TEST_PER_CLASS,
            estimate_per_class=ESTIMATE_PER_CLASS,
        )
        fine_tuned[method] = tuple(
            ask_fine_tuned(client, params.model, tuning, params.seed + s)
            for s in range(params.seeds)
        )
    return Inputs(estimate, test, fine_tuned)


# small matrices: BLAS threads that wait for each other cost more than they save
@threadpool_limits.wrap(limits=1, user_api="blas")
def compute(inputs: Inputs, params: Params) -> Result:
    """Estimate the prior, take it out, and count right guesses in every way of joining."""
    test, estimate = inputs.test, inputs.estimate
    temperature = find_temperature(params.temperature, estimate.logits, estimate.labels)
    prior = fit_log_prior(estimate.logits / temperature, estimate.labels)
    groups = thirds(test.log_truth)
    judge = Judge(test.labels, groups, Resampling(params.seeds, len(test.labels)))
    strengths, weights = STRENGTH.positions(), WEIGHT.positions()
    benefits: dict[str, Benefit] = {}
    for kind in TUNINGS:
        runs = inputs.fine_tuned[kind]
        found = [
            find_temperature(params.temperature, run.estimate_logits, estimate.labels)
            for run in runs
        ]
        scaled = Scaled(
            zero_shot=test.logits / temperature,
            fine_tuned=tuple(run.test_logits / t for run, t in zip(runs, found, strict=True)),
            log_prior_downstream=tuple(run.log_prior for run in runs),
            temperatures=tuple(found),
        )
        mixture = judge.sweep(
            scaled.zero_shot,
            scaled.fine_tuned,
            prior.log_prior,
            scaled.log_prior_downstream,
            (strengths, weights),
        )
        benefits[kind] = compare(judge, scaled, runs, mixture, prior.log_prior, test.log_truth)
    return Result(
        params=params,
        strengths=np.array(strengths),
        weights=np.array(weights),
        benefits=benefits,
        reliability={
            "zero_shot": reliability(test.logits / temperature, test.labels),
            "zero_shot_debiased": reliability(
                test.logits / temperature - prior.log_prior, test.labels
            ),
        },
        prior=prior,
        log_truth=test.log_truth,
        groups=groups,
        temperature=temperature,
        class_names=test.class_names,
        estimate_pictures=len(estimate.labels),
        test_pictures=len(test.labels),
    )


def summarise(result: Result) -> Summary:
    """Accuracies and gains with their intervals, and how near the prior came to the truth."""
    benefit = result.benefits[result.params.tuning]
    numbers: dict[str, float | int] = {}
    for method in METHODS:
        benefit.accuracy(method).put(numbers, f"accuracy_{method}")
        by_class = benefit.answers[method].by_class
        for g, group in enumerate(("head", "middle", "tail")):
            numbers[f"accuracy_{method}_{group}"] = float(by_class[result.groups == g].mean())
    benefit.gain_fine_tuned.put(numbers, "gain_over_fine_tuned")
    benefit.gain_ensemble.put(numbers, "gain_over_ensemble")
    benefit.gain_zero_shot.put(numbers, "gain_over_zero_shot_debiased")
    found = agreement(result.log_truth, result.prior.log_prior)
    for name, one in agreement_intervals(result.log_truth, result.prior.log_prior).items():
        one.put(numbers, f"prior_{name}")
    numbers |= {
        "prior_kl": found.kl,
        "prior_kl_uniform": found.kl_uniform,
        "prior_slope": found.slope,
        "temperature_zero_shot": result.temperature,
        "temperature_fine_tuned": benefit.temperature,
        "train_accuracy": benefit.train_accuracy,
        "classes": len(result.groups),
        "estimate_pictures": result.estimate_pictures,
        "test_pictures": result.test_pictures,
    }
    return rounded(numbers)


BENEFIT: Study[Params, Inputs, Result] = Study(
    slug="gla",
    title="Does GLA win?",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
