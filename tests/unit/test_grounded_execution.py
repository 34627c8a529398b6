"""Plans as they are carried out: what moves between two states, and what others do meanwhile."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from tests.unit.grounded_client import WordClient
from tests.unit.grounded_records import word_scores
from workbench.errors import InputError, UnknownNameError
from workbench.figures.grounded.execution import draw_execution, marks_at
from workbench.figures.grounded.scene import marks_of
from workbench.figures.grounded.theatre import say_outcome
from workbench.methods.grounded import theatre
from workbench.methods.grounded.decoder import Rules
from workbench.methods.grounded.episode import Episode, Settings, run
from workbench.methods.grounded.grounders import ground
from workbench.methods.grounded.scene import meddle
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.worlds import catalog
from workbench.methods.grounded.worlds.grid import GridWorld
from workbench.methods.grounded.worlds.tabletop import Tabletop, Thing
from workbench.methods.grounded.worlds.world import DONE, FREE, Task, World

RNG = np.random.default_rng(0)
TABLE = Tabletop(
    "blocks", (Thing("red block", 0.2, 0.2), Thing("blue block", 0.6, 0.6)), reliability=1.0
)
STACKING = "pick up the red block and place it on the blue block"
ABSENT = "pick up the green block and place it on the blue block"


def follow(world: World, plan: Sequence[str], method: str = "ungrounded", **more) -> Episode:
    """An episode of a model that wants exactly one plan."""
    skills = (*world.skills(), DONE)
    plain = word_scores(skills)

    def score(history: Sequence[str]) -> LanguageScores:
        wish = plan[len(history)] if len(history) < len(plan) else DONE
        path = plain.trie.path(int(plain.trie.leaf_of_skill[skills.index(wish)]))
        bonus = np.where(np.isin(np.arange(len(plain.trie)), path), 0.0, -30.0)
        return dataclasses.replace(plain, log_probability=bonus)

    return run(world, Task(FREE, "x"), Settings(method, Rules("closed")), score, **more)


def places(marks, name: str) -> tuple[float, float]:
    return next((m.x, m.y) for m in marks if m.name.startswith(name))


def test_a_thing_travels_from_where_it_lay_to_where_it_is_put() -> None:
    episode = follow(TABLE, [STACKING])
    assert marks_at(episode, 0.0) == marks_of(TABLE, 400.0)
    assert marks_at(episode, 2.0) == marks_of(episode.world, 400.0)
    way = np.array([places(marks_at(episode, t), "red block") for t in (0.0, 0.25, 0.5, 0.75)])
    assert np.all(np.diff(way[:, 0]) > 0)
    assert way[2, 0] == pytest.approx(0.4)  # half-way between 0.2 and 0.6
    assert way[2, 1] == pytest.approx(0.4 + 0.08)  # and lifted
    assert marks_at(episode, 0.5)[-1].name == "red block"  # over everything else
    assert places(marks_at(episode, 0.5), "blue block") == (0.6, 0.6)


@pytest.mark.parametrize(("reliability", "command"), [(1.0, ABSENT), (0.0, STACKING)])
def test_what_cannot_be_done_or_fails_moves_nothing(reliability: float, command: str) -> None:
    episode = follow(dataclasses.replace(TABLE, reliability=reliability), [command])
    assert marks_at(episode, 0.5) == marks_of(TABLE, 400.0)
    result = theatre.Result(theatre.Params(), episode, episode, ())
    assert "nothing moves" in draw_execution(result).words_at(tick=0)


def test_the_robot_of_a_maze_walks_its_trail() -> None:
    world, _ = catalog.sample("maze", "open_doors", 0)
    values = dict(zip(world.skills(), world.affordances(), strict=True))
    skill = max((s for s in values if s.endswith("open it")), key=values.__getitem__)
    episode = follow(world, [skill])
    assert isinstance(episode.world, GridWorld)
    trail = episode.steps[1].world.trail  # type: ignore[attr-defined]
    shown = [marks_at(episode, t)[-1] for t in np.linspace(0, 0.999, len(trail) * 3)]
    walked = [key for key, _ in itertools.groupby((m.x, m.y, m.symbol) for m in shown)]
    assert len(walked) == len([*itertools.groupby(trail)])
    assert marks_at(episode, 1.0)[-1] == shown[-1]


def test_a_thing_taken_while_the_plan_runs_is_grounded_away_at_once() -> None:
    def take(world: World, steps: int) -> World:
        return meddle(world, "blue block") if steps == 1 else world

    three = dataclasses.replace(TABLE, things=(*TABLE.things, Thing("green bowl", 0.8, 0.2)))
    second = "pick up the blue block and place it on the green bowl"
    first = "pick up the red block and place it on the green bowl"
    alone = follow(three, [first, second], meddle=take)
    assert alone.commands == (first, second, DONE)
    assert [step.could for step in alone.steps] == [True, False, True]
    grounded = follow(three, [first, second], "greedy", meddle=take)
    assert "blue" not in " ".join(grounded.commands[1:])
    result = theatre.Result(theatre.Params(), grounded, alone, ())
    live = draw_execution(result)
    told = {live.words_at(tick=tick) for tick in range(theatre.TICKS + 1)}
    assert any("Somebody has taken the blue block away." in words for words in told)


def test_the_theatre_takes_things_after_the_step_that_is_named() -> None:
    params = theatre.Params(task="brown_box", vocabulary="closed")
    client = WordClient()
    plain = theatre.compute(theatre.gather(client, params), params)  # type: ignore[arg-type]
    things = plain.grounded.steps[0].world.things  # type: ignore[attr-defined]
    gone = things[0].name
    later = dataclasses.replace(params, taken=gone, taken_after=1)
    found = theatre.compute(theatre.gather(client, later), later)  # type: ignore[arg-type]
    assert found.grounded.steps[0].world.things == things  # type: ignore[attr-defined]
    assert found.grounded.commands[0] == plain.grounded.commands[0]
    for step in found.grounded.steps[1:]:
        assert gone not in step.world.describe().split(", ")


def test_a_door_shut_by_hand_is_to_be_opened_again() -> None:
    world, task = catalog.sample("maze", "multi_room", 3)
    assert isinstance(world, GridWorld)
    skills = world.skills()
    skill = max(
        (s for s in skills if s.endswith("open it")),
        key=lambda s: world.affordances()[skills.index(s)],
    )
    opened, worked = world.execute(skill, RNG)
    assert worked
    door = skill.removeprefix("go to the ").removesuffix(" and open it")
    number = skills.index(skill)
    shut = opened.shut(door)
    closed = ground(shut, Settings().mix).values[0][number]
    assert closed > 0.9 > ground(opened, Settings().mix).values[0][number]
    assert opened.affordances()[number] < 0.5  # the other state has not changed
    again, worked = shut.execute(skill, RNG)
    assert worked
    assert not again.is_done(task)


def test_what_is_not_there_to_shut_or_take_is_refused_in_words() -> None:
    maze, _ = catalog.sample("maze", "open_doors", 0)
    with pytest.raises(InputError, match="no 'pink door' to shut; its doors: "):
        meddle(maze, "pink door")
    kitchen, _ = catalog.sample("kitchen", "snack", 0)
    with pytest.raises(InputError, match="choose a table or a maze"):
        meddle(kitchen, "apple")
    table, _ = catalog.sample("tabletop", "brown_box", 0)
    with pytest.raises(UnknownNameError, match=r"No thing called 'bananna'\. Did you mean banana"):
        meddle(table, "bananna")
    assert meddle(table, "red block") == table  # of another scene: not here, and no error


def test_a_free_plan_without_end_says_that_it_was_stopped() -> None:
    back = "pick up the red bowl and place it on the blue block"
    free = follow(TABLE, [back] * 40)
    assert free.task.template == FREE
    said = say_outcome(free)
    assert f"Stopped at the limit of {Settings().step_limit} steps." in said
    assert "its goal is not checked" in said
    assert "Stopped" not in say_outcome(follow(TABLE, [STACKING]))


def test_nobody_says_how_a_free_instruction_ended() -> None:
    episode = follow(TABLE, [STACKING])
    assert episode.task.template == FREE
    result = theatre.Result(theatre.Params(), episode, episode, ())
    assert "its goal is not checked" in draw_execution(result).words_at(tick=theatre.TICKS)
    assert not {"outcome", "is_done"} & set(theatre.summarise(result))
    stacked = dataclasses.replace(episode, task=Task("stack_all", "stack"), outcome="success")
    checked = theatre.Result(theatre.Params(), stacked, stacked, ())
    assert "The goal is reached." in draw_execution(checked).words_at(tick=theatre.TICKS)
    assert theatre.summarise(checked)["is_done"]
