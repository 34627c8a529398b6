"""A tabletop: blocks, bowls, letters, things and boxes, picked up and put down.

Stands in for the simulator of arXiv:2303.00855 (a learned CLIPort policy on rendered images): here
the state is symbolic and a skill can be done or not by rule. What can be picked up is there and
has nothing on it; what can be put on is there, is something else, and is not full. A skill that
would change nothing counts as not possible.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from workbench.methods.grounded.worlds import goals
from workbench.methods.grounded.worlds.vocabulary import PLACES, ROOM, find_domain, skills_of
from workbench.methods.grounded.worlds.world import Task

APART = 0.05
"""Things that share a place stand so far apart, in sides of the table."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something on the table.

    Args:
        name: two things may share one.
        x: from left to right, 0 to 1.
        y: from bottom to top, 0 to 1.
        on: number of the thing it lies on, name of the place it was put, or None for the table.
    """

    name: str
    x: float
    y: float
    on: int | str | None = None


@dataclass(frozen=True)
class Tabletop:
    """One state of the table; a ``World``.

    Args:
        domain: kind of scene, a name of ``vocabulary.DOMAINS``.
        things: what is there.
        reliability: how often the hand does what it can do (the paper's policies fail too).
    """

    domain: str
    things: tuple[Thing, ...] = ()
    reliability: float = 1.0

    def __post_init__(self) -> None:
        find_domain(self.domain)

    def skills(self) -> tuple[str, ...]:
        """``pick up the X and place it on the Y`` for every X and Y of the domain."""
        return tuple(skills_of(self.domain))

    def affordances(self) -> np.ndarray:
        """``(skills,)`` 1 where the thing can be picked up and put there, else 0."""
        pick, place = self.pickable, self.targets
        values = np.zeros(len(self.skills()))
        for number, (item, target) in enumerate(skills_of(self.domain).values()):
            values[number] = item in pick and target in place and self._moves(item, target)
        return values

    def mentioned(self) -> np.ndarray:
        """``(skills,)`` bool, whether all that a skill names is here, wherever it lies."""
        here = {*(thing.name for thing in self.things), *PLACES}
        pairs = skills_of(self.domain).values()
        return np.array([item in here and target in here for item, target in pairs])

    @functools.cached_property
    def pickable(self) -> frozenset[str]:
        """Names of what is there with nothing on it."""
        items = find_domain(self.domain).items
        return frozenset(
            thing.name
            for number, thing in enumerate(self.things)
            if thing.name in items and not self.load[number]
        )

    @functools.cached_property
    def targets(self) -> frozenset[str]:
        """Names of what is there with room for one more."""
        domain = find_domain(self.domain)
        free = {place for place in domain.places if self.load[place] < ROOM[place]}
        return frozenset(
            free.union(
                thing.name
                for number, thing in enumerate(self.things)
                if thing.name in domain.targets and self.load[number] < ROOM.get(thing.name, 1)
            )
        )

    @functools.cached_property
    def load(self) -> Counter[int | str | None]:
        """How many things lie on each thing (by number) and on each place (by name)."""
        return Counter(thing.on for thing in self.things)

    def execute(self, skill: str, rng: np.random.Generator) -> tuple[Tabletop, bool]:
        """Pick up and place; fails when it cannot be done, or when the hand misses."""
        missed = rng.random() >= self.reliability
        item, target = skills_of(self.domain).get(skill, ("", ""))
        can = item in self.pickable and target in self.targets and self._moves(item, target)
        if missed or not can:
            return self, False
        return self._move(item, target), True

    def is_done(self, task: Task) -> bool:
        """Whether the goal of the task's template holds; False for a free instruction."""
        return goals.is_reached(self, task)

    def describe(self) -> str:
        """Names of the things, as a detector would list them: not what lies on what."""
        return ", ".join(thing.name for thing in self.things) or "nothing"

    def without(self, name: str) -> Tabletop:
        """The same table after somebody took the things of this name away.

        What lay on one of them lies on the table then.
        """
        kept = [i for i, thing in enumerate(self.things) if thing.name != name]
        new = {old: i for i, old in enumerate(kept)}
        return replace(
            self,
            things=tuple(
                replace(t, on=new.get(t.on) if isinstance(t.on, int) else t.on)
                for t in (self.things[i] for i in kept)
            ),
        )

    def name_below(self, thing: Thing) -> str | None:
        """Name of what a thing lies on; None for the bare table."""
        return self.things[thing.on].name if isinstance(thing.on, int) else thing.on

    def level(self, number: int) -> int:
        """How many things are below a thing."""
        below, count = self.things[number].on, 0
        while isinstance(below, int):
            below, count = self.things[below].on, count + 1
        return count

    def _moves(self, item: str, target: str) -> bool:
        """Whether a skill would change anything: some free thing of that name is elsewhere."""
        return any(self.name_below(self.things[i]) != target for i in self._free(item)) and (
            target in PLACES or self._receiver(target, self._mover(item, target)) is not None
        )

    def _free(self, name: str) -> Iterable[int]:
        return (i for i, t in enumerate(self.things) if t.name == name and not self.load[i])

    def _mover(self, item: str, target: str) -> int:
        """Which of the things of one name is moved: the first that is not there already."""
        return next(i for i in self._free(item) if self.name_below(self.things[i]) != target)

    def _receiver(self, target: str, mover: int) -> int | None:
        return next(
            (
                i
                for i, t in enumerate(self.things)
                if t.name == target and i != mover and self.load[i] < ROOM.get(target, 1)
            ),
            None,
        )

    def _move(self, item: str, target: str) -> Tabletop:
        mover = self._mover(item, target)
        if target in PLACES:
            x, y = PLACES[target]
            slot = self.load[target]
            step = APART if x < 0.5 else -APART
            moved = Thing(item, round(x + step * slot, 4), y, target)
        else:
            below = self._receiver(target, mover)
            assert below is not None  # noqa: S101  _moves() said so
            moved = Thing(item, self.things[below].x, self.things[below].y, below)
        things = list(self.things)
        things[mover] = moved
        return replace(self, things=tuple(things))
