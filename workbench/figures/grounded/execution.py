"""Both plans as they are carried out: what a hand or a robot does between two states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.grounded.frames import add_frames
from workbench.figures.grounded.scene import Mark, marks_of
from workbench.figures.grounded.theatre import say_outcome
from workbench.figures.grounded.wording import show_text
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.theme import TEMPLATE
from workbench.figures.wording import each, join
from workbench.methods.grounded.episode import Episode, Step
from workbench.methods.grounded.theatre import TICKS, Params, Result
from workbench.methods.grounded.worlds.grid import GridWorld
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.world import DONE, World

AXIS = "tick"
SIDE_PX = 400.0
LIFT = 0.08
"""How high a thing is lifted on its way, in sides of the table."""


def draw_execution(result: Result) -> LiveFigure:
    """The grounded plan on the left and the language model's own on the right, step by step."""
    plans = (("Grounded", result.grounded), ("Language model alone", result.alone))
    longest = max(len(episode.steps) for _, episode in plans)
    ticks = [int(tick) for tick in live_axes(Params)[AXIS]]
    times = [tick / TICKS * longest for tick in ticks]
    figure = make_subplots(
        1, 2, subplot_titles=[title for title, _ in plans], horizontal_spacing=0.04
    )
    slots: list[Slot] = []
    for col, (_, episode) in enumerate(plans, start=1):
        drawn = [marks_at(episode, time) for time in times]
        slots += add_frames(figure, drawn, episode.world, AXIS, col=col)
    figure.update_layout(template=TEMPLATE, height=500, margin={"l": 16, "r": 16, "t": 44, "b": 16})
    words = Slot(
        "",
        (AXIS,),
        each(
            lambda i: join([_say(title, episode, times[i]) for title, episode in plans]),
            len(times),
        ),
    )
    return LiveFigure(figure, {AXIS: ticks}, tuple(slots), words)


def marks_at(episode: Episode, time: float) -> Sequence[Mark]:
    """Everything as it stands some time after the plan began.

    Args:
        episode: the plan.
        time: in steps; half-way through its second step is 1.5.
    """
    number = int(time)
    if number >= len(episode.steps):
        return marks_of(episode.world, SIDE_PX)
    return between(episode.steps[number].world, _after(episode, number), time - number)


def _after(episode: Episode, number: int) -> World:
    """The state that a step leads to, before anybody else touches it."""
    step = episode.steps[number]
    if isinstance(step.world, Tabletop):
        sure = replace(step.world, reliability=1.0)
        done, _ = sure.execute(step.command, np.random.default_rng(0))
        return done if step.succeeded else step.world
    return [*(one.world for one in episode.steps[1:]), episode.world][number]


def between(before: World, after: World, share: float) -> Sequence[Mark]:
    """Everything on the way from one state to the next.

    A thing of a table is lifted and carried over, the robot of a maze walks its trail; elsewhere
    the state changes half-way.

    Args:
        before: a state.
        after: the state that a skill leads to; the same one when it failed.
        share: of the way, 0 to below 1.
    """
    if isinstance(before, Tabletop) and isinstance(after, Tabletop):
        return _carry(before, after, share)
    if isinstance(after, GridWorld) and after is not before and after.trail:
        pose = after.trail[int(share * len(after.trail))]
        return marks_of(before, SIDE_PX, pose=pose)
    return marks_of(before if share < 0.5 else after, SIDE_PX)


def _carry(before: Tabletop, after: Tabletop, share: float) -> Sequence[Mark]:
    pairs = zip(before.things, after.things, strict=True)
    moved = next((i for i, (old, new) in enumerate(pairs) if old != new), None)
    if moved is None or not share:
        return marks_of(before, SIDE_PX)
    old, new = before.things[moved], after.things[moved]
    x = old.x + share * (new.x - old.x)
    y = old.y + share * (new.y - old.y) + LIFT * math.sin(math.pi * share)
    things = list(before.things)
    things[moved] = replace(old, x=x, y=min(1.0, y), on=None)
    return marks_of(replace(before, things=tuple(things)), SIDE_PX, held=moved)


def _say(title: str, episode: Episode, time: float) -> str:
    number = int(time)
    if number >= len(episode.steps):
        return f"{title}: {say_outcome(episode)}"
    step = episode.steps[number]
    head = f"{title}, step {number + 1} of {len(episode.steps)}: “{show_text(step.command, 90)}”"
    return f"{head}{_verdict(step)}.{_lost(episode, number)}"


def _lost(episode: Episode, number: int) -> str:
    """What somebody took away just before a step."""
    worlds = [step.world for step in episode.steps[: number + 1]]
    if number == 0 or not all(isinstance(world, Tabletop) for world in worlds[-2:]):
        return ""
    before, now = (set(world.describe().split(", ")) for world in worlds[-2:])
    gone = ", ".join(f"the {name}" for name in sorted(before - now))
    return f" Somebody has taken {gone} away." if gone else ""


def _verdict(step: Step) -> str:
    if step.command == DONE:
        return ""
    if step.skill is None:
        return ", which is no command that the robot knows: nothing moves"
    if not step.could:
        return ", which cannot be done here: nothing moves"
    return "" if step.succeeded else ", but the hand fails: nothing moves"
