"""What decides one picture? The four terms of GLA, one by one.

``f_zs - log π_p + f_ft - log π_s`` (arXiv:2310.08106): each term is a number for every class, and
the class with the largest sum is the guess. Taking a term away shows what it decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.gla.benefit import ESTIMATE_PER_CLASS, TEST_PER_CLASS
from workbench.methods.gla.comparison import find_temperature
from workbench.methods.gla.emoji import (
    DOMAIN,
    PRETRAINING,
    FineTuned,
    Pictures,
    Tuning,
    ask_drawings,
    ask_fine_tuned,
    ask_pictures,
)
from workbench.methods.gla.estimate import estimate_log_prior
from workbench.params import Flag, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

TERMS = ("zero_shot", "pretrain_prior", "fine_tuned", "downstream_prior")
CANDIDATES = 7
"""Classes shown for a picture: those that some combination of terms ranks highest."""
KINDS = ("rescued", "lost", "any")
"""GLA alone is right; the plain ensemble alone is right; whatever else."""
EACH_KIND = 8
PICTURE = Range(
    1,
    EACH_KIND * len(KINDS),
    1,
    "Picture",
    live=True,
    help="1 to 8: GLA rescues them; 9 to 16: GLA loses them; 17 to 24: any others.",
)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    picture: Annotated[int, PICTURE] = 1
    zero_shot: Annotated[bool, Flag("Zero-shot logits", live=True)] = True
    pretrain_prior: Annotated[bool, Flag("Take out the pre-training prior", live=True)] = True
    fine_tuned: Annotated[bool, Flag("Fine-tuned logits", live=True)] = True
    downstream_prior: Annotated[bool, Flag("Take out the fine-tuning prior", live=True)] = True
    model: Annotated[str, PRETRAINING] = "emoji-clip-bank"
    domain: Annotated[str, DOMAIN] = "grey"
    shots: Annotated[int, Range(1, 64, 1, "Training pictures a class, on average")] = 16
    tail: Annotated[float, Range(0.0, 2.0, 0.5, "Tail of the training pictures")] = 1.0
    steps: Annotated[int, Range(20, 600, 20, "Steps of training")] = 200
    seed: Annotated[int, Range(0, 10_000, 1, "Random seed")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Terms:
    """The four terms of every test picture, temperatures applied.

    Args:
        values: ``(4, n, k)`` in the order of ``TERMS``; a prior's rows are all the same.
        labels: ``(n,)``.
    """

    values: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Inputs:
    """The pictures to operate on.

    Args:
        terms: of all test pictures.
        places: ``(m,)`` those chosen.
        drawings: ``(m, height, width, 3)`` uint8.
        class_names: of the classes.
    """

    terms: Terms
    places: np.ndarray
    drawings: np.ndarray
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """The chosen pictures with their candidates.

    Args:
        params: what was asked for.
        drawings: ``(m, height, width, 3)`` uint8.
        truth: ``(m,)`` class of each.
        candidates: ``(m, c)`` classes shown, commonest guess first.
        parts: ``(m, 4, c)`` each term's values, their mean over the candidates taken away.
        guesses: ``(m, 2, 2, 2, 2)`` class guessed with each term absent or present.
        class_names: of all classes.
    """

    params: Params
    drawings: np.ndarray
    truth: np.ndarray
    candidates: np.ndarray
    parts: np.ndarray
    guesses: np.ndarray
    class_names: tuple[str, ...]


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask for both models' logits, choose pictures, and ask for their drawings."""
    estimate = ask_pictures(client, params.model, params.domain, "estimate", ESTIMATE_PER_CLASS)
    test = ask_pictures(client, params.model, params.domain, "test", TEST_PER_CLASS)
    tuning = Tuning(
        domain=params.domain,
        shots=params.shots,
        tail=params.tail,
        method="full",
        steps=params.steps,
        test_per_class=TEST_PER_CLASS,
        estimate_per_class=ESTIMATE_PER_CLASS,
    )
    fine_tuned = ask_fine_tuned(client, params.model, tuning, params.seed)
    terms = find_terms(estimate, test, fine_tuned)
    places = choose(terms, params.seed)
    drawings = ask_drawings(client, params.domain, "test", TEST_PER_CLASS, places.tolist())
    return Inputs(terms, places, drawings, test.class_names)


