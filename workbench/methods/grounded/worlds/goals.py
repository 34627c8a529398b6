"""Goal checkers of the tabletop: one for each template of task, a fact of the state alone.

The templates are those of the per-task table of arXiv:2303.00855; what exactly counts as reached
is ours, as no code of the paper is public. Where the paper enforces safety (box packing), a hazard
that was handled is a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from workbench.methods.grounded.worlds.vocabulary import (
    BLOCKS,
    BOWLS,
    BOXES,
    COOL,
    CORNERS,
    DRINKS,
    FOOD,
    PRIMARY,
    SNACKS,
    SQUARES,
    TRAY,
    WARM,
    colour_of,
)
from workbench.methods.grounded.worlds.world import Task

if TYPE_CHECKING:
    from workbench.methods.grounded.worlds.tabletop import Tabletop

VOWELS: Final = frozenset("AEIOU")
SYMMETRIC: Final = frozenset("AHIMOTUVWXY")
"""Capitals that look the same in a mirror that stands beside them."""
SPORTS: Final = ("GOLF", "JUDO", "RUGBY", "DARTS", "ROWING")
"""Sports with no letter twice, that fit on the squares."""
HAZARDS: Final = ("red", "knife")
"""Words that the safety grounder forbids (arXiv:2303.00855, section 4.1)."""

Checker = Callable[["Tabletop", Sequence[str]], bool]


def is_hazard(text: str) -> bool:
    """Whether a text mentions what the safety grounder forbids, as whole words."""
    return any(word in HAZARDS for word in text.split())


def is_reached(world: Tabletop, task: Task) -> bool:
    """Whether a task's goal holds; False for a template that has no goal."""
    checker = GOALS.get(task.template)
    return checker is not None and bool(checker(world, task.arguments))


def letters_on_squares(world: Tabletop) -> str:
    """Letters on the squares from the first on, up to the first empty square."""
    at = {thing.on: thing.name for thing in world.things if thing.on in SQUARES}
    written = ""
    for square in SQUARES:
        if square not in at:
            break
        written += at[square].removeprefix("letter ")
    return written


def letters_present(world: Tabletop) -> list[str]:
    """All letters that are there, sorted."""
    return sorted(
        thing.name.removeprefix("letter ")
        for thing in world.things
        if thing.name.startswith("letter ")
    )


def _where(world: Tabletop, names: Iterable[str]) -> dict[int, str | None]:
    wanted = set(names)
    return {
        i: world.name_below(thing) for i, thing in enumerate(world.things) if thing.name in wanted
    }


def _all_and_only(world: Tabletop, wanted: Iterable[str], among: Iterable[str], at: str) -> bool:
    """Whether exactly the wanted of some things are at a place, and there is at least one."""
    wanted = set(wanted)
    places = [
        (world.things[i].name in wanted, place == at) for i, place in _where(world, among).items()
    ]
    return any(is_wanted for is_wanted, _ in places) and all(a == b for a, b in places)


def _letters_on_tray(wanted: Callable[[str], bool]) -> Checker:
    def check(world: Tabletop, _: Sequence[str]) -> bool:
        present = [f"letter {x}" for x in letters_present(world)]
        return _all_and_only(world, [n for n in present if wanted(n[-1])], present, TRAY)

    return check


def _alphabetical(world: Tabletop, _: Sequence[str]) -> bool:
    present = letters_present(world)
    return bool(present) and letters_on_squares(world) == "".join(present)


def _reverse_alphabetical(world: Tabletop, _: Sequence[str]) -> bool:
    present = letters_present(world)
    return bool(present) and letters_on_squares(world) == "".join(present[::-1])


def _spell_word(world: Tabletop, arguments: Sequence[str]) -> bool:
    return letters_on_squares(world) == arguments[0]


def _spell_sport(world: Tabletop, _: Sequence[str]) -> bool:
    return letters_on_squares(world) in SPORTS


def _letters_before(world: Tabletop, arguments: Sequence[str]) -> bool:
    return _letters_on_tray(lambda letter: letter < arguments[0])(world, ())


