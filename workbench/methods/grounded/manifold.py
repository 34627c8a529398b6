"""Are the commands that can be done near each other in language (arXiv:2303.00855, section 5)?

The paper draws BERT embeddings of all commands with t-SNE; here sentence embeddings are projected
on their two directions of largest spread, which distorts no distance by its own choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.grounded.asking import ask_steps
from workbench.methods.grounded.episode import Episode, run
from workbench.methods.grounded.grounders import Grounding, ground
from workbench.methods.grounded.saycan import saycan
from workbench.methods.grounded.scene import Grounded, mix_of, open_scene, settings_of
from workbench.methods.grounded.worlds.world import World
from workbench.params import Model, check
from workbench.server.api import ModelClient, Request
from workbench.study import Study, Summary

NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class Params(Grounded):
    """What the user may change."""

    encoder: Annotated[str, Model("sentence-encoder", "Sentence encoder")] = "all-minilm-l6-v2"

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Inputs:
    """The state, its plan and the embeddings of its commands, ``(m, d)``."""

    world: World
    plan: Episode
    vectors: np.ndarray


@dataclass(frozen=True, eq=False)
class Result:
    """Commands as points.

    Args:
        params: what was asked for.
        world: the first state.
        commands: m texts, "done" left out.
        points: ``(m, 2)`` projections on the directions of largest spread.
        spread: share of the variance that the two directions hold.
        grounding: what the first state says.
        path: commands of the grounded plan, in order.
        saycan: the command that SayCan chooses first; ``None`` when that is "done".
        neighbours_alike: share of the nearest ``NEIGHBOURS`` in the full space of a command that
            can be done, that can be done too.
        possible: share of all commands that can be done.
    """

    params: Params
    world: World
    commands: tuple[str, ...]
    points: np.ndarray
    spread: float
    grounding: Grounding
    path: tuple[int, ...]
    saycan: int | None
    neighbours_alike: float
    possible: float


def gather(client: ModelClient, params: Params) -> Inputs:
    """Plan the task, and embed every command."""
    world, task = open_scene(params)
    answer = client.call(
        Request(
            "language.embed_text",
            model=params.encoder,
            arguments={"texts": list(world.skills())},
            dtype="float32",
        )
    )
    ask = ask_steps(client, params.model, task, world)
    plan = run(world, task, settings_of(params), ask, params.scene)
    return Inputs(world, plan, answer.arrays["embeddings"].astype(np.float64))


def project(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """Principal components (Pearson 1901), and the share of the variance that two of them hold.

    Args:
        vectors: ``(m, d)``.

    Returns:
        ``(m, 2)``, the sign of each direction so that its largest entry is positive; the share.
    """
    centred = vectors - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(vectors), 2))
    kept = min(2, len(sizes))
    points[:, :kept] = left[:, :kept] * sizes[:kept]
    largest = np.take_along_axis(points, np.abs(points).argmax(axis=0)[None], axis=0)
    total = float((sizes**2).sum())
    return points * np.where(largest < 0, -1.0, 1.0), float(
        (sizes[:2] ** 2).sum() / total if total else 1.0
    )


def alike(vectors: np.ndarray, able: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
    """Share of the nearest neighbours of the able rows that are able too; NaN without any."""
    if not able.any() or len(vectors) <= neighbours:
        return float("nan")
    gap = ((vectors[able][:, None, :] - vectors[None]) ** 2).sum(axis=-1)
    gap[np.arange(len(gap)), np.flatnonzero(able)] = np.inf
    nearest = np.argsort(gap, axis=1, kind="stable")[:, :neighbours]
    return float(able[nearest].mean())


def compute(inputs: Inputs, params: Params) -> Result:
    """Project the commands and say which can be done."""
    commands = inputs.world.skills()
    grounding = ground(inputs.world, mix_of(params))
    able = grounding.possible[:-1]
    points, spread = project(inputs.vectors)
    first = inputs.plan.steps[0]
    best = saycan(first.scores, first.grounding.product, strength=params.strength).skill
    return Result(
        params=params,
        world=inputs.world,
        commands=commands,
        points=points,
        spread=spread,
        grounding=grounding,
        path=_numbers(inputs.plan, len(commands)),
        saycan=best if best < len(commands) else None,
        neighbours_alike=alike(inputs.vectors, able),
        possible=float(able.mean()),
    )


def _numbers(plan: Episode, count: int) -> tuple[int, ...]:
    chosen: Sequence[int | None] = [step.skill for step in plan.steps]
    return tuple(skill for skill in chosen if skill is not None and skill < count)


def summarise(result: Result) -> Summary:
    """How alike neighbours are, against chance."""
    numbers: dict[str, float | int | str] = {
        "commands": len(result.commands),
        "possible": round(result.possible, 6),
        "spread_of_two_directions": round(result.spread, 6),
        "steps": len(result.path),
    }
    if np.isfinite(result.neighbours_alike):
        numbers["neighbours_alike"] = round(result.neighbours_alike, 6)
    return numbers


MANIFOLD: Study[Params, Inputs, Result] = Study(
    slug="grounded.manifold",
    title="Map of commands",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
