"""Mazes of MiniGrid and BabyAI, moved through by an exact planner instead of a learned policy.

The paper (arXiv:2303.00855, section 4.2) trains one policy with reinforcement learning and grounds
with its value estimate. Here a skill is carried out by breadth-first search in the real
environments of the ``minigrid`` package, and its value is γ to the number of actions that it
takes: what a perfect critic would say.
"""

from __future__ import annotations

import copy
import functools
import importlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from workbench.errors import AssetError, InputError, UnknownNameError
from workbench.methods.grounded.worlds.grid_search import (
    DROP,
    FORWARD,
    PICK_UP,
    STEPS,
    TOGGLE,
    Cell,
    Pose,
    Reach,
    search,
)
from workbench.methods.grounded.worlds.world import Task

ENVIRONMENTS: Final[dict[str, str]] = {
    "open_doors": "BabyAI-OpenDoorsOrderN2-v0",
    "put_near": "MiniGrid-PutNear-6x6-N2-v0",
    "locked_room": "MiniGrid-LockedRoom-v0",
    "multi_room": "MiniGrid-MultiRoom-N4-S5-v1",
    "blocked_unlock": "MiniGrid-BlockedUnlockPickup-v0",
}
"""Template -> environment; the paper's easy, medium and hard mazes."""
COLOURS: Final = ("red", "green", "blue", "purple", "yellow", "grey")
"""By MiniGrid's number."""
KINDS: Final = {4: "door", 5: "key", 6: "ball", 7: "box", 8: "goal"}
"""MiniGrid's numbers of what can be named."""
WALL, AGENT = 2, 10
OPEN, CLOSED, LOCKED = range(3)
THINGS: Final = ("key", "ball", "box")
PUT_DOWN = "put it down"
TO_GOAL = "go to the goal"
DISCOUNT = 0.99
"""γ: the value of a skill that takes n actions is γⁿ."""
IMPOSSIBLE = 1e-4
"""Value of a skill that cannot be done: small, but not 0."""


@functools.cache
def skills() -> dict[str, tuple[str, str, str]]:
    """Every skill in words -> deed (open, pick, beside, down or goal), colour, kind."""
    found = {f"go to the {c} door and open it": ("open", c, "door") for c in COLOURS}
    for colour, kind in itertools.product(COLOURS, THINGS):
        found[f"pick up the {colour} {kind}"] = ("pick", colour, kind)
    for colour, kind in itertools.product(COLOURS, THINGS):
        found[f"put it next to the {colour} {kind}"] = ("beside", colour, kind)
    found[PUT_DOWN] = ("down", "", "")
    found[TO_GOAL] = ("goal", "", "goal")
    return found


