"""What decides one picture? The four terms of GLA, one by one, and every method's guess.

``f_zs - log π_p + f_ft - log π_s`` (arXiv:2310.08106): each term is a number for every class, and
the class with the largest sum is the guess. Taking a term away shows what it decided. The picture
is one of the test pictures, or one that somebody brings or draws, whose class nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.gla.benefit import ESTIMATE_PER_CLASS, TEST_PER_CLASS
from workbench.methods.gla.emoji import (
    DOMAIN,
    GREY,
    PRETRAINING,
    Tuning,
    ask_drawings,
    ask_fine_tuned,
    ask_fine_tuned_weights,
    ask_pictures,
)
from workbench.methods.gla.outside import Outside, look
from workbench.methods.gla.terms import (
    METHODS,
    TERMS,
    Terms,
    find_terms,
    guess_by_method,
    operate,
    place_outside,
)
from workbench.params import Flag, Range, Upload, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

KINDS = ("rescued", "lost", "any")
"""GLA alone is right; the plain ensemble alone is right; whatever else."""
EACH_KIND = 8
PICTURE = Range(
    1,
    EACH_KIND * len(KINDS),
    1,
    "Test picture",
    live=True,
    help="1 to 8: GLA rescues them; 9 to 16: GLA loses them; 17 to 24: any others.",
)
OWN = Upload(
    "Your own picture",
    (".png", ".jpg", ".jpeg", ".webp", ".gif"),
    can_draw=True,
    help="Shown instead of the test pictures, made small and, for grey targets, grey. The first "
    "needs a fine-tuning, about half a minute.",
)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    picture: Annotated[int, PICTURE] = 1
    own: Annotated[str, OWN] = ""
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
class Inputs:
    """The pictures to operate on.

    Args:
        terms: of all test pictures.
        places: ``(m,)`` those chosen.
        drawings: ``(m, height, width, 3)`` uint8.
        class_names: of the classes.
        outside: a picture that somebody brought, which then stands in for all of them.
    """

    terms: Terms
    places: np.ndarray
    drawings: np.ndarray
    class_names: tuple[str, ...]
    outside: Outside | None = None


@dataclass(frozen=True)
class Result:
    """The chosen pictures with their candidates, or the one that somebody brought.

    Args:
        params: what was asked for.
        drawings: ``(m, height, width, 3)`` uint8.
        truth: ``(m,)`` class of each, or ``UNKNOWN``.
        candidates: ``(m, c)`` classes shown, commonest guess first.
        parts: ``(m, 4, c)`` each term's values, their mean over the candidates taken away.
        guesses: ``(m, 2, 2, 2, 2)`` class guessed with each term absent or present.
        likely: ``(m, l)`` classes that some method finds likely.
        chances: ``(m, 5, l)`` their probability by method, in the order of ``METHODS``.
        guesses_by_method: ``(m, 5)``.
        class_names: of all classes.
        share_less_sure: share of the test pictures whose largest zero-shot logit is below that of
            the picture somebody brought; ``None`` for test pictures.
    """

    params: Params
    drawings: np.ndarray
    truth: np.ndarray
    candidates: np.ndarray
    parts: np.ndarray
    guesses: np.ndarray
    likely: np.ndarray
    chances: np.ndarray
    guesses_by_method: np.ndarray
    class_names: tuple[str, ...]
    share_less_sure: float | None = None


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
    if not params.own:
        terms = find_terms(
            estimate, test, ask_fine_tuned(client, params.model, tuning, params.seed)
        )
        places = choose(terms, params.seed)
        drawings = ask_drawings(client, params.domain, "test", TEST_PER_CLASS, places.tolist())
        return Inputs(terms, places, drawings, test.class_names)
    fine_tuned, weights = ask_fine_tuned_weights(client, params.model, tuning, params.seed)
    terms = find_terms(estimate, test, fine_tuned)
    drawings = ask_drawings(client, params.domain, "test", TEST_PER_CLASS, [0])
    outside = look(
        client,
        params.own,
        params.model,
        weights,
        side_px=drawings.shape[1],
        grey=params.domain == GREY,
    )
    return Inputs(terms, np.zeros(1, dtype=np.int64), drawings, test.class_names, outside)


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
    drawings, share_less_sure = inputs.drawings, None
    if inputs.outside is None:
        shown = Terms(
            inputs.terms.values[:, inputs.places],
            inputs.terms.wise[inputs.places],
            inputs.terms.labels[inputs.places],
            inputs.terms.temperatures,
        )
    else:
        shown = place_outside(inputs.terms, inputs.outside)
        drawings = inputs.outside.drawing[None]
        largest = inputs.terms.values[0].max(axis=1)
        share_less_sure = float((largest < shown.values[0].max()).mean())
    candidates, parts, guesses = operate(shown)
    likely, chances, by_method = guess_by_method(shown)
    return Result(
        params,
        drawings,
        shown.labels,
        candidates,
        parts,
        guesses,
        likely,
        chances,
        by_method,
        inputs.class_names,
        share_less_sure,
    )


def summarise(result: Result) -> Summary:
    """The chosen picture: its class, and what is guessed with the chosen terms and methods."""
    params = result.params
    is_outside = result.share_less_sure is not None
    place = 0 if is_outside else params.picture - 1
    present = tuple(int(getattr(params, term)) for term in TERMS)
    truth, guess = int(result.truth[place]), int(result.guesses[(place, *present)])
    known = {"class": result.class_names[truth], "is_right": truth == guess}
    by_method = result.guesses_by_method[place].tolist()
    return {
        **({"share_less_sure": round(result.share_less_sure or 0.0, 6)} if is_outside else known),
        "guess": result.class_names[guess],
        **{
            f"guess_{method}": result.class_names[c]
            for method, c in zip(METHODS, by_method, strict=True)
        },
    }


SURGERY: Study[Params, Inputs, Result] = Study(
    slug="gla.picture",
    title="One picture",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
