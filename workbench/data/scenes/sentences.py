"""What can be said about a scene: captions, questions with their answers, and expressions.

Every sentence is true by construction and every expression means exactly one thing: what is a
close call (two things nearly as large, nearly as far left) is not said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.data.scenes.names import category_of, plural, with_article
from workbench.data.scenes.scene import Scene, Thing

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MARGIN = 0.08
"""Of the scene's side: one thing is left of another when its centre is farther left by this."""
AREA_RATIO = 1.25
"""The largest thing is this much larger than the next."""
_NO_CHOICE = "the {}"
_DIRECTIONS = (("left", 0, 1), ("right", 0, -1), ("top", 1, 1), ("bottom", 1, -1))


@dataclass(frozen=True)
class Question:
    """A question about a scene.

    Args:
        text: in lower case, without the question mark.
        answer: one or two words.
        kind: "count", "presence", "beside" or "largest".
    """

    text: str
    answer: str
    kind: str


@dataclass(frozen=True)
class Expression:
    """Words that mean one thing of a scene.

    Args:
        text: such as "the left dog".
        thing: its place in the scene's things.
    """

    text: str
    thing: int


def write_caption(scene: Scene, *, is_long: bool = False) -> str:
    """What there is, from left to right.

    Args:
        scene: the scene.
        is_long: also say how many things there are and which is the largest, if one is.
    """
    order = sorted(scene.things, key=lambda one: one.centre[0])
    counts = Counter(one.name for one in order)
    parts = [
        with_article(name) if count == 1 else f"{NUMBERS[count]} {plural(name)}"
        for name, count in counts.items()
    ]
    short = parts[0] if len(parts) == 1 else f"{' , '.join(parts[:-1])} and {parts[-1]}"
    if not is_long:
        return short
    number = len(scene.things)
    sentence = f"{NUMBERS[number]} {'things' if number > 1 else 'thing'} : {short}"
    largest = _extreme(scene.things, largest=True)
    if number > 1 and largest is not None:
        return f"{sentence} . the largest is {with_article(scene.things[largest].name)}"
    return sentence


def ask(scene: Scene, names: Sequence[str], generator: np.random.Generator) -> Question:
    """A question of a random kind that this scene can answer.

    Args:
        scene: the scene.
        names: of the classes that can be asked for.
        generator: source of everything random.
    """
    kinds = generator.permutation(4)
    for kind in kinds:
        question = (_count, _presence, _beside, _largest)[kind](scene, names, generator)
        if question is not None:
            return question
    raise AssertionError("things can always be counted")


def express(scene: Scene) -> list[Expression]:
    """Every expression of the templates that means exactly one thing of a scene.

    "the dog" where there is one; "the left/right/top/bottom dog" and "the largest/smallest dog"
    where there are more; the same with the categories fruit, vegetable, animal and vehicle.
    """
    found: list[Expression] = []
    things = scene.things
    groups: dict[str, list[int]] = {}
    for place, thing in enumerate(things):
        for word in dict.fromkeys((thing.name, thing.category)):
            if word:
                groups.setdefault(word, []).append(place)
    for word, places in groups.items():
        if len(places) == 1:
            found.append(Expression(_NO_CHOICE.format(word), places[0]))
            continue
        members = [things[place] for place in places]
        for direction, axis, sign in _DIRECTIONS:
            first = _first(members, axis, sign)
            if first is not None:
                found.append(Expression(f"the {direction} {word}", places[first]))
        for size in ("largest", "smallest"):
            one = _extreme(members, largest=size == "largest")
            if one is not None:
                found.append(Expression(f"the {size} {word}", places[one]))
    return found


def sentence_words(names: Sequence[str]) -> tuple[str, ...]:
    """Every word that captions, questions, answers and expressions of these classes can hold."""
    texts = [*names, *(plural(name) for name in names), *(with_article(name) for name in names)]
    texts += [category_of(name) for name in names]
    texts += [*NUMBERS, "yes no , and : . the is a an of things thing how many are there"]
    texts += ["what left right top bottom largest smallest"]
    return tuple(sorted({word for text in texts for word in text.split()}))


def _count(scene: Scene, names: Sequence[str], generator: np.random.Generator) -> Question | None:
    if generator.random() < 0.25:
        return Question("how many things are there", NUMBERS[len(scene.things)], "count")
    there = sorted({one.name for one in scene.things})
    is_there = generator.random() < 0.8
    name = str(generator.choice(there if is_there else list(names)))
    number = sum(one.name == name for one in scene.things)
    return Question(f"how many {plural(name)} are there", NUMBERS[number], "count")


def _presence(
    scene: Scene, names: Sequence[str], generator: np.random.Generator
) -> Question | None:
    there = sorted({one.name for one in scene.things})
    absent = [name for name in names if name not in there]
    if not absent:
        return None
    answer = "yes" if generator.random() < 0.5 else "no"
    name = str(generator.choice(there if answer == "yes" else absent))
    return Question(f"is there {with_article(name)}", answer, "presence")


def _beside(scene: Scene, names: Sequence[str], generator: np.random.Generator) -> Question | None:
    """Ask what is left of the car: it is the only car, and one thing alone is left of it."""
    del names
    counts = Counter(one.name for one in scene.things)
    possible: list[Question] = []
    for anchor in scene.things:
        if counts[anchor.name] > 1:
            continue
        for direction, axis, sign in _DIRECTIONS[:2]:
            distances = [sign * (anchor.centre - one.centre)[axis] for one in scene.things]
            beside = [place for place, far in enumerate(distances) if far > 0]
            if len(beside) == 1 and distances[beside[0]] >= MARGIN:
                text = f"what is {direction} of the {anchor.name}"
                possible.append(Question(text, scene.things[beside[0]].name, "beside"))
    return possible[generator.integers(len(possible))] if possible else None


def _largest(scene: Scene, names: Sequence[str], generator: np.random.Generator) -> Question | None:
    del names, generator
    place = _extreme(scene.things, largest=True)
    if place is None:
        return None
    return Question("what is the largest thing", scene.things[place].name, "largest")


def _first(things: Sequence[Thing], axis: int, sign: int) -> int | None:
    """The thing farthest to one side, if it is so by a margin."""
    places = np.array([sign * one.centre[axis] for one in things])
    order = np.argsort(places)
    return int(order[0]) if places[order[1]] - places[order[0]] >= MARGIN else None


def _extreme(things: Sequence[Thing], *, largest: bool) -> int | None:
    """The largest or smallest thing, if it is so by a margin; one alone is neither."""
    if len(things) < 2:
        return None
    areas = np.array([one.area for one in things])
    order = np.argsort(-areas if largest else areas)
    first, second = areas[order[0]], areas[order[1]]
    ratio = first / second if largest else second / first
    return int(order[0]) if ratio >= AREA_RATIO else None
