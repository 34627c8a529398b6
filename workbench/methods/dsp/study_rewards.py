"""What is a hint paid for? One rollout of each iteration, its reward in parts.

arXiv:2302.11520, section 2: the reward is a sum, so stored parts can be weighted anew at once. What
the policy would have learned under other weights is another question: that takes a training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.dsp.anatomy import BETA, PENALTY, STEP, TERMINAL, Anatomy, dissect
from workbench.methods.dsp.records import TrainingCurve
from workbench.methods.dsp.study_bench import DEMONSTRATIONS, WRITER
from workbench.methods.dsp.study_training import DEFAULTS, ITERATIONS, SEED, TRAIN_ARTICLES
from workbench.methods.dsp.theatre import ITERATION
from workbench.methods.dsp.training import TrainingSettings, ask_training
from workbench.params import check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    iteration: Annotated[int, ITERATION] = 20
    terminal_weight: Annotated[float, TERMINAL] = DEFAULTS.terminal_coefficient
    step_weight: Annotated[float, STEP] = DEFAULTS.step_coefficient
    penalty: Annotated[float, PENALTY] = DEFAULTS.penalty
    beta: Annotated[float, BETA] = DEFAULTS.beta
    iterations: Annotated[int, ITERATIONS] = DEFAULTS.iterations
    seed: Annotated[int, SEED] = DEFAULTS.seed
    train_articles: Annotated[int, TRAIN_ARTICLES] = DEFAULTS.train_articles
    model: Annotated[str, WRITER] = DEFAULTS.model
    demonstrations: Annotated[int, DEMONSTRATIONS] = DEFAULTS.demonstrations

    def __post_init__(self) -> None:
        check(self)


def gather(client: ModelClient, params: Params) -> TrainingCurve:
    """Train with the paper's weights; those of the sliders are for the eye."""
    return ask_training(
        client,
        TrainingSettings(
            model=params.model,
            iterations=params.iterations,
            train_articles=params.train_articles,
            demonstrations=params.demonstrations,
            seed=params.seed,
        ),
    )


def compute(inputs: TrainingCurve, params: Params) -> Anatomy:
    """The parts of every stored rollout."""
    del params
    return dissect(inputs)


def summarise(found: Anatomy) -> Summary:
    """Parts of the first and the last rollout, under the paper's weights."""
    numbers: dict[str, float | int] = {"rollouts": len(found.rollouts)}
    totals = found.total(
        DEFAULTS.terminal_coefficient, DEFAULTS.step_coefficient, DEFAULTS.penalty, DEFAULTS.beta
    )
    for i, end in ((0, "first"), (-1, "last")):
        parts: dict[str, float | np.floating] = {
            "total": totals[i],
            "hits": found.is_hit[i].sum(),
            "misses": found.is_miss[i].sum(),
            "kl": found.kl[i].sum(),
            "rouge": found.terminal[i],
        }
        numbers |= {f"{name}_{end}": float(f"{value:.6g}") for name, value in parts.items()}
    return numbers


REWARDS: Study[Params, TrainingCurve, Anatomy] = Study(
    slug="dsp.rewards",
    title="Reward anatomy",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
