"""A kitchen in words: a robot that finds things, carries them and puts them down.

The paper (arXiv:2303.00855, section 4.3) grounds the *thought* before the plan with an
open-vocabulary detector: inside brackets, and only there, the word must be something the camera
sees. Here the detector is a table of phrases and scores that anybody can edit. Items,
instructions and goals are ours.
"""

from __future__ import annotations

import functools
import re
import zlib
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from workbench.errors import InputError, UnknownNameError
from workbench.methods.grounded.worlds.world import Task

ITEMS: Final = (
    "apple",
    "banana",
    "orange",
    "chips",
    "cookie",
    "cola",
    "water bottle",
    "tea",
    "sponge",
    "paper towel",
    "spoon",
    "empty can",
)
LOCATIONS: Final = ("counter", "table", "bin", "user")
SHELVES: Final = ("counter", "table")
PUT_DOWN: Final = "put it down"
MAX_PHRASES = 40
_ROW = re.compile(r"(.*\S)\s+([01](?:\.\d+)?|\.\d+)")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task.

    Args:
        instruction: in words.
        wanted: items of which one will do.
        where: location it has to be put down at.
        is_ambiguous: the instruction names no item, so the scene must settle it.
    """

    instruction: str
    wanted: tuple[str, ...]
    where: str
    is_ambiguous: bool


KINDS: Final[dict[str, Kind]] = {
    "apple": Kind("bring me the apple", ("apple",), "user", False),
    "cola": Kind("bring me the cola", ("cola",), "user", False),
    "sponge_table": Kind("put the sponge on the table", ("sponge",), "table", False),
    "throw_can": Kind("throw the empty can in the bin", ("empty can",), "bin", False),
    "fruit": Kind("bring me a fruit", ("apple", "banana", "orange"), "user", True),
    "thirsty": Kind("I am thirsty, help me", ("cola", "water bottle", "tea"), "user", True),
    "spilled": Kind(
        "I spilled my drink, bring me something to clean it up",
        ("sponge", "paper towel"),
        "user",
        True,
    ),
    "snack": Kind("bring me something sweet to eat", ("cookie", "banana", "apple", "orange"),
                  "user", True),
}  # fmt: skip
"""By template; the first half name their item."""


@functools.cache
def skills() -> dict[str, tuple[str, str]]:
    """Every skill in words -> deed ("find", "pick", "go" or "down") and its object."""
    return {
        **{f"find the {item}": ("find", item) for item in ITEMS},
        **{f"pick up the {item}": ("pick", item) for item in ITEMS},
        **{f"go to the {place}": ("go", place) for place in LOCATIONS},
        PUT_DOWN: ("down", ""),
    }


@dataclass(frozen=True)
class Kitchen:
    """One state of the kitchen; a ``World``.

    Args:
        places: item and location of everything that is there.
        at: location of the robot.
        beside: item that the robot has found and stands beside; "" for none.
        held: item in its hand; "" for none.
        reliability: how often a skill succeeds, 0 to 1.
    """

    places: tuple[tuple[str, str], ...] = ()
    at: str = "user"
    beside: str = ""
    held: str = ""
    reliability: float = 1.0

    def skills(self) -> tuple[str, ...]:
        """Find, pick up, go and put down, for every item and location."""
        return tuple(skills())

    def affordances(self) -> np.ndarray:
        """``(skills,)`` 1 where a skill can be done now, else 0."""
        return np.array([float(self._can(*each)) for each in skills().values()])

    def execute(self, skill: str, rng: np.random.Generator) -> tuple[Kitchen, bool]:
        """Try a skill; fails when it cannot be done, or by chance."""
        missed = rng.random() >= self.reliability
        deed, name = skills().get(skill, ("", ""))
        if missed or not self._can(deed, name):
            return self, False
        match deed:
            case "find":
                return replace(self, at=self._where(name), beside=name), True
            case "pick":
                rest = tuple(pair for pair in self.places if pair[0] != name)
                return replace(self, places=rest, beside="", held=name), True
            case "go":
                return replace(self, at=name, beside=""), True
            case _:
                put = (*self.places, (self.held, self.at))
                return replace(self, places=put, beside="", held=""), True

    def is_done(self, task: Task) -> bool:
        """Whether something that was wanted lies where it was wanted."""
        kind = KINDS.get(task.template)
        return kind is not None and any((item, kind.where) in self.places for item in kind.wanted)

    def describe(self) -> str:
        """Names of what is there."""
        return ", ".join(item for item, _ in self.places) or "nothing"

    def _where(self, item: str) -> str:
        return next((place for name, place in self.places if name == item), "")

    def _can(self, deed: str, name: str) -> bool:
        match deed:
            case "find":
                return bool(self._where(name)) and self.beside != name and not self.held
            case "pick":
                return self.beside == name and not self.held
            case "go":
                return self.at != name
            case "down":
                return bool(self.held)
            case _:
                return False


def sample(template: str, seed: int, *, reliability: float = 1.0) -> tuple[Kitchen, Task]:
    """A scene in which a task can be done, with five other items.

    An item that the instruction names is there; of the items that an ambiguous instruction would
    accept, exactly one is.

    Args:
        template: a name of ``KINDS``.
        seed: the same seed gives the same scene.
        reliability: how often a skill succeeds, 0 to 1.

    Raises:
        UnknownNameError: no such task.
    """
    if template not in KINDS:
        raise UnknownNameError.of("kitchen task", template, KINDS)
    kind = KINDS[template]
    rng = np.random.default_rng([seed, zlib.crc32(template.encode())])
    chosen = str(rng.choice(kind.wanted))
    others = rng.permutation([item for item in ITEMS if item not in kind.wanted])[:5]
    items = rng.permutation([chosen, *others])
    shelves = [shelf for shelf in SHELVES if shelf != kind.where]
    places = tuple((str(item), str(rng.choice(shelves))) for item in items)
    return Kitchen(places, reliability=reliability), Task(template, kind.instruction)


def detect(world: Kitchen, seed: int) -> str:
    """What a detector might say of a scene, as an editable table: "apple 0.91; tea 0.07; …".

    Scores of what is there are drawn from Beta(8, 2), of the rest from Beta(1, 12): most, not all,
    are told apart by a threshold.
    """
    rng = np.random.default_rng([seed, 77])
    there = {item for item, _ in world.places}
    scores = [rng.beta(8, 2) if item in there else rng.beta(1, 12) for item in ITEMS]
    return "; ".join(f"{item} {score:.2f}" for item, score in zip(ITEMS, scores, strict=True))


def read_detections(table: str) -> dict[str, float]:
    """The phrases of an edited table and their scores.

    Args:
        table: "phrase score; phrase score; …", scores from 0 to 1.

    Raises:
        InputError: a row without a score, a score outside [0, 1], a phrase twice, or too many.
    """
    found: dict[str, float] = {}
    for row in filter(None, map(str.strip, table.replace("\n", ";").split(";"))):
        match = _ROW.fullmatch(row)
        if match is None or float(match[2]) > 1:
            raise InputError(
                f"{row[:60]!r} is not a phrase and its score; write for example 'apple 0.9', "
                "with scores from 0 to 1."
            )
        phrase = " ".join(match[1].split())
        if phrase in found:
            raise InputError(f"The table holds {phrase[:40]!r} twice; keep one of the two.")
        found[phrase] = float(match[2])
    if len(found) > MAX_PHRASES:
        raise InputError(
            f"The table holds {len(found)} phrases; at most {MAX_PHRASES} are allowed."
        )
    return found
