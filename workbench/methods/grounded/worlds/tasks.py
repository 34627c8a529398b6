"""Tasks of the tabletop: the paper's twenty templates, their instructions and their first scenes.

Templates and categories are those of the per-task table of arXiv:2303.00855; the wording of the
instructions, the objects and the scenes are ours. As there, one to three distractors lie about,
but not among letters, and things stand at least 15 cm apart (0.15 of the table's side here).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from workbench.errors import InputError, UnknownNameError
from workbench.methods.grounded.worlds.goals import SPORTS, SYMMETRIC, VOWELS
from workbench.methods.grounded.worlds.tabletop import Tabletop, Thing
from workbench.methods.grounded.worlds.vocabulary import (
    BLOCKS,
    BOWLS,
    BOXES,
    COLOURS,
    COOL,
    CORNERS,
    DRINKS,
    FOOD,
    FRUIT,
    OTHERS,
    PRIMARY,
    SNACKS,
    WARM,
)
from workbench.methods.grounded.worlds.world import Task

SPACING = 0.15
WORDS: Final = ("CAT", "DOG", "SUN", "MAP", "BIRD", "FISH", "STAR", "LAMP")
"""Words to spell, no letter twice."""
_TRIES = 4_000

Draw = Callable[[np.random.Generator], tuple[list[str], tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of task.

    Args:
        name: as in ``goals.GOALS``.
        category: "letters", "blocks" or "boxes", as in the paper's tables.
        is_seen: whether the paper's policies were trained on it.
        domain: kind of scene.
        instruction: with ``{0}`` for the first argument.
        draw: generator of random numbers -> names of the things, and arguments.
    """

    name: str
    category: str
    is_seen: bool
    domain: str
    instruction: str
    draw: Draw


def _some(rng: np.random.Generator, names: tuple[str, ...], count: int) -> list[str]:
    return [str(name) for name in rng.permutation(np.array(names))[:count]]


def _letters(text: str) -> list[str]:
    return [f"letter {letter}" for letter in text]


def _any_letters(rng: np.random.Generator) -> tuple[list[str], tuple[str, ...]]:
    return _letters("".join(_some(rng, tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 4))), ()


def _letters_with(group: frozenset[str]) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[list[str], tuple[str, ...]]:
        rest = tuple(sorted(set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - group))
        names = _some(rng, tuple(sorted(group)), 2) + _some(rng, rest, 2)
        return _letters("".join(names)), ()

    return draw


def _letters_before(rng: np.random.Generator) -> tuple[list[str], tuple[str, ...]]:
    names = _some(rng, tuple("ABC"), 2) + _some(rng, tuple("DEFGHIJKLMNOPQRSTUVWXYZ"), 2)
    return _letters("".join(names)), ("D",)


def _letters_of(words: tuple[str, ...], *, is_said: bool) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[list[str], tuple[str, ...]]:
        word = _some(rng, words, 1)[0]
        return _letters(word), (word,) if is_said else ()

    return draw


def _blocks(rng: np.random.Generator) -> tuple[list[str], tuple[str, ...]]:
    return _some(rng, BLOCKS, 3) + _some(rng, BOWLS, int(rng.integers(1, 3))), ()


def _blocks_and_bowls(rng: np.random.Generator) -> tuple[list[str], tuple[str, ...]]:
    colours = _some(rng, tuple(COLOURS), 3)
    return [f"{c} {kind}" for c in colours for kind in ("block", "bowl")], ()


def _to_corner(rng: np.random.Generator) -> tuple[list[str], tuple[str, ...]]:
    names, _ = _blocks(rng)
    return names, (_some(rng, CORNERS, 1)[0],)


def _colours_to(colours: tuple[str, ...], places: tuple[str, ...]) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[list[str], tuple[str, ...]]:
        rest = tuple(sorted(set(COLOURS) - set(colours)))
        names = _some(rng, colours, 2) + _some(rng, rest, 2)
        blocks = [f"{colour} block" for colour in names]
        return blocks + _some(rng, BOWLS, 1), (_some(rng, places, 1)[0],)

    return draw


def _packing(wanted: tuple[str, ...], others: tuple[str, ...]) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[list[str], tuple[str, ...]]:
        names = _some(rng, wanted, 2) + _some(rng, others, 1)
        return [*names, str(rng.choice(("knife", "red candle"))), *BOXES], ()

    return draw


