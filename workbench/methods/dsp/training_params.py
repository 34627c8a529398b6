"""The controls that the studies of a training share, and its runs with one part taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from workbench.methods.dsp.theatre import MAXIMUM_ITERATIONS
from workbench.methods.dsp.training import Training, TrainingSettings, train
from workbench.params import Range
from workbench.server.api import ModelClient

ITERATIONS = Range(
    1, MAXIMUM_ITERATIONS, 1, "Iterations", help="20 in the authors' released settings."
)
FIRST_BETA = Range(
    0.0, 0.1, 0.005, "First weight β of the KL", help="0.005 in the paper; then it adapts."
)
TARGET_KL = Range(0.05, 2.0, 0.05, "KL to aim at, per phrase", help="0.5 per token in the paper.")
STEP_WEIGHT = Range(0.0, 2.0, 0.5, "Weight of the phrases' rewards", help="1 in the paper.")
LEARNING_RATE = Range(
    0.0005, 0.01, 0.0005, "Learning rate", help="Of a policy of two thousand weights."
)
TRAIN_ARTICLES = Range(
    4, 120, 1, "Training articles", help="Each new one asks the language model for 16 summaries."
)
SEED = Range(0, 10_000, 1, "Random seed", help="Of the policy's weights, samples and updates.")


class TrainingParams(Protocol):
    """Parameters that name a training."""

    @property
    def iterations(self) -> int: ...
    @property
    def first_beta(self) -> float: ...
    @property
    def target_kl(self) -> float: ...
    @property
    def step_reward(self) -> float: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def train_articles(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def seed(self) -> int: ...


def settings_of(params: TrainingParams) -> TrainingSettings:
    """The training that parameters name."""
    return TrainingSettings(
        model=params.model,
        iterations=params.iterations,
        beta=params.first_beta,
        target_kl=params.target_kl,
        step_coefficient=params.step_reward,
        learning_rate=params.learning_rate,
        train_articles=params.train_articles,
        seed=params.seed,
    )


def ask_runs(
    client: ModelClient, settings: TrainingSettings, names: Sequence[str]
) -> dict[str, Training]:
    """The training as set ("nlpo"), and others with one part taken away.

    Args:
        client: the model server.
        settings: as set.
        names: out of ``workbench.methods.dsp.theatre.RUNS``.

    Raises:
        WorkbenchError: what the server refused.
    """
    changed = {
        "nlpo": settings,
        "ppo": replace(settings, use_mask=False),
        "no_kl": replace(settings, beta=0.0),
        "no_step": replace(settings, step_coefficient=0.0),
    }
    return {name: train(client, changed[name]) for name in names}
