"""What was one hint paid for? The parts of a reward, and what other coefficients would pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from workbench.methods.dsp.anatomy import BETA, PENALTY, STEP, TERMINAL, Anatomy, dissect
from workbench.methods.dsp.study_bench import WRITER
from workbench.methods.dsp.theatre import ITERATION
from workbench.methods.dsp.training import Training, TrainingSettings, train
from workbench.methods.dsp.training_params import SEED
from workbench.params import check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    iteration: Annotated[int, ITERATION] = 20
    terminal_weight: Annotated[float, TERMINAL] = 10.0
    step_weight: Annotated[float, STEP] = 1.0
    penalty: Annotated[float, PENALTY] = 0.2
    beta: Annotated[float, BETA] = 0.005
    model: Annotated[str, WRITER] = "smollm2-135m-instruct"
    seed: Annotated[int, SEED] = 0

    def __post_init__(self) -> None:
        check(self)


def gather(client: ModelClient, params: Params) -> Training:
    """Train as in the training theatre's default, whose rollouts are stored."""
    return train(client, TrainingSettings(model=params.model, seed=params.seed))


def compute(inputs: Training, params: Params) -> Anatomy:
    """Take the stored rollouts apart."""
    del params  # coefficients are live
    references = {one.article.id: one.article.reference for one in inputs.train.sources}
    curve = inputs.curve
    return dissect(curve, [references[rollout.article] for rollout in curve.rollouts])


def summarise(found: Anatomy) -> Summary:
    """The first and the last rollout under the paper's coefficients, part by part."""
    totals = found.total(10.0, 1.0, 0.2, 0.005)
    numbers: dict[str, float | int] = {}
    for point, end in ((0, "first"), (-1, "last")):
        numbers |= {
            f"reward_{end}": float(f"{totals[point]:.6g}"),
            f"rouge_{end}": float(f"{found.terminal[point]:.6g}"),
            f"hits_{end}": int(found.is_hit[point].sum()),
            f"misses_{end}": int(found.is_miss[point].sum()),
            f"kl_{end}": float(f"{found.kl[point].sum():.6g}"),
        }
    return numbers


REWARDS: Study[Params, Training, Anatomy] = Study(
    slug="dsp.rewards",
    title="Reward anatomy",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
