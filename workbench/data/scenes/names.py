"""What the things of a scene are called: singular, plural, and the category they belong to."""

from __future__ import annotations

import functools

from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.streams import stream
from workbench.errors import InputError

FIRST_NAMES = (
    "lemon",
    "banana",
    "grapes",
    "strawberry",
    "pineapple",
    "carrot",
    "dog",
    "rabbit",
    "panda",
    "cow",
    "penguin",
    "car",
    "bus",
    "bicycle",
    "rocket",
    "sailing boat",
)
"""The classes of the small scenes: kinds that look alike and kinds that do not."""

_CATEGORY_OF_SUBGROUP = {
    "fruit": "fruit",
    "vegetable": "vegetable",
    "face": "animal",
    "mammal": "animal",
    "wing-and-water": "animal",
    "road": "vehicle",
}
_OTHER_VEHICLES = ("aeroplane", "helicopter", "rocket", "sailing boat", "ship")
_ALREADY_PLURAL = ("grapes", "cherries", "scissors")
_PLURALS = {
    "mouse": "mice",
    "potato": "potatoes",
    "sheep": "sheep",
    "fish": "fish",
    **{name: name for name in _ALREADY_PLURAL},
}
_HISSING = ("s", "x", "ch", "sh")


@functools.cache
def class_names(count: int) -> tuple[str, ...]:
    """The first classes of the scenes: sixteen chosen ones, then the others in a fixed order.

    Args:
        count: how many, from 1 to all the drawings there are.

    Raises:
        InputError: no or too many classes.
    """
    known = [one.name for one in emoji_classes()]
    if not 1 <= count <= len(known):
        raise InputError(f"Scenes of {count} classes; choose 1 to {len(known)}.")
    others = [name for name in known if name not in FIRST_NAMES]
    order = stream("scenes", "order of classes").permutation(len(others))
    return (*FIRST_NAMES, *(others[place] for place in order))[:count]


@functools.cache
def drawing_of(name: str) -> int:
    """Row of a class in the sheet of drawings."""
    return [one.name for one in emoji_classes()].index(name)


@functools.cache
def category_of(name: str) -> str:
    """The word "fruit", "vegetable", "animal" or "vehicle"; empty for anything else."""
    if name in _OTHER_VEHICLES:
        return "vehicle"
    subgroup = emoji_classes()[drawing_of(name)].subgroup
    return _CATEGORY_OF_SUBGROUP.get(subgroup, "")


def plural(name: str) -> str:
    """More than one of it: "buses", "strawberries", "sailing boats"."""
    *first, last = name.split()
    if last in _PLURALS:
        changed = _PLURALS[last]
    elif last.endswith(_HISSING):
        changed = f"{last}es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        changed = f"{last[:-1]}ies"
    else:
        changed = f"{last}s"
    return " ".join([*first, changed])


def with_article(name: str) -> str:
    """One of it: "a dog", "an owl", "grapes"."""
    if name in _ALREADY_PLURAL:
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
