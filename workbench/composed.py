"""Parameters made of many parts, each written as one short text that fits in a link.

``Picks`` are numbers chosen one by one ("3 17 25"), ``Chips`` are short phrases in an order
("harbour; !new ferry"), a ``Board`` holds pieces put somewhere ("red block@0.20,0.35"). The page
draws a control of its own for each; shells and links use the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workbench.errors import InputError, UnknownNameError

LOCK = "!"
_PLACED = re.compile(r"(.+)@([01](?:\.\d+)?),([01](?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Picks:
    """Whole numbers chosen one by one, such as the rows of a table.

    Args:
        label: what stands above the control.
        highest: largest number that can be chosen; the smallest is 0.
        max_items: so many at most.
        help: one sentence under the control.
    """

    label: str
    highest: int
    max_items: int = 1_000
    help: str = ""

    def check(self, value: object) -> None:
        """Refuse a text that is not such a choice.

        Raises:
            InputError: with what is allowed.
        """
        words = _as_text(self, value).split()
        wrong = next((word for word in words if not re.fullmatch(r"\d{1,9}", word)), None)
        if wrong is None:
            wrong = next((word for word in words if int(word) > self.highest), None)
        if wrong is not None:
            raise InputError(
                f"{self.label} holds {wrong[:40]!r}; write whole numbers from 0 to {self.highest}, "
                "with spaces between them."
            )
        if len(words) > self.max_items:
            raise InputError(
                f"{self.label} has {len(words)} numbers; at most {self.max_items} may be chosen."
            )

    @property
    def allowed(self) -> str:
        """What may be chosen, in a few words."""
        return f"up to {self.max_items:,} whole numbers from 0 to {self.highest:,}"


def picked(value: str) -> tuple[int, ...]:
    """The numbers of a ``Picks`` value, sorted, each once."""
    return tuple(sorted({int(word) for word in value.split()}))


@dataclass(frozen=True, slots=True)
class Chip:
    """One phrase of a ``Chips`` value; a locked one is left alone by whatever changes the rest."""

    text: str
    is_locked: bool = False


@dataclass(frozen=True, slots=True)
class Chips:
    """Short phrases in an order, each to be dragged, locked or taken away.

    Args:
        label: what stands above the control.
        max_items: so many at most.
        max_chars: longest phrase allowed, in characters.
        help: one sentence under the control.
        can_lock: the page offers a lock for each; without, nothing changes phrases by itself.
    """

    label: str
    max_items: int = 24
    max_chars: int = 60
    help: str = ""
    can_lock: bool = True

    def check(self, value: object) -> None:
        """Refuse phrases that are too many or too long.

        Raises:
            InputError: with what is allowed.
        """
        found = chips(_as_text(self, value))
        if len(found) > self.max_items:
            raise InputError(
                f"{self.label} has {len(found)} phrases; at most {self.max_items} are allowed. "
                "Remove some."
            )
        longest = max((chip.text for chip in found), key=len, default="")
        if len(longest) > self.max_chars:
            raise InputError(
                f"{self.label} holds a phrase of {len(longest):,} characters; "
                f"at most {self.max_chars} are allowed."
            )

    @property
    def allowed(self) -> str:
        """What may be written, in a few words."""
        return f"up to {self.max_items} phrases with semicolons between them"


def chips(value: str) -> tuple[Chip, ...]:
    """The phrases of a ``Chips`` value in order; empty ones are passed over."""
    found: list[Chip] = []
    for part in value.split(";"):
        words = " ".join(part.split())
        text = words.removeprefix(LOCK).strip()
        if text:
            found.append(Chip(text, words.startswith(LOCK)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Piece:
    """What can be put on a ``Board``.

    Args:
        name: as the value writes it.
        colour: any colour of CSS.
        shape: how it is drawn.
        glyph: a letter or two in its middle.
    """

    name: str
    colour: str = "#8c8377"
    shape: str = "square"
    glyph: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece on a ``Board``: its name, and where its middle is on the unit square, y upward."""

    piece: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Board:
    """Pieces put on a unit square; a later one lies on top.

    Args:
        label: what stands above the control.
        pieces: what can be put there, each as often as wanted.
        max_items: so many at most.
        help: one sentence under the control.
    """

    label: str
    pieces: tuple[Piece, ...]
    max_items: int = 24
    help: str = ""

    def check(self, value: object) -> None:
        """Refuse a board with unknown pieces, pieces outside the square, or too many.

        Raises:
            InputError: with what is allowed.
        """
        found = placed(_as_text(self, value))
        if len(found) > self.max_items:
            raise InputError(
                f"{self.label} has {len(found)} pieces; at most {self.max_items} are allowed."
            )
        names = [piece.name for piece in self.pieces]
        for each in found:
            if each.piece not in names:
                raise UnknownNameError.of("piece", each.piece, names)
            if not (0 <= each.x <= 1 and 0 <= each.y <= 1):
                raise InputError(
                    f"{self.label}: {each.piece} stands at {each.x:g},{each.y:g}; "
                    "both numbers go from 0 to 1."
                )

    @property
    def allowed(self) -> str:
        """What may be written, in a few words."""
        return f'up to {self.max_items} pieces, such as "{self.pieces[0].name}@0.20,0.35; …"'


def placed(value: str) -> tuple[Placed, ...]:
    """The pieces of a ``Board`` value, the lowest first.

    Raises:
        InputError: a part that is not "name@x,y".
    """
    found: list[Placed] = []
    for part in filter(None, map(str.strip, value.split(";"))):
        match = _PLACED.fullmatch(part)
        if match is None:
            raise InputError(
                f'{part[:60]!r} is not a piece and its place; write "name@x,y", '
                "with numbers from 0 to 1."
            )
        found.append(Placed(match[1].strip(), float(match[2]), float(match[3])))
    return tuple(found)


Composed = Picks | Chips | Board


def _as_text(kind: Composed, value: object) -> str:
    if not isinstance(value, str):
        raise InputError(
            f"{kind.label} must be text, not {type(value).__name__}; write {kind.allowed}."
        )
    return value
