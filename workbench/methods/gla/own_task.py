"""Which prior does a model carry on your own pictures, and what is it worth to take it out?

Half of each class's pictures are labelled: they give the prior (arXiv:2310.08106) and train a
linear probe. The other half is the test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.optimize import minimize

from workbench.errors import InputError
from workbench.methods.gla.accuracy import Resampling
from workbench.methods.gla.adjust import adjust
from workbench.methods.gla.class_folders import MAXIMUM_MIB, read_class_folders
from workbench.methods.gla.estimate import PriorFit, fit_log_prior
from workbench.methods.gla.own_pictures import Inputs, embed_example, embed_folders
from workbench.methods.gla.softmax import log_sum_exp, softmax
from workbench.methods.intervals import Interval, interval
from workbench.params import Model, Range, Text, Upload, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded
from workbench.uploads import open_upload

STRENGTH = Range(
    0.0,
    2.0,
    0.1,
    "Strength τ of the correction",
    live=True,
    help="0 leaves the priors in, 1 takes them out.",
)
METHODS = ("zero_shot", "zero_shot_debiased", "linear_probe", "ensemble", "gla")
METHOD_NAMES = ("Zero-shot", "Zero-shot, debiased", "Linear probe", "Plain ensemble", "GLA")
RIDGE = 1e-3
"""Holds the prior of classes with a handful of pictures."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    strength: Annotated[float, STRENGTH] = 1.0
    pictures: Annotated[
        str,
        Upload(
            "Your pictures",
            (".zip",),
            max_mib=MAXIMUM_MIB,
            help="A zip with one folder a class, named as the class, at least two pictures in "
            "each. Without it: noisy emoji.",
        ),
    ] = ""
    model: Annotated[str, Model("open-clip", "Model")] = "emoji-clip-bank"
    template: Annotated[
        str,
        Text("Words around the class", max_chars=200, min_chars=2, help="{} is the class."),
    ] = "a photo of a {}"
    seed: Annotated[int, Range(0, 10_000, 1, "Random seed of the halves")] = 0

    def __post_init__(self) -> None:
        check(self)
        if "{}" not in self.template:
            raise InputError("Words around the class hold no {}; write {} where the class goes.")


@dataclass(frozen=True)
class Result:
    """What the task shows.

    Args:
        params: what was asked for.
        prior: of the zero-shot model on the labelled half.
        strengths: ``(t,)``.
        accuracy: by method, with its interval over test pictures; GLA at each strength.
        gain: of GLA at full strength over the linear probe, paired.
        class_names: k names.
        labelled_pictures, test_pictures: how many.
    """

    params: Params
    prior: PriorFit
    strengths: np.ndarray
    accuracy: Mapping[str, tuple[Interval, ...]]
    gain: Interval
    class_names: tuple[str, ...]
    labelled_pictures: int
    test_pictures: int


def gather(client: ModelClient, params: Params) -> Inputs:
    """Embed the user's pictures and class names, or take the example."""
    if not params.pictures:
        return embed_example(client, params.model, params.seed)
    folders = read_class_folders(open_upload(params.pictures))
    return embed_folders(client, params.model, params.template, folders, params.seed)


def compute(inputs: Inputs, params: Params) -> Result:
    """Prior, linear probe and their joint accuracy on the other half."""
    k = len(inputs.class_names)
    head = inputs.scale * inputs.text
    labelled, test = inputs.labelled @ head.T, inputs.test @ head.T
    counts = np.bincount(inputs.labelled_labels, minlength=k)
    log_shares = np.log(counts / counts.sum())
    prior = fit_log_prior(
        labelled, inputs.labelled_labels, log_prior_labelled=log_shares, ridge=RIDGE
    )
    probe = inputs.test @ train_probe(inputs.labelled, inputs.labelled_labels, head).T
    strengths = np.array(STRENGTH.positions())
    scores: dict[str, list[np.ndarray]] = {
        "zero_shot": [test],
        "zero_shot_debiased": [test - prior.log_prior],
        "linear_probe": [probe],
        "ensemble": [test + probe],
        "gla": [
            adjust(
                probe,
                test,
                log_prior_pretrain=t * prior.log_prior,
                log_prior_downstream=t * log_shares,
            )
            for t in strengths
        ],
    }
    resampling = Resampling(1, len(inputs.test_labels))
    right = {
        name: np.stack([one.argmax(axis=1) == inputs.test_labels for one in of_method])
        for name, of_method in scores.items()
    }
    replicates = {name: resampling.replicates(r[:, None]) for name, r in right.items()}
    whole = int(np.argmin(np.abs(strengths - 1.0)))
    gain = right["gla"][whole].mean() - right["linear_probe"][0].mean()
    return Result(
        params,
        prior,
        strengths,
        {
            name: tuple(
                interval(float(r.mean()), draws)
                for r, draws in zip(right[name], replicates[name], strict=True)
            )
            for name in METHODS
        },
        interval(float(gain), replicates["gla"][whole] - replicates["linear_probe"][0]),
        inputs.class_names,
        len(inputs.labelled_labels),
        len(inputs.test_labels),
    )


def train_probe(features: np.ndarray, labels: np.ndarray, head: np.ndarray) -> np.ndarray:
    """``(k, d)`` weights of a linear probe, started at and held to the zero-shot head.

    Least mean cross-entropy plus half the squared distance from the head, in units of the head's
    scale and divided by the number of pictures.
    """
    n, shape = len(labels), head.shape
    scale = float(np.linalg.norm(head, axis=1).mean())
    rows = np.arange(n)

    def loss_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        moved = theta.reshape(shape)
        logits = features @ (head + scale * moved).T
        errors = softmax(logits)
        loss = float((log_sum_exp(logits) - logits[rows, labels]).mean())
        errors[rows, labels] -= 1.0
        gradient = scale * (errors.T @ features) / n + moved / n
        return loss + 0.5 * float(theta @ theta) / n, gradient.ravel()

    found = minimize(
        loss_and_gradient,
        np.zeros(head.size),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 80},
    )
    return head + scale * found.x.reshape(shape)


def summarise(result: Result) -> Summary:
    """Accuracies with intervals at the chosen strength."""
    place = int(np.argmin(np.abs(result.strengths - result.params.strength)))
    numbers: dict[str, float | int] = {}
    chosen: Sequence[tuple[str, Interval]] = [
        *((f"accuracy_{m}", result.accuracy[m][place if m == "gla" else 0]) for m in METHODS),
        ("gain_over_linear_probe", result.gain),
    ]
    for name, one in chosen:
        one.put(numbers, name)
    shares = np.exp(result.prior.log_prior)
    numbers |= {
        "prior_largest": float(shares.max()),
        "prior_smallest": float(shares.min()),
        "classes": len(shares),
        "labelled_pictures": result.labelled_pictures,
        "test_pictures": result.test_pictures,
    }
    return rounded(numbers)


OWN_TASK: Study[Params, Inputs, Result] = Study(
    slug="gla.own",
    title="Your own task",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
