"""``policy.train_phrases``: some iterations of PPO or NLPO of the phrase policy.

A training is asked for in parts of a few iterations, each from the checkpoint of the one before.
Every part is kept, so a training that was cancelled goes on from its last checkpoint, and a longer
one begins where a shorter one ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from workbench.errors import InputError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.server.operations.phrase_policy import (
    CANDIDATE_ARRAYS,
    as_candidates,
    check_candidates,
)

if TYPE_CHECKING:
    from workbench.training.phrase_training import Point, Trainer

VALIDATION = "validation_"
TABLE_ARRAYS = ("bits", "terminal", "hits")
CHECKPOINT_ARRAYS = ("weights", "reference", "mask", "moments", "counts", "numbers")
ARRAYS = (
    *CANDIDATE_ARRAYS,
    *(VALIDATION + name for name in CANDIDATE_ARRAYS),
    *TABLE_ARRAYS,
    *CHECKPOINT_ARRAYS,
)


class Arguments(Base):
    """How to learn (``workbench.training.phrase_training.Settings``) and how far.

    ``iterations`` are done in this part; ``look_last`` also looks at the policy after the last.
    """

    iterations: Annotated[int, Field(ge=0, le=50)]
    look_last: bool = False
    terminal_coefficient: Annotated[float, Field(ge=0, le=100)] = 10.0
    step_coefficient: Annotated[float, Field(ge=0, le=100)] = 1.0
    penalty: Annotated[float, Field(ge=0, le=10)] = 0.2
    beta: Annotated[float, Field(ge=0, le=100)] = 0.005
    target_kl: Annotated[float, Field(gt=0, le=10)] = 0.5
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = 1e-3
    rollouts: Annotated[int, Field(ge=8, le=4096)] = 240
    use_mask: bool = True
    mask_refresh: Annotated[int, Field(ge=1, le=1000)] = 20


def prepare(request: Request) -> Prepared:
    """Check settings and arrays."""
    arguments = parse(Arguments, request, arrays=ARRAYS)
    arrays = dict(request.arrays)
    check_candidates(request.operation, arrays)
    check_candidates(request.operation, arrays, VALIDATION)
    a, c = arrays["present"].shape
    bits, terminal, hits = (arrays[name] for name in TABLE_ARRAYS)
    if bits.shape != (a, c) or hits.shape != (a, c) or terminal.shape[:1] != (a,):
        raise InputError(
            f"{request.operation}: give bits and hits (articles, candidates) and terminal "
            "(articles, hints)."
        )
    if int((bits * arrays["present"]).sum(axis=1).max()) >= terminal.shape[1]:
        raise InputError(f"{request.operation}: terminal lacks hints that the bits can name.")
    if not np.isfinite(terminal).all():
        raise InputError(f"{request.operation}: terminal holds numbers that are not finite.")
    return Prepared((arguments, arrays), seed=request.seed)


def run(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Train for each request."""
    del loaded, device
    return [_train(number, item, control) for number, item in enumerate(items)]


def _train(number: int, item: Prepared, control: Control) -> Output | WorkbenchError:
    from workbench.training.phrase_checkpoint import Checkpoint
    from workbench.training.phrase_rollouts import RewardTable
    from workbench.training.phrase_training import Settings, Trainer

    arguments, arrays = item.arguments
    said = arguments.model_dump(exclude={"iterations", "look_last"})
    checkpoint = Checkpoint.from_arrays({name: arrays[name] for name in CHECKPOINT_ARRAYS})
    try:
        trainer = Trainer(
            as_candidates(arrays),
            RewardTable(*(arrays[name] for name in TABLE_ARRAYS)),
            as_candidates(arrays, VALIDATION),
            Settings(**said),
            checkpoint,
            item.seed or 0,
        )
    except ValueError as error:
        return InputError(f"policy.train_phrases: {error}.")
    points = _run_iterations(number, trainer, arguments, checkpoint.iteration, control)
    return Output({**_write(points), **trainer.checkpoint().as_arrays()})


def _run_iterations(
    number: int, trainer: Trainer, arguments: Arguments, first: int, control: Control
) -> list[Point]:
    points: list[Point] = []
    for done in range(arguments.iterations + arguments.look_last):
        control.check()
        point = trainer.look()
        points.append(point)
        reward = float(point.reward.mean())
        control.progress(
            number,
            done / (arguments.iterations + arguments.look_last),
            f"Iteration {first + done}: reward {reward:.2f}",
        )
        control.partial(
            number,
            values={"iteration": first + done, "reward": reward, "kl": point.kl},
            arrays={"rewards": np.array([one.reward.mean() for one in points])},
        )
        if done < arguments.iterations:
            trainer.learn(point, control.check)
    return points


def _write(points: Sequence[Point]) -> dict[str, np.ndarray]:
    """What was seen at each of i points.

    Returns:
        ``reward``, ``terminal_reward``, ``step_reward``, ``kl``, ``beta``, ``clip_fraction``
        ``(i,)``; ``greedy`` ``(i, v, 4)`` likeliest hints of the validation articles; and of the
        first article's first sample ``sample_actions``, ``sample_kl`` ``(i, 5)`` and
        ``sample_terminal`` ``(i,)``.
    """
    if not points:
        return {}
    return {
        "reward": np.array([one.reward.mean() for one in points]),
        "terminal_reward": np.array([one.terminal.mean() for one in points]),
        "step_reward": np.array([one.step.mean() for one in points]),
        "kl": np.array([one.kl for one in points]),
        "beta": np.array([one.beta for one in points]),
        "clip_fraction": np.array([one.clip_fraction for one in points]),
        "greedy": np.stack([one.greedy for one in points]),
        "sample_actions": np.stack([one.rollouts.actions[0] for one in points]),
        "sample_kl": np.stack([one.rollouts.kl[0] for one in points]),
        "sample_terminal": np.array([one.rollouts.terminal[0] for one in points]),
    }


OPERATION = Operation(
    name="policy.train_phrases",
    version=1,
    kinds=frozenset(),
    prepare=prepare,
    run=run,
    summary="Some iterations of PPO or NLPO of the phrase policy, from a checkpoint to the next.",
)
