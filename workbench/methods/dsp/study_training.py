"""Can a small policy learn to write hints? Its training by rewards, iteration by iteration.

arXiv:2302.11520, section 2: pseudo-labels first, then PPO with NLPO's mask, an adaptive KL penalty,
and rewards from the phrases and from the frozen language model's summaries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from workbench.methods.dsp.gain import RewardGain, gain_over_random
from workbench.methods.dsp.study_bench import WRITER
from workbench.methods.dsp.theatre import (
    ARTICLE,
    ITERATION,
    OVERLAY,
    RUNS,
    Theatre,
    set_stage,
    summarise_theatre,
)
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
    overlay: Annotated[str, OVERLAY] = "no_kl"
    article: Annotated[int, ARTICLE] = 1
    first_beta: Annotated[float, FIRST_BETA] = 0.005
    target_kl: Annotated[float, TARGET_KL] = 0.5
    step_reward: Annotated[float, STEP_WEIGHT] = 1.0
    iterations: Annotated[int, ITERATIONS] = 20
    learning_rate: Annotated[float, LEARNING_RATE] = 0.003
    train_articles: Annotated[int, TRAIN_ARTICLES] = 30
    model: Annotated[str, WRITER] = "smollm2-135m-instruct"
    seed: Annotated[int, SEED] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Result(Theatre):
    """The stage, and what the policy as set gains over random hints.

    Args:
        validation_gain, training_gain: in reward, paired by article.
    """

    validation_gain: RewardGain
    training_gain: RewardGain


def gather(client: ModelClient, params: Params) -> dict[str, Training]:
    """Train as set, and with one part taken away."""
    return ask_runs(client, settings_of(params), RUNS)


def compute(inputs: dict[str, Training], params: Params) -> Result:
    """Put the trainings beside each other."""
    curves = {name: one.curve for name, one in inputs.items()}
    main = inputs[RUNS[0]]
    articles = [one.article for one in main.validation.sources]
    stage = set_stage(curves, articles, params.target_kl)
    settings = settings_of(params)
    return Result(
        stage.runs,
        stage.articles,
        stage.target_kl,
        gain_over_random(main.validation, main.validation_bits[-1], settings),
        gain_over_random(main.train, main.train_bits[-1], settings),
    )


def summarise(result: Result) -> Summary:
    """Start and end of every run, and the gain in reward over random hints with intervals."""
    numbers: dict[str, float | int] = {**summarise_theatre(result)}
    for name, gain in (
        ("validation", result.validation_gain),
        ("training", result.training_gain),
    ):
        numbers |= gain.named(f"reward_over_random_{name}")
    return numbers


TRAINING: Study[Params, dict[str, Training], Result] = Study(
    slug="dsp.training",
    title="Training theatre",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