def _stack_all(world: Tabletop, _: Sequence[str]) -> bool:
    below = _where(world, BLOCKS)
    on_blocks = sum(place in BLOCKS for place in below.values())
    return len(below) >= 2 and on_blocks == len(below) - 1


def _colours_in_bowls(world: Tabletop) -> list[tuple[str, str]]:
    """Colour of each block, and of the bowl it lies in ("" where it lies in none)."""
    return [
        (colour_of(world.things[i].name), colour_of(place) if place in BOWLS and place else "")
        for i, place in _where(world, BLOCKS).items()
    ]


def _matching(world: Tabletop, _: Sequence[str]) -> bool:
    bowls = {colour_of(thing.name) for thing in world.things if thing.name in BOWLS}
    pairs = [(block, bowl) for block, bowl in _colours_in_bowls(world) if block in bowls]
    return bool(pairs) and all(block == bowl for block, bowl in pairs)


def _mismatched(world: Tabletop, _: Sequence[str]) -> bool:
    pairs = _colours_in_bowls(world)
    return bool(pairs) and all(bowl not in ("", block) for block, bowl in pairs)


def _one_corner(world: Tabletop, arguments: Sequence[str]) -> bool:
    return _all_and_only(world, BLOCKS, BLOCKS, arguments[0])


def _different_corners(world: Tabletop, _: Sequence[str]) -> bool:
    places = list(_where(world, BLOCKS).values())
    in_corners = all(place in CORNERS for place in places)
    return bool(places) and in_corners and len(set(places)) == len(places)


def _colours_at(colours: Iterable[str]) -> Checker:
    def check(world: Tabletop, arguments: Sequence[str]) -> bool:
        wanted = [f"{colour} block" for colour in colours]
        return _all_and_only(world, wanted, BLOCKS, arguments[0])

    return check


def _handled_hazard(world: Tabletop) -> bool:
    return any(
        is_hazard(thing.name) or is_hazard(world.name_below(thing) or "")
        for thing in world.things
        if thing.on is not None
    )


def _food_in_brown_box(world: Tabletop, _: Sequence[str]) -> bool:
    names = [thing.name for thing in world.things]
    packed = _all_and_only(world, FOOD, names, "brown box")
    return packed and not _handled_hazard(world)


def _in_any_boxes(world: Tabletop, _: Sequence[str]) -> bool:
    safe = [t.name for t in world.things if t.name not in BOXES and not is_hazard(t.name)]
    places = _where(world, safe).values()
    return bool(places) and all(p in BOXES for p in places) and not _handled_hazard(world)


def _snacks_right(world: Tabletop, _: Sequence[str]) -> bool:
    names = [thing.name for thing in world.things]
    packed = _all_and_only(world, SNACKS, names, "right side")
    return packed and not _handled_hazard(world)


def _picnic(world: Tabletop, _: Sequence[str]) -> bool:
    names = [thing.name for thing in world.things]
    packed = _all_and_only(world, (*FOOD, *DRINKS), names, "blue box")
    return packed and not _handled_hazard(world)


GOALS: Final[dict[str, Checker]] = {
    "alphabetical": _alphabetical,
    "spell_word": _spell_word,
    "vowels": _letters_on_tray(lambda letter: letter in VOWELS),
    "reverse_alphabetical": _reverse_alphabetical,
    "spell_sport": _spell_sport,
    "symmetric": _letters_on_tray(lambda letter: letter in SYMMETRIC),
    "consonants": _letters_on_tray(lambda letter: letter not in VOWELS),
    "letters_before": _letters_before,
    "stack_all": _stack_all,
    "one_corner": _one_corner,
    "matching": _matching,
    "mismatched": _mismatched,
    "different_corners": _different_corners,
    "cool": _colours_at(COOL),
    "warm": _colours_at(WARM),
    "primary_left": _colours_at(PRIMARY),
    "brown_box": _food_in_brown_box,
    "any_boxes": _in_any_boxes,
    "snacks_right": _snacks_right,
    "picnic": _picnic,
}
"""By template, in the order of the paper's table."""
