"""Does the policy game its reward when nothing holds it back? With the KL penalty and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.dsp.hacking import HELD, LOOSE, Hacking, look_for_hacking
from workbench.methods.dsp.study_bench import WRITER
from workbench.methods.dsp.theatre import ARTICLE, ITERATION
from workbench.methods.dsp.training import Training
from workbench.methods.dsp.training_params import (
    FIRST_BETA,
    ITERATIONS,
    LEARNING_RATE,
    SEED,
    STEP_WEIGHT,
    TARGET_KL,
    TRAIN_ARTICLES,
    ask_runs,
    settings_of,
)
from workbench.params import check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    iteration: Annotated[int, ITERATION] = 20
    article: Annotated[int, ARTICLE] = 1
    first_beta: Annotated[float, FIRST_BETA] = 0.005
    step_reward: Annotated[float, STEP_WEIGHT] = 1.0
    iterations: Annotated[int, ITERATIONS] = 20
    target_kl: Annotated[float, TARGET_KL] = 0.5
    learning_rate: Annotated[float, LEARNING_RATE] = 0.003
    train_articles: Annotated[int, TRAIN_ARTICLES] = 30
    model: Annotated[str, WRITER] = "smollm2-135m-instruct"
    seed: Annotated[int, SEED] = 0

    def __post_init__(self) -> None:
        check(self)


def gather(client: ModelClient, params: Params) -> dict[str, Training]:
    """Train with the KL penalty and without."""
    return ask_runs(client, settings_of(params), (HELD, LOOSE))


def compute(inputs: dict[str, Training], params: Params) -> Hacking:
    """Length of the hints and signs in the summaries, at every point of both trainings."""
    del params  # all of them say how to train, or what is shown
    held = inputs[HELD]
    points = range(len(held.curve.reward))
    outputs = {
        name: [
            [one.validation.outputs[a][int(b)] for a, b in enumerate(row)]
            for row in one.validation_bits
        ]
        for name, one in inputs.items()
    }
    articles = [one.article for one in held.validation.sources]
    curves = {name: one.curve for name, one in inputs.items()}
    return look_for_hacking(curves, articles, list(points), outputs)


def summarise(found: Hacking) -> Summary:
    """At the end of both trainings: reward, length of the hints, copying, unsupported numbers."""
    numbers: dict[str, float | int] = {"validation_articles": len(found.articles)}
    for row, name in enumerate((HELD, LOOSE)):
        curve = found.runs[name]
        for quantity, value in (
            ("reward", curve.reward[-1]),
            ("kl", curve.kl[-1]),
            ("phrases", found.phrases[row, -1]),
            ("hint_precision", curve.hint_precision[-1]),
            ("validation_rouge", curve.validation_rouge[-1]),
            ("copied", found.copied.mean[row, -1]),
            ("unsupported_numbers", found.unsupported.mean[row, -1]),
        ):
            numbers[f"{quantity}_{name}"] = float(f"{float(np.asarray(value)):.6g}")
    return numbers


GAMING: Study[Params, dict[str, Training], Hacking] = Study(
    slug="dsp.hacking",
    title="Reward hacking",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
