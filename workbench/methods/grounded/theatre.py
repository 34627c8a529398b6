"""Token by token: what the model wants to say, what the scene allows, and what is said.

Plans the whole task with grounded decoding and with the language model alone. Any token can be
forced; the rest of the plan is then decoded anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np

from workbench.errors import InputError
from workbench.methods.grounded.asking import Score, ask_steps
from workbench.methods.grounded.episode import STEP_LIMIT, Episode, Settings, run
from workbench.methods.grounded.greedy_steps import GreedySteps
from workbench.methods.grounded.moments import CANDIDATES, Moment, moments
from workbench.methods.grounded.scene import Grounded, meddle, open_scene, settings_of
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.world import FREE, Task, World
from workbench.params import Picks, Range, check, picked
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

MOMENTS = 80
"""Last position of the slider; a longer plan shows its first so many tokens."""
LONG = 200
"""Of more commands than these only some are read; other studies ask for a shorter list whole, too,
and all share the answer."""
TICKS = 60
"""Pictures of the plans as they are carried out, after the first."""


@dataclass(frozen=True, slots=True)
class Params(Grounded):
    """What the user may change."""

    taken_after: Annotated[
        int,
        Range(0, STEP_LIMIT, 1, "… after so many steps", help="0: before the plan begins."),
    ] = 0
    moment: Annotated[
        int,
        Range(0, MOMENTS, 1, "Token", live=True, help="0: where model and scene differ most."),
    ] = 0
    tick: Annotated[
        int,
        Range(0, TICKS, 1, "Moment of the execution", live=True, help="The last: both have ended."),
    ] = 0
    forced: Annotated[
        str,
        Picks(
            "Forced tokens",
            highest=MOMENTS * CANDIDATES - 1,
            max_items=4,
            help="Click a bar to force its token; click again to let go.",
        ),
    ] = ""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Inputs:
    """The first state, the task, and everything the model was asked on the way."""

    world: World
    task: Task
    asked: dict[tuple[str, ...], LanguageScores] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Result:
    """Two plans for one task.

    Args:
        params: what was asked for.
        grounded: the plan with the scene, forced tokens included.
        alone: the plan of the language model alone.
        forced: what was forced: step, place and token id of each.
    """

    params: Params
    grounded: Episode
    alone: Episode
    forced: tuple[tuple[int, int, int], ...]


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask the model for every step of both plans."""
    laid, task = open_scene(replace(params, taken=""))
    world = laid if params.taken_after else meddle(laid, params.taken)
    ask = _asking(client, params, laid, task)
    inputs = Inputs(world, task)

    def score(history: Sequence[str], *wanted: np.ndarray) -> LanguageScores:
        found = ask(history, *wanted)
        inputs.asked[tuple(history)] = found
        return found

    _plan(inputs, params, score)
    return inputs


def _asking(client: ModelClient, params: Params, laid: World, task: Task) -> Score:
    """What asks the model: of a long list, for the commands about what is on the table at first.

    Before anything is taken away, that is: taking it away or moving it asks nothing more.
    """
    if isinstance(laid, Tabletop) and len(laid.skills()) > LONG:
        likely = np.append(laid.mentioned(), True)  # "done" ends every plan
        return GreedySteps(client, params.model, task, laid, likely)
    return ask_steps(client, params.model, task, laid)


def compute(inputs: Inputs, params: Params) -> Result:
    """Decode both plans from what was asked."""
    return _plan(inputs, params, lambda history: inputs.asked[tuple(history)])


def _plan(inputs: Inputs, params: Params, ask: Score) -> Result:
    settings = settings_of(params)
    forced: dict[tuple[int, int], int] = {}

    def disturb(world: World, steps: int) -> World:
        return meddle(world, params.taken) if steps and steps == params.taken_after else world

    def play(how: Settings) -> Episode:
        return run(inputs.world, inputs.task, how, ask, params.scene, forced, disturb)

    grounded = play(settings)
    for number in picked(params.forced):
        moment = _find(moments(grounded), number)
        forced[moment.step, moment.place] = int(moment.tokens[number % CANDIDATES])
        grounded = play(settings)
    alone = play(settings_of(params, "ungrounded"))
    return Result(params, grounded, alone, tuple((*where, t) for where, t in forced.items()))


def _find(every: Sequence[Moment], number: int) -> Moment:
    place, row = divmod(number, CANDIDATES)
    if place >= len(every) or row >= len(every[place].tokens):
        raise InputError(
            f"There is no token number {number} to force in this plan; empty the forced tokens."
        )
    return every[place]


def summarise(result: Result) -> Summary:
    """How both plans ended, their lengths, and the tokens read for them.

    The goal of a free instruction is not checked, so nothing is said of it.
    """
    grounded, alone = result.grounded, result.alone
    ends: dict[str, str | bool] = {
        "outcome": grounded.outcome,
        "outcome_alone": alone.outcome,
        "is_done": grounded.outcome == "success",
        "is_done_alone": alone.outcome == "success",
    }
    return {
        **(ends if grounded.task.template != FREE else {}),
        "steps": len(grounded.steps),
        "steps_alone": len(alone.steps),
        "tokens_scored": grounded.tokens_scored,
        "tokens_scored_alone": alone.tokens_scored,
        "plan": "; ".join(grounded.commands),
        "plan_alone": "; ".join(alone.commands),
    }


THEATRE: Study[Params, Inputs, Result] = Study(
    slug="grounded.theatre",
    title="Token theatre",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
