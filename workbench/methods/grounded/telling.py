"""Is it enough to tell the model what is there? The object list in the prompt against grounding.

Three plans for one task: the model alone, the model with the objects named in its prompt, and the
model grounded in the scene. A list names things; it does not say what lies on what, what is held or
what is locked, and nothing of it changes while the plan runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

import numpy as np

from workbench.methods.grounded.asking import Score, ask_scores
from workbench.methods.grounded.episode import Episode, run
from workbench.methods.grounded.prompts import kind_of, write_prompt
from workbench.methods.grounded.scene import Grounded, open_scene, settings_of
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.world import DONE, Task, World
from workbench.params import Choice, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

PLANS: Final = ("alone", "told", "grounded", "both")
PLAN_NAMES: Final = ("Alone", "Told what is there", "Grounded", "Told and grounded")
CASES: Final = ("plain", "stacked", "gone")


@dataclass(frozen=True, slots=True)
class Params(Grounded):
    """What the user may change."""

    case: Annotated[
        str,
        Choice(
            CASES,
            "Case",
            names=("as it is", "one block on another", "one thing gone since"),
            help="The list of things is the same in all three: it was written before.",
        ),
    ] = "plain"

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Inputs:
    """The state, what was said of it, and what the model answered with and without being told."""

    world: World
    task: Task
    said: str
    asked: dict[tuple[bool, tuple[str, ...]], LanguageScores] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Result:
    """The plans by name of ``PLANS``, and the list that the model was told."""

    params: Params
    world: World
    task: Task
    said: str
    plans: dict[str, Episode]


def change(world: World, case: str) -> World:
    """The scene after something happened that the list does not say.

    "stacked" puts the first thing that can be moved on a block; "gone" takes it away. Worlds other
    than the table stay as they are.
    """
    if not isinstance(world, Tabletop) or case == "plain":
        return world
    movable = [thing.name for thing in world.things if thing.name in world.pickable]
    if case == "gone":
        return world.without(movable[0]) if movable else world
    onto_blocks = [
        skill
        for skill, value in zip(world.skills(), world.affordances(), strict=True)
        if value and skill.endswith(" block")
    ]
    surely = replace(world, reliability=1.0)
    stacked = surely.execute(onto_blocks[0], np.random.default_rng(0))[0] if onto_blocks else world
    return replace(stacked, reliability=world.reliability)


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask the model for every step, with and without the list."""
    first, task = open_scene(params)
    inputs = Inputs(change(first, params.case), task, first.describe())
    kind, skills = kind_of(first), (*first.skills(), DONE)

    def ask(is_told: bool) -> Score:
        def score(history: Sequence[str]) -> LanguageScores:
            where = (is_told, tuple(history))
            if where not in inputs.asked:
                scene = inputs.said if is_told else ""
                prompt = write_prompt(kind, task.instruction, history, scene)
                label = "Told" if is_told else "Not told"
                inputs.asked[where] = ask_scores(client, params.model, prompt, skills, label=label)
            return inputs.asked[where]

        return score

    _plan(inputs, params, ask(False), ask(True))
    return inputs


def _plan(inputs: Inputs, params: Params, plain: Score, told: Score) -> dict[str, Episode]:
    return {
        name: run(inputs.world, inputs.task, settings_of(params, method), ask, params.scene)
        for name, method, ask in (
            ("alone", "ungrounded", plain),
            ("told", "ungrounded", told),
            ("grounded", "greedy", plain),
            ("both", "greedy", told),
        )
    }


def compute(inputs: Inputs, params: Params) -> Result:
    """Plan four times from what was asked."""
    plain, told = (
        lambda history, is_told=is_told: inputs.asked[is_told, tuple(history)]
        for is_told in (False, True)
    )
    plans = _plan(inputs, params, plain, told)
    return Result(params, inputs.world, inputs.task, inputs.said, plans)


def summarise(result: Result) -> Summary:
    """How each plan ended, and how many of its commands could be done."""
    numbers: dict[str, float | int | str | bool] = {}
    for name, plan in result.plans.items():
        numbers[f"outcome_{name}"] = plan.outcome
        numbers[f"is_done_{name}"] = plan.outcome == "success"
        numbers[f"steps_{name}"] = len(plan.steps)
        numbers[f"impossible_{name}"] = sum(not step.could for step in plan.steps)
        numbers[f"plan_{name}"] = "; ".join(plan.commands)
    return numbers


TELLING: Study[Params, Inputs, Result] = Study(
    slug="grounded.prompt",
    title="Tell it, or ground it?",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