TEMPLATES: Final[dict[str, Template]] = {
    template.name: template
    for template in (
        Template("alphabetical", "letters", True, "letters",
                 "put the letters on the squares in alphabetical order", _any_letters),
        Template("spell_word", "letters", True, "letters",
                 "spell {0} on the squares", _letters_of(WORDS, is_said=True)),
        Template("vowels", "letters", True, "letters",
                 "put the vowels on the tray", _letters_with(VOWELS)),
        Template("reverse_alphabetical", "letters", False, "letters",
                 "put the letters on the squares in reverse alphabetical order", _any_letters),
        Template("spell_sport", "letters", False, "letters",
                 "spell a sport on the squares", _letters_of(SPORTS, is_said=False)),
        Template("symmetric", "letters", False, "letters",
                 "put the letters that look the same in a mirror on the tray",
                 _letters_with(SYMMETRIC)),
        Template("consonants", "letters", False, "letters",
                 "put the consonants on the tray", _letters_with(VOWELS)),
        Template("letters_before", "letters", False, "letters",
                 "put the letters before {0} on the tray", _letters_before),
        Template("stack_all", "blocks", True, "blocks", "stack all the blocks", _blocks),
        Template("one_corner", "blocks", True, "corners",
                 "put all the blocks in the {0}", _to_corner),
        Template("matching", "blocks", True, "blocks",
                 "put the blocks in the bowls of the same colour", _blocks_and_bowls),
        Template("mismatched", "blocks", False, "blocks",
                 "put the blocks in bowls of a different colour", _blocks_and_bowls),
        Template("different_corners", "blocks", False, "corners",
                 "put the blocks in different corners", _blocks),
        Template("cool", "blocks", False, "corners",
                 "put the blocks of cool colours in the {0}", _colours_to(COOL, CORNERS)),
        Template("warm", "blocks", False, "corners",
                 "put the blocks of warm colours in the {0}", _colours_to(WARM, CORNERS)),
        Template("primary_left", "blocks", False, "corners",
                 "put the blocks of primary colours on the {0}",
                 _colours_to(PRIMARY, ("left side",))),
        Template("brown_box", "boxes", True, "boxes",
                 "put the food in the brown box", _packing(FOOD, ("sponge", "soap", "stapler"))),
        Template("any_boxes", "boxes", True, "boxes",
                 "put everything in boxes", _packing(FOOD, ("sponge", "soap", "stapler"))),
        Template("snacks_right", "boxes", True, "boxes",
                 "put the snacks on the right side", _packing(SNACKS, FRUIT)),
        Template("picnic", "boxes", True, "boxes",
                 "pack the food and drinks for a picnic in the blue box",
                 _packing((*FRUIT, *DRINKS), ("sponge", "soap", "stapler"))),
    )
}  # fmt: skip
"""By name, in the order of the paper's table."""


def find_template(name: str) -> Template:
    """The template with this name.

    Raises:
        UnknownNameError: no such template.
    """
    if name not in TEMPLATES:
        raise UnknownNameError.of("kind of task", name, TEMPLATES)
    return TEMPLATES[name]


def sample(name: str, seed: int, *, reliability: float = 1.0) -> tuple[Tabletop, Task]:
    """A first scene and its task.

    Args:
        name: of the template.
        seed: the same seed gives the same scene.
        reliability: how often the hand succeeds, 0 to 1.

    Raises:
        UnknownNameError: no such template.
    """
    template = find_template(name)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    names, arguments = template.draw(rng)
    if template.domain != "letters":
        names += _distractors(rng, template, names)
    names = _some(rng, tuple(names), len(names))  # their order gives nothing away
    task = Task(name, template.instruction.format(*arguments), arguments)
    return Tabletop(template.domain, scatter(names, rng), reliability), task


def _distractors(rng: np.random.Generator, template: Template, names: list[str]) -> list[str]:
    """One to three things that the task does not need, which ``draw`` may have given already."""
    pool = {"boxes": OTHERS[1:4]}.get(template.domain, BOWLS)
    free = tuple(name for name in pool if name not in names)
    given = {"stack_all": 1, "one_corner": 1, "matching": 0, "mismatched": 0}
    wanted = int(rng.integers(1, 4)) - given.get(template.name, 1)
    return _some(rng, free, max(0, wanted))


def scatter(names: list[str], rng: np.random.Generator) -> tuple[Thing, ...]:
    """Things at random places of the table's middle, ``SPACING`` apart where there is room.

    Raises:
        InputError: more than 100 things.
    """
    if len(names) > 100:
        raise InputError(f"The scene has {len(names)} things; at most 100 are allowed.")
    spacing = SPACING if len(names) <= 12 else 0.5 * (0.6 * 0.5 / len(names)) ** 0.5
    placed: list[np.ndarray] = []
    for _ in range(_TRIES):
        if len(placed) == len(names):
            break
        point = rng.uniform((0.18, 0.24), (0.82, 0.78))
        if all(np.hypot(*(point - other)) >= spacing for other in placed):
            placed.append(point)
    else:  # no room left: the rest stands where it falls
        placed += list(rng.uniform((0.18, 0.24), (0.82, 0.78), (len(names) - len(placed), 2)))
    return tuple(
        Thing(name, round(float(x), 4), round(float(y), 4))
        for name, (x, y) in zip(names, placed, strict=True)
    )
