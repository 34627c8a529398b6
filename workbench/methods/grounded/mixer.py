"""How strong should the scene be? The same task planned at every exponent λ of p_G.

Not in the paper, which multiplies as is (λ = 1): at λ = 0 the language model plans alone, at a
large λ only the scene counts and the instruction is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

import numpy as np

from workbench.methods.grounded.asking import Score, ask_steps
from workbench.methods.grounded.episode import Episode, run
from workbench.methods.grounded.scene import Grounded, open_scene, settings_of
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.worlds.world import Task, World
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

STRENGTHS: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Params(Grounded):
    """What the user may change; the strength of ``Grounded`` is swept, and the slider reads it."""

    scenes: Annotated[int, Range(1, 20, 1, "Scenes", help="The given one and those after it.")] = 1
    beta: Annotated[
        float,
        Range(
            0.0,
            1.0,
            0.25,
            "Discount β of the model's habits",
            help="0 as in the paper; above it, what the model says without the instruction is "
            "divided out, and tokens outside the list are masked.",
        ),
    ] = 0.0
    noise_seed: Annotated[int, Range(0, 99, 1, "Which noise")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Start:
    """One first state with its task and what the model was asked about it."""

    world: World
    task: Task
    scene: int
    asked: dict[tuple[str, ...], LanguageScores] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Result:
    """Plans at every strength.

    Args:
        params: what was asked for.
        strengths: ``(k,)`` every λ.
        episodes: by scene and λ.
        success: ``(k,)`` share of the scenes in which the goal is reached.
        feasible: ``(k,)`` share of the commands that could be done.
        changed: ``(k,)`` share of the scenes whose plan differs from that of λ = 0.
    """

    params: Params
    strengths: np.ndarray
    episodes: tuple[tuple[Episode, ...], ...]
    success: np.ndarray
    feasible: np.ndarray
    changed: np.ndarray


def gather(client: ModelClient, params: Params) -> tuple[Start, ...]:
    """Ask the model for every step of every plan."""
    starts: list[Start] = []
    scorers: dict[str, Score] = {}  # of one instruction: what is asked once serves all scenes
    for scene in range(params.scene, params.scene + params.scenes):
        world, task = open_scene(replace(params, scene=scene % 100))
        start = Start(world, task, scene)
        if task.instruction not in scorers:
            scorers[task.instruction] = ask_steps(
                client, params.model, task, world, beta=params.beta
            )
        ask = scorers[task.instruction]

        def remember(
            history: Sequence[str], start: Start = start, ask: Score = ask
        ) -> LanguageScores:
            return start.asked.setdefault(tuple(history), ask(history))

        _sweep(start, params, remember)
        starts.append(start)
    return tuple(starts)


def _sweep(start: Start, params: Params, ask: Score) -> tuple[Episode, ...]:
    usual = settings_of(params)
    mix = replace(usual.mix, noise_seed=params.noise_seed)
    return tuple(
        run(
            start.world,
            start.task,
            replace(usual, mix=mix, rules=replace(usual.rules, strength=strength)),
            ask,
            start.scene,
        )
        for strength in STRENGTHS
    )


def compute(starts: tuple[Start, ...], params: Params) -> Result:
    """Plan at every strength from what was asked."""
    episodes = tuple(
        _sweep(start, params, lambda history, start=start: start.asked[tuple(history)])
        for start in starts
    )
    columns = list(zip(*episodes, strict=True))
    return Result(
        params=params,
        strengths=np.array(STRENGTHS),
        episodes=episodes,
        success=np.array([np.mean([one.outcome == "success" for one in c]) for c in columns]),
        feasible=np.array([np.mean([s.could for one in c for s in one.steps]) for c in columns]),
        changed=np.array(
            [
                np.mean(
                    [one.commands != row[0].commands for one, row in zip(c, episodes, strict=True)]
                )
                for c in columns
            ]
        ),
    )


def summarise(result: Result) -> Summary:
    """Success and feasible commands at the ends, at the paper's λ and at the best."""
    numbers: dict[str, float | int] = {"scenes": len(result.episodes)}
    for name, strength in (("alone", 0.0), ("paper", 1.0), ("scene", STRENGTHS[-1])):
        at = STRENGTHS.index(strength)
        numbers[f"success_{name}"] = round(float(result.success[at]), 6)
        numbers[f"feasible_{name}"] = round(float(result.feasible[at]), 6)
    best = int(np.argmax(result.success))
    numbers["best_strength"] = STRENGTHS[best]
    numbers["success_best"] = round(float(result.success[best]), 6)
    return numbers


MIXER: Study[Params, tuple[Start, ...], Result] = Study(
    slug="grounded.mixer",
    title="Mix the grounders",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
