"""Training the hint policy: does reward teach it, and what does each part of the method do?

arXiv:2302.11520, section 2: supervised on pseudo-labels, then reinforcement learning with the
language model's ROUGE as the reward. The same training is repeated with one part taken away. The
policy is the small one of ``training``, or a T5 as in the paper (``token_training``); departures
are said there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from workbench.methods.dsp.records import Article
from workbench.methods.dsp.reward_table import RewardTable
from workbench.methods.dsp.study_bench import DEMONSTRATIONS, WRITER
from workbench.methods.dsp.theatre import (
    ARTICLE,
    CHECKPOINT,
    ITERATION,
    MAXIMUM_ITERATIONS,
    OVERLAY,
    RUNS,
    Theatre,
    gain_over_equally_long,
    gain_over_random,
    hint_rewards,
    set_stage,
    summarise_theatre,
)
from workbench.methods.dsp.token_training import TokenTraining, train_tokens
from workbench.methods.dsp.training import Training, TrainingSettings, train
from workbench.methods.intervals import Interval
from workbench.params import Choice, Flag, Model, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study

DEFAULTS = TrainingSettings()
ITERATIONS = Range(5, MAXIMUM_ITERATIONS, 5, "Iterations of training")
TRAIN_ARTICLES = Range(
    4,
    120,
    1,
    "Training articles",
    help="Of each, sixteen hints are written and judged before training starts.",
)
SEED = Range(0, 10_000, 1, "Random seed")
POLICIES = ("phrases", "tokens")
POLICY = Choice(
    POLICIES,
    "Policy",
    names=("Phrase policy (ours, minutes)", "T5 at token level, as in the paper (hours)"),
    help="Ours chooses whole phrases of the article; the T5 writes the hint token by token.",
)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    iteration: Annotated[int, ITERATION] = 0
    overlay: Annotated[str, OVERLAY] = "no_kl"
    article: Annotated[int, ARTICLE] = 1
    checkpoint: Annotated[int, CHECKPOINT] = 0
    iterations: Annotated[int, ITERATIONS] = DEFAULTS.iterations
    seed: Annotated[int, SEED] = DEFAULTS.seed
    comparisons: Annotated[
        bool, Flag("Train the three comparisons too", help="Four trainings instead of one.")
    ] = True
    seeds: Annotated[
        int,
        Range(
            1,
            5,
            1,
            "Seeds of the training as set",
            help="Of the phrase policy: the same training again, from the seeds that follow.",
        ),
    ] = 3
    train_articles: Annotated[int, TRAIN_ARTICLES] = DEFAULTS.train_articles
    terminal_coefficient: Annotated[
        float, Range(0.0, 20.0, 0.5, "Weight of the summary's ROUGE")
    ] = DEFAULTS.terminal_coefficient
    step_coefficient: Annotated[float, Range(0.0, 4.0, 0.25, "Weight of the phrases")] = (
        DEFAULTS.step_coefficient
    )
    penalty: Annotated[float, Range(0.0, 2.0, 0.1, "Penalty of a miss")] = DEFAULTS.penalty
    beta: Annotated[float, Range(0.0, 0.1, 0.001, "First weight β of the KL")] = DEFAULTS.beta
    target_kl: Annotated[
        float, Range(0.05, 2.0, 0.05, "Target of the KL", help="Per phrase, in nats.")
    ] = DEFAULTS.target_kl
    policy: Annotated[str, POLICY] = "phrases"
    policy_model: Annotated[
        str, Model("seq2seq-lm", "T5 that writes the hints", help="Only for the token level.")
    ] = "flan-t5-small"
    model: Annotated[str, WRITER] = DEFAULTS.model
    demonstrations: Annotated[int, DEMONSTRATIONS] = DEFAULTS.demonstrations

    def __post_init__(self) -> None:
        check(self)

    def settings(self) -> TrainingSettings:
        """The training as set."""
        return TrainingSettings(
            model=self.model,
            iterations=self.iterations,
            terminal_coefficient=self.terminal_coefficient,
            step_coefficient=self.step_coefficient,
            penalty=self.penalty,
            beta=self.beta,
            target_kl=self.target_kl,
            train_articles=self.train_articles,
            demonstrations=self.demonstrations,
            seed=self.seed,
        )


@dataclass(frozen=True)
class Inputs:
    """Trainings by name, out of ``RUNS``, and the one as set from other seeds."""

    trainings: Mapping[str, Training | TokenTraining]
    repeats: tuple[Training, ...] = ()


def vary(settings: TrainingSettings) -> dict[str, TrainingSettings]:
    """The training as set, and with the mask, the KL or the step reward taken away."""
    return dict(
        zip(
            RUNS,
            (
                settings,
                replace(settings, use_mask=False),
                replace(settings, beta=0.0),
                replace(settings, step_coefficient=0.0),
            ),
            strict=True,
        )
    )


def gather(client: ModelClient, params: Params) -> Inputs:
    """Train, the training as set first."""
    settings = vary(params.settings())
    names = RUNS if params.comparisons else RUNS[:1]
    if params.policy == "tokens":
        return Inputs(
            {name: train_tokens(client, settings[name], params.policy_model) for name in names}
        )
    seeds = range(params.seed + 1, params.seed + params.seeds)
    return Inputs(
        {name: train(client, settings[name]) for name in names},
        tuple(train(client, replace(settings[RUNS[0]], seed=seed)) for seed in seeds),
    )


def compute(inputs: Inputs, params: Params) -> Theatre:
    """Put the curves side by side, and hold the trained policy against random hints."""
    own = inputs.trainings[RUNS[0]]
    curves = {name: training.curve for name, training in inputs.trainings.items()}
    if isinstance(own, TokenTraining):  # without a table of all hints there are no random ones
        stage = set_stage(curves, own.articles, params.target_kl)
        return replace(stage, by_article=own.by_article)
    same = (own, *inputs.repeats)
    stage = set_stage(
        curves,
        validation_articles(own),
        params.target_kl,
        {
            **_gains("train", own.train, np.stack([t.train_bits[-1] for t in same]), params),
            **_gains(
                "validation",
                own.validation,
                np.stack([t.validation_bits[-1] for t in same]),
                params,
            ),
        },
        [training.curve for training in inputs.repeats],
    )
    rows = np.arange(own.validation_bits.shape[1])
    return replace(stage, by_article=own.validation.terminal[rows, own.validation_bits])


def validation_articles(training: Training) -> tuple[Article, ...]:
    """The validation articles that have a reward table."""
    return tuple(source.article for source in training.validation.sources)


def _gains(
    split: str, table: RewardTable, chosen: np.ndarray, params: Params
) -> dict[str, Interval]:
    lengths = table.lengths()
    rewards = hint_rewards(
        table.terminal,
        table.hit_counts(),
        lengths,
        terminal_coefficient=params.terminal_coefficient,
        step_coefficient=params.step_coefficient,
        penalty=params.penalty,
    )
    return {
        split: gain_over_random(rewards, chosen),
        f"{split}_same_length": gain_over_equally_long(rewards, chosen, lengths),
    }


TRAINING: Study[Params, Inputs, Theatre] = Study(
    slug="dsp.training",
    title="Training theatre",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise_theatre,
)
