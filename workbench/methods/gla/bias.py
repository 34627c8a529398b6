"""Where does the prior come from? The estimate on two emoji models whose true prior is known.

Both models saw the same captions with the same long-tailed frequencies. One was trained to pick
the right caption out of a bank of all of them; its best answer is P(caption | picture), which
carries how common each caption is. The other was trained within batches, as CLIP is: its best
answer is log P(picture, caption) / (P(picture) P(caption)), in which the frequency cancels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from threadpoolctl import threadpool_limits

from workbench.methods.gla.accuracy import accuracy_by_group
from workbench.methods.gla.agreement import Agreement, agreement, agreement_intervals
from workbench.methods.gla.emoji import DOMAIN, MODELS, PRETRAINING, Pictures, ask_pictures
from workbench.methods.gla.estimate import PriorFit, fit_log_prior
from workbench.methods.gla.temperature import fit_temperature_and_log_prior
from workbench.params import Choice, Flag, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

SIZES = ("1", "2", "5", "10", "20", "40")
LABELLED = Choice(
    SIZES,
    "Labelled pictures a class",
    live=True,
    help="Used for nothing but finding the prior.",
)
MODEL = replace(PRETRAINING, live=True)
TEST_PER_CLASS = 25


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    model: Annotated[str, MODEL] = "emoji-clip-bank"
    labelled: Annotated[str, LABELLED] = "20"
    domain: Annotated[str, DOMAIN] = "colour"
    calibrate: Annotated[
        bool,
        Flag(
            "Fit a temperature too",
            help="Logits that are too sure otherwise exaggerate the prior.",
        ),
    ] = True

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """Zero-shot logits of both models.

    Args:
        estimate: labelled pictures by model, as many as the largest of ``SIZES`` a class.
        test: test pictures by model.
    """

    estimate: Mapping[str, Pictures]
    test: Mapping[str, Pictures]


@dataclass(frozen=True)
class Estimate:
    """One model's prior from one number of labelled pictures.

    Args:
        fit: the estimate.
        agreement: with the true frequencies of the captions.
        accuracy: on test pictures, the estimate taken out, by group.
    """

    fit: PriorFit
    agreement: Agreement
    accuracy: Mapping[str, float]


@dataclass(frozen=True)
class OfModel:
    """Everything of one model.

    Args:
        temperature: of its zero-shot logits.
        estimates: by number of labelled pictures, in the order of ``SIZES``.
        zero_shot, oracle: accuracy by group with nothing, and with the true frequencies taken out.
    """

    temperature: float
    estimates: tuple[Estimate, ...]
    zero_shot: Mapping[str, float]
    oracle: Mapping[str, float]


@dataclass(frozen=True)
class Result:
    """Both models.

    Args:
        params: what was asked for.
        log_truth: ``(k,)`` log frequency of the classes' captions.
        models: by name, in the order of ``MODELS``.
        class_names: of the classes.
    """

    params: Params
    log_truth: np.ndarray
    models: Mapping[str, OfModel]
    class_names: tuple[str, ...]


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask both models about the same pictures."""
    most = int(SIZES[-1])
    return Inputs(
        {m: ask_pictures(client, m, params.domain, "estimate", most) for m in MODELS},
        {m: ask_pictures(client, m, params.domain, "test", TEST_PER_CLASS) for m in MODELS},
    )


# small matrices: BLAS threads that wait for each other cost more than they save
@threadpool_limits.wrap(limits=1, user_api="blas")
def compute(inputs: Inputs, params: Params) -> Result:
    """Estimate each model's prior from few and from many labelled pictures."""
    first = inputs.test[MODELS[0]]
    return Result(
        params,
        first.log_truth,
        {m: _of_model(inputs.estimate[m], inputs.test[m], params) for m in MODELS},
        first.class_names,
    )


def _of_model(labelled: Pictures, test: Pictures, params: Params) -> OfModel:
    k = len(test.log_truth)
    most = int(SIZES[-1])
    temperature = (
        fit_temperature_and_log_prior(labelled.logits, labelled.labels)[0]
        if params.calibrate
        else 1.0
    )
    # labels are sorted: row m of class c stands at c * most + m
    by_class = (labelled.logits / temperature).reshape(k, most, k)
    logits = test.logits / temperature

    def accuracy(log_prior: np.ndarray) -> dict[str, float]:
        return accuracy_by_group(logits - log_prior, test.labels, log_prior=test.log_truth)

    estimates: list[Estimate] = []
    for size in map(int, SIZES):
        fit = fit_log_prior(
            by_class[:, :size].reshape(k * size, k),
            np.repeat(np.arange(k), size),
            start=estimates[-1].fit.log_prior if estimates else None,
        )
        estimates.append(
            Estimate(fit, agreement(test.log_truth, fit.log_prior), accuracy(fit.log_prior))
        )
    return OfModel(temperature, tuple(estimates), accuracy(np.zeros(k)), accuracy(test.log_truth))


def summarise(result: Result) -> Summary:
    """The chosen model with the chosen number of labelled pictures."""
    params = result.params
    model = result.models[params.model]
    chosen = model.estimates[SIZES.index(params.labelled)]
    numbers: dict[str, float] = {
        "prior_kl": chosen.agreement.kl,
        "prior_kl_uniform": chosen.agreement.kl_uniform,
        "prior_slope": chosen.agreement.slope,
        "temperature": model.temperature,
    }
    for name, one in agreement_intervals(result.log_truth, chosen.fit.log_prior).items():
        one.put(numbers, f"prior_{name}")
    for name, found in (
        ("zero_shot", model.zero_shot),
        ("debiased", chosen.accuracy),
        ("oracle", model.oracle),
    ):
        for group, value in found.items():
            numbers[f"accuracy_{name}" + ("" if group == "all" else f"_{group}")] = value
    return rounded(numbers)


BIAS: Study[Params, Inputs, Result] = Study(
    slug="gla.bias",
    title="Whose prior is it?",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