def find_terms(estimate: Pictures, test: Pictures, fine_tuned: FineTuned) -> Terms:
    """The four terms of the test pictures, with the prior and temperatures of the labelled ones."""
    cold = find_temperature("joint", estimate.logits, estimate.labels)
    warm = find_temperature("joint", fine_tuned.estimate_logits, estimate.labels)
    log_prior = estimate_log_prior(estimate.logits / cold, estimate.labels)
    z = test.logits / cold
    return Terms(
        np.stack(
            [
                z,
                np.broadcast_to(-log_prior, z.shape),
                fine_tuned.test_logits / warm,
                np.broadcast_to(-fine_tuned.log_prior, z.shape),
            ]
        ),
        test.labels,
    )


def choose(terms: Terms, seed: int) -> np.ndarray:
    """Places of 24 pictures: rescued by GLA, lost by GLA, and others; drawn at random.

    Where a kind has too few, others take their place.
    """
    by_gla = terms.values.sum(axis=0).argmax(axis=1) == terms.labels
    by_ensemble = (terms.values[0] + terms.values[2]).argmax(axis=1) == terms.labels
    random = np.random.default_rng(seed)
    rescued, lost = np.flatnonzero(by_gla & ~by_ensemble), np.flatnonzero(by_ensemble & ~by_gla)
    found = [random.permutation(kind)[:EACH_KIND] for kind in (rescued, lost)]
    others = random.permutation(np.flatnonzero(by_gla == by_ensemble))
    missing = EACH_KIND * len(KINDS) - sum(len(kind) for kind in found)
    return np.concatenate([*found, others[:missing]])


def compute(inputs: Inputs, params: Params) -> Result:
    """Candidates, terms and guesses of the chosen pictures."""
    values = inputs.terms.values[:, inputs.places]  # (4, m, k)
    truth = inputs.terms.labels[inputs.places]
    guesses = np.empty((len(truth), 2, 2, 2, 2), dtype=np.int64)
    ranked = np.full((len(truth), values.shape[2]), -np.inf)
    for present in np.ndindex(2, 2, 2, 2):
        scores = np.tensordot(np.array(present, dtype=float), values, axes=1)
        guesses[(slice(None), *present)] = scores.argmax(axis=1)
        if present[0] or present[2]:
            # by how little a class misses the first place with these terms
            ranked = np.maximum(ranked, scores - scores.max(axis=1, keepdims=True))
    ranked[np.arange(len(truth)), truth] = np.inf
    candidates = np.argsort(-ranked, axis=1, kind="stable")[:, :CANDIDATES]
    shown = np.take_along_axis(values, candidates[None], axis=2)
    parts = shown - shown.mean(axis=2, keepdims=True)
    order = np.argsort(-parts.sum(axis=0), axis=1)
    return Result(
        params,
        inputs.drawings,
        truth,
        np.take_along_axis(candidates, order, axis=1),
        np.moveaxis(np.take_along_axis(parts, order[None], axis=2), 0, 1),
        guesses,
        inputs.class_names,
    )


def summarise(result: Result) -> Summary:
    """The chosen picture: its class, and what is guessed with the chosen terms."""
    params = result.params
    place = params.picture - 1
    present = tuple(int(getattr(params, term)) for term in TERMS)
    truth, guess = int(result.truth[place]), int(result.guesses[(place, *present)])
    return {
        "class": result.class_names[truth],
        "guess": result.class_names[guess],
        "is_right": truth == guess,
        "guess_zero_shot": result.class_names[int(result.guesses[place, 1, 0, 0, 0])],
        "guess_fine_tuned": result.class_names[int(result.guesses[place, 0, 0, 1, 0])],
        "guess_ensemble": result.class_names[int(result.guesses[place, 1, 0, 1, 0])],
        "guess_gla": result.class_names[int(result.guesses[place, 1, 1, 1, 1])],
    }


SURGERY: Study[Params, Inputs, Result] = Study(
    slug="gla.picture",
    title="One picture",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
