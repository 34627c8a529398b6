"""Does grounding help? Success of four methods on the same scenes, and what each of them reads.

Huang et al. 2023 (arXiv:2303.00855), tables 1 and 4, on this project's own table: greedy and beam
decoding with the scene, the language model alone, and SayCan. Unlike the paper's, the model alone
chooses from the list of skills too, so that it is never lost for a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from workbench.errors import InputError
from workbench.methods.grounded.episode import METHODS, OUTCOMES
from workbench.methods.grounded.measure import WITHOUT_HABIT, Plan, measure
from workbench.methods.grounded.records import Record, Records, ask_records
from workbench.methods.grounded.resampling import paired_difference
from workbench.methods.grounded.scene import DEFAULT_MODEL, MODEL, WORLD_NAMES
from workbench.methods.grounded.worlds import catalog, tasks
from workbench.methods.grounded.worlds.world import DONE
from workbench.methods.intervals import Interval, wilson
from workbench.params import Choice, Range, Text, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

WORLDS: Final = tuple(catalog.TEMPLATES)
WORLD: Final = Choice(WORLDS, "World", names=tuple(WORLD_NAMES[world] for world in WORLDS))


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    world: Annotated[str, WORLD] = "tabletop"
    source: Annotated[
        str,
        Choice(
            ("records", "measure"),
            "Episodes",
            names=("measured ahead", "measure now"),
            help="Measuring takes about a minute an episode on two cores.",
        ),
    ] = "records"
    tasks: Annotated[
        str,
        Text(
            "Tasks to measure",
            max_chars=400,
            help="Names with spaces between them; empty takes them all.",
        ),
    ] = ""
    scenes: Annotated[int, Range(1, 100, 1, "Scenes of each task to measure")] = 5
    model: Annotated[str, MODEL] = DEFAULT_MODEL

    def __post_init__(self) -> None:
        check(self)
        known = catalog.TEMPLATES[self.world]
        for name in self.tasks.split():
            if name not in known:
                raise InputError(f"No task {name[:40]!r} in that world; choose {', '.join(known)}.")


@dataclass(frozen=True)
class WithoutHabit:
    """Greedy decoding without the habit, on the scenes that were measured so.

    Args:
        scenes: how many.
        success: with its interval.
        gain: over the language model alone on the same scenes, with its interval.
        loss: change against greedy decoding with the habit on the same scenes.
    """

    scenes: int
    success: Interval
    gain: Interval
    loss: Interval


@dataclass(frozen=True, eq=False)
class Result:
    """The comparison over e episodes of each method, on the same scenes.

    Args:
        params: what was asked for.
        records: every episode.
        tasks: the tasks, in the order of the paper's table.
        scenes: scenes of each task.
        success: by method, over all scenes, with its interval.
        by_task: by task and method, with its interval.
        gains: by "greedy - ungrounded" and the like: paired difference with its interval.
        outcomes: by method and outcome, with its interval.
        tokens: by method, mean contexts read for one command.
        commands: by method, mean commands of an episode, "done" left out.
        without_habit: greedy decoding without the grounder that is ours; None where it was not
            measured.
    """

    params: Params
    records: Records
    tasks: tuple[str, ...]
    scenes: dict[str, int]
    success: dict[str, Interval]
    by_task: dict[str, dict[str, Interval]]
    gains: dict[tuple[str, str], Interval]
    outcomes: dict[str, dict[str, Interval]]
    tokens: dict[str, float]
    commands: dict[str, float]
    without_habit: WithoutHabit | None

    @property
    def episodes(self) -> int:
        """Scenes that every method was measured on."""
        return sum(self.scenes.values())


GAINS: Final = (
    ("greedy", "ungrounded"),
    ("beam", "ungrounded"),
    ("saycan", "ungrounded"),
    ("beam", "greedy"),
    ("saycan", "greedy"),
)


def gather(client: ModelClient, params: Params) -> Records:
    """Read the episodes that were measured ahead, or measure some now."""
    if params.source == "records":
        return ask_records(client, params.world)
    names = tuple(params.tasks.split()) or catalog.TEMPLATES[params.world]
    plan = Plan(params.world, names, params.scenes, model=params.model)
    return Records(tuple(measure(client, plan)), params.model, {})


def compute(records: Records, params: Params) -> Result:
    """Compare the methods on the scenes that all of them were measured on."""
    complete = _complete(records.records)
    if not complete:
        raise InputError("No scene was measured with every method; measure some first.")
    order = [name for name in catalog.TEMPLATES[params.world] if name in {t for t, _ in complete}]
    places = sorted(complete, key=lambda where: (order.index(where[0]), where[1]))
    found = {(one.task, one.scene, one.method): one for one in records.records}
    table = {m: [found[(*where, m)] for where in places] for m in METHODS}
    won = {m: np.array([one.outcome == "success" for one in rows]) for m, rows in table.items()}
    groups = np.array([order.index(task) for task, _ in places])
    return Result(
        params=params,
        records=records,
        tasks=tuple(order),
        scenes={name: int((groups == i).sum()) for i, name in enumerate(order)},
        success={m: wilson(int(w.sum()), len(w)) for m, w in won.items()},
        by_task={
            name: {
                m: wilson(int(w[groups == i].sum()), int((groups == i).sum()))
                for m, w in won.items()
            }
            for i, name in enumerate(order)
        },
        gains={(a, b): paired_difference(won[a], won[b], groups) for a, b in GAINS},
        outcomes={
            m: {o: wilson(sum(one.outcome == o for one in rows), len(rows)) for o in OUTCOMES}
            for m, rows in table.items()
        },
        tokens={
            m: float(np.mean([t for one in rows for t in one.tokens_scored]))
            for m, rows in table.items()
        },
        commands={
            m: float(np.mean([sum(c != DONE for c in one.commands) for one in rows]))
            for m, rows in table.items()
        },
        without_habit=_without_habit(found, places),
    )


def _without_habit(
    found: Mapping[tuple[str, int, str], Record], places: Sequence[tuple[str, int]]
) -> WithoutHabit | None:
    measured = [where for where in places if (*where, WITHOUT_HABIT) in found]
    if not measured:
        return None
    names = list(dict.fromkeys(task for task, _ in measured))
    groups = np.array([names.index(task) for task, _ in measured])
    won, greedy, alone = (
        np.array([found[(*where, method)].outcome == "success" for where in measured])
        for method in (WITHOUT_HABIT, "greedy", "ungrounded")
    )
    return WithoutHabit(
        len(measured),
        wilson(int(won.sum()), len(won)),
        paired_difference(won, alone, groups),
        paired_difference(won, greedy, groups),
    )


def _complete(records: Sequence[Record]) -> set[tuple[str, int]]:
    by_method = {
        method: {(one.task, one.scene) for one in records if one.method == method}
        for method in METHODS
    }
    return set.intersection(*by_method.values())


def by_category(result: Result) -> dict[tuple[str, bool], dict[str, float]]:
    """Mean success of the measured tasks by category and whether the paper trained on them.

    Empty for worlds other than the table.
    """
    if result.params.world != "tabletop":
        return {}
    found: dict[tuple[str, bool], list[str]] = {}
    for name in result.tasks:
        template = tasks.TEMPLATES[name]
        found.setdefault((template.category, template.is_seen), []).append(name)
    return {
        key: {m: float(np.mean([result.by_task[n][m].mean for n in names])) for m in METHODS}
        for key, names in found.items()
    }


def summarise(result: Result) -> Summary:
    """Success with intervals, gains, outcomes and tokens."""
    numbers: dict[str, float | int | str] = {}
    for method, one in result.success.items():
        one.put(numbers, f"success_{method}", 6)
    for (a, b), one in result.gains.items():
        one.put(numbers, f"gain_{a}_over_{b}", 6)
    for method, outcomes in result.outcomes.items():
        for outcome, one in outcomes.items():
            if outcome != "success":
                numbers[f"{outcome}_{method}"] = round(one.mean, 6)
    for method, tokens in result.tokens.items():
        numbers[f"tokens_a_step_{method}"] = round(tokens, 4)
    for method, commands in result.commands.items():
        numbers[f"commands_an_episode_{method}"] = round(commands, 4)
    for method in ("beam", "saycan"):
        ratio = result.tokens[method] / result.tokens["greedy"]
        numbers[f"tokens_{method}_over_greedy"] = round(ratio, 4)
    if (habitless := result.without_habit) is not None:
        numbers["episodes_without_habit"] = habitless.scenes
        habitless.success.put(numbers, "success_greedy_without_habit", 6)
        habitless.gain.put(numbers, "gain_greedy_without_habit_over_ungrounded", 6)
        habitless.loss.put(numbers, "gain_greedy_without_habit_over_greedy", 6)
    numbers["episodes"] = result.episodes
    numbers["tasks"] = " ".join(result.tasks)
    numbers["model"] = result.records.model
    return numbers


COMPARISON: Study[Params, Records, Result] = Study(
    slug="grounded",
    title="Does grounding help?",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