@dataclass(frozen=True, eq=False)
class GridWorld:
    """One state of a maze; a ``World``.

    Args:
        template: a name of ``ENVIRONMENTS``.
        env: the environment, which nobody but this state steps; copies are stepped.
        cells: ``(columns, rows, 3)`` MiniGrid's full view: kind, colour, state of a door.
        is_over: the environment ended the episode.
        is_won: it paid its reward.
        trail: poses of the last skill, for the picture.
        reliability: how often the policy succeeds, 0 to 1.
    """

    template: str
    env: Any = field(repr=False)
    cells: np.ndarray = field(repr=False)
    is_over: bool = False
    is_won: bool = False
    trail: tuple[Pose, ...] = ()
    reliability: float = 1.0

    @property
    def pose(self) -> Pose:
        """Column, row and heading of the agent."""
        inner = self.env.unwrapped
        return int(inner.agent_pos[0]), int(inner.agent_pos[1]), int(inner.agent_dir)

    @property
    def carried(self) -> tuple[str, str] | None:
        """Colour and kind of what the agent carries."""
        held = self.env.unwrapped.carrying
        return (held.color, held.type) if held else None

    def skills(self) -> tuple[str, ...]:
        """Doors to open, things to pick up and to put beside others, and the goal."""
        return tuple(skills())

    def affordances(self) -> np.ndarray:
        """``(skills,)`` γ to the number of actions a skill takes, ``IMPOSSIBLE`` if it cannot."""
        plans = [self._plan(*each) for each in skills().values()]
        return np.array([IMPOSSIBLE if plan is None else DISCOUNT ** len(plan) for plan in plans])

    def execute(self, skill: str, rng: np.random.Generator) -> tuple[GridWorld, bool]:
        """Carry a skill out in a copy of the environment, action by action."""
        missed = rng.random() >= self.reliability
        known = skills().get(skill)
        plan = self._plan(*known) if known else None
        if missed or plan is None:
            return replace(self, trail=()), False
        return self._walk(plan), True

    def is_done(self, task: Task) -> bool:
        """Whether the environment paid its reward; its own judgement of its own mission."""
        return self.is_won and task.template == self.template

    def describe(self) -> str:
        """Doors and things of the maze in words, wherever they are."""
        names = [f"{COLOURS[c]} {kind}" for kind, c, _, _ in self._named() if kind != "goal"]
        return ", ".join([*names, *(["goal"] if self._at("", "goal") else [])]) or "nothing"

    def shut(self, door: str) -> GridWorld:
        """The same maze after somebody shut its open doors of this name.

        The door in which the robot stands stays open.

        Args:
            door: such as "red door".

        Raises:
            InputError: there is no such door.
        """
        doors = [
            (f"{COLOURS[colour]} {kind}", cell)
            for kind, colour, _, cell in self._named()
            if kind == "door"
        ]
        if door not in {name for name, _ in doors}:
            known = ", ".join(sorted({name for name, _ in doors})) or "none"
            raise InputError(f"This maze has no {door[:40]!r} to shut; its doors: {known}.")
        env = copy.deepcopy(self.env)
        inner = env.unwrapped
        for name, cell in doors:
            if name == door and cell != self.pose[:2]:
                inner.grid.get(*cell).is_open = False
        return replace(self, env=env, cells=env.observation(inner.gen_obs())["image"], trail=())

    @functools.cached_property
    def reach(self) -> Reach:
        """What the agent can reach without opening a door or entering the goal."""
        return search(self.free, self.pose)

    @functools.cached_property
    def free(self) -> np.ndarray:
        """``(columns, rows)`` bool: bare floor and open doors."""
        kind, state = self.cells[..., 0], self.cells[..., 2]
        return np.isin(kind, (1, 3, AGENT)) | ((kind == 4) & (state == OPEN))

    def _named(self) -> Iterator[tuple[str, int, int, Cell]]:
        for x, y in zip(*np.nonzero(np.isin(self.cells[..., 0], list(KINDS))), strict=True):
            kind, colour, state = (int(number) for number in self.cells[x, y])
            yield KINDS[kind], colour, state, (int(x), int(y))

    def _at(self, colour: str, kind: str, states: tuple[int, ...] = (OPEN,)) -> list[Cell]:
        return [
            cell
            for name, c, state, cell in self._named()
            if name == kind and colour in ("", COLOURS[c]) and state in states
        ]

    def _plan(self, deed: str, colour: str, kind: str) -> tuple[int, ...] | None:
        """Actions that carry out a skill from here; None when it cannot be done."""
        if self.is_over:
            return None
        match deed:
            case "open":
                key = self.carried == (colour, "key")
                states = (CLOSED, LOCKED) if key else (CLOSED,)
                return self._to(self._at(colour, kind, states), TOGGLE)
            case "pick":
                return None if self.carried else self._to(self._at(colour, kind), PICK_UP)
            case "goal":
                return self._to(self._at("", "goal"), FORWARD)
            case _ if self.carried is None:
                return None
            case "beside":
                return self._to(self._beside(self._at(colour, kind)), DROP)
            case _:
                return self._to(self._out_of_the_way(), DROP)

    def _to(self, cells: list[Cell], action: int) -> tuple[int, ...] | None:
        poses = [pose for pose in map(self.reach.facing, cells) if pose is not None]
        if not poses:
            return None
        nearest = min(poses, key=lambda pose: (self.reach.steps[pose], pose))
        return (*self.reach.way(nearest), action)

    def _bare(self) -> list[Cell]:
        """Free floor where something may lie: not the agent's cell, not a doorway."""
        bare = np.isin(self.cells[..., 0], (1, 3))
        return [(int(x), int(y)) for x, y in zip(*np.nonzero(bare), strict=True)]

    def _beside(self, cells: list[Cell]) -> list[Cell]:
        return [
            (x, y)
            for x, y in self._bare()
            if any(max(abs(x - cx), abs(y - cy)) == 1 for cx, cy in cells)
        ]

    def _out_of_the_way(self) -> list[Cell]:
        """Bare cells that are not beside a door, and whose loss cuts nothing off."""
        doors = self._at("", "door", (OPEN, CLOSED, LOCKED))
        beside = {(x + dx, y + dy) for x, y in doors for dx, dy in STEPS}
        found: list[Cell] = []
        for cell in sorted(self._bare(), key=self._distance):
            if cell in beside or self.reach.facing(cell) is None:
                continue
            blocked = self.free.copy()
            blocked[cell] = False
            if _places(search(blocked, self.pose)) >= _places(self.reach) - {cell}:
                found.append(cell)
                break  # the nearest will do
        return found

    def _distance(self, cell: Cell) -> int:
        pose = self.reach.facing(cell)
        return 10_000 if pose is None else self.reach.steps[pose]

    def _walk(self, plan: tuple[int, ...]) -> GridWorld:
        env = copy.deepcopy(self.env)
        trail = [self.pose]
        is_over = is_won = False
        cells = self.cells
        for action in plan:
            seen, reward, ended, cut, _ = env.step(action)
            cells = seen["image"]
            inner = env.unwrapped
            trail.append((int(inner.agent_pos[0]), int(inner.agent_pos[1]), int(inner.agent_dir)))
            is_over, is_won = bool(ended or cut), bool(reward > 0)
            if is_over:
                break
        return replace(
            self, env=env, cells=cells, is_over=is_over, is_won=is_won, trail=tuple(trail)
        )


def _places(reach: Reach) -> set[Cell]:
    return {(x, y) for x, y, _ in reach.steps}


def sample(template: str, seed: int, *, reliability: float = 1.0) -> tuple[GridWorld, Task]:
    """A fresh maze and its mission.

    Args:
        template: a name of ``ENVIRONMENTS``.
        seed: the same seed gives the same maze.
        reliability: how often the policy succeeds, 0 to 1.

    Raises:
        UnknownNameError: no such maze.
        AssetError: the package ``minigrid`` is not installed.
    """
    if template not in ENVIRONMENTS:
        raise UnknownNameError.of("maze", template, ENVIRONMENTS)
    env = _make(ENVIRONMENTS[template])
    seen, _ = env.reset(seed=seed)
    world = GridWorld(template, env, seen["image"], reliability=reliability)
    return world, Task(template, str(env.unwrapped.mission))


def _make(name: str) -> Any:
    try:
        wrappers = importlib.import_module("minigrid.wrappers")
        gymnasium = importlib.import_module("gymnasium")
    except ModuleNotFoundError as missing:
        raise AssetError(
            "The mazes need the package minigrid, which is not installed; run "
            "'pip install foundation-model-workbench[worlds]', or choose another world."
        ) from missing
    return wrappers.FullyObsWrapper(gymnasium.make(name))
