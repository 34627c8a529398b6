"""Reward hacking: what happens to hints and summaries when the KL does not hold the policy back?

The same training with β as set and with β = 0 (arXiv:2302.11520 has only the former). A hint holds
at most four phrases here, so it cannot grow without end; naming all that is on offer is the
longest it can get.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from workbench.methods.dsp.hacking import HELD, LOOSE, Hacking, look_for_hacking
from workbench.methods.dsp.study_bench import DEMONSTRATIONS, WRITER
from workbench.methods.dsp.study_training import (
    DEFAULTS,
    ITERATIONS,
    SEED,
    TRAIN_ARTICLES,
    validation_articles,
    vary,
)
from workbench.methods.dsp.theatre import ARTICLE, ITERATION
from workbench.methods.dsp.training import Training, TrainingSettings, train
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

EVERY = 5
"""Summaries are looked at before training and after so many iterations each."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    iteration: Annotated[int, ITERATION] = 20
    article: Annotated[int, ARTICLE] = 1
    penalty: Annotated[
        float, Range(0.0, 2.0, 0.1, "Penalty of a miss", help="At 0 a longer hint costs nothing.")
    ] = DEFAULTS.penalty
    iterations: Annotated[int, ITERATIONS] = DEFAULTS.iterations
    seed: Annotated[int, SEED] = DEFAULTS.seed
    train_articles: Annotated[int, TRAIN_ARTICLES] = DEFAULTS.train_articles
    model: Annotated[str, WRITER] = DEFAULTS.model
    demonstrations: Annotated[int, DEMONSTRATIONS] = DEFAULTS.demonstrations

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """The training with the KL, and the one without."""

    held: Training
    loose: Training


def gather(client: ModelClient, params: Params) -> Inputs:
    """Train twice."""
    settings = vary(
        TrainingSettings(
            model=params.model,
            iterations=params.iterations,
            penalty=params.penalty,
            train_articles=params.train_articles,
            demonstrations=params.demonstrations,
            seed=params.seed,
        )
    )
    return Inputs(train(client, settings[HELD]), train(client, settings[LOOSE]))


def compute(inputs: Inputs, params: Params) -> Hacking:
    """Length and precision of the hints; what the summaries copy and make up."""
    del params
    points = range(0, len(inputs.held.curve.reward), EVERY)
    both = {HELD: inputs.held, LOOSE: inputs.loose}
    return look_for_hacking(
        {name: training.curve for name, training in both.items()},
        validation_articles(inputs.held),
        points,
        {name: summaries(training, points) for name, training in both.items()},
    )


def summaries(training: Training, points: range) -> list[list[str]]:
    """What the language model wrote with the hints of some points of a training."""
    table = training.validation
    return [
        [table.outputs[a][bits] for a, bits in enumerate(training.validation_bits[point].tolist())]
        for point in points
    ]


def summarise(found: Hacking) -> Summary:
    """Phrases, copying and made-up numbers at the end, with the KL and without."""
    numbers: dict[str, float | int] = {
        "validation_articles": len(found.articles),
        "copied_reference": float(f"{found.reference_copied.mean:.6g}"),
    }
    for run, name in enumerate(("with_kl", "without_kl")):
        for quantity, spread in (("copied", found.copied), ("made_up", found.unsupported)):
            spread.at(run, -1).put(numbers, f"{quantity}_{name}", 6)
        numbers[f"phrases_{name}"] = float(f"{found.phrases[run, -1]:.6g}")
    return numbers


HACKING: Study[Params, Inputs, Hacking] = Study(
    slug="dsp.hacking",
    title="Reward hacking",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
