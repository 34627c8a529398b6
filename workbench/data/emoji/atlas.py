"""Every emoji with a drawing: the whole of OpenMoji but skin tones, by name, group and subgroup.

The classes of the emoji world are some of these, called by their shorter names in captions and
drawn with the very same pixels. Names, groups and order are Unicode's (Emoji 17.0).
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.data.emoji.sprites import read_cells
from workbench.errors import UnknownNameError

ATLAS = Path(__file__).parents[3] / "assets" / "emoji" / "atlas.webp"
COLUMNS = 48
"""Drawings in a row of the sheet."""
_FILE = Path(__file__).with_name("atlas.csv")


@dataclass(frozen=True)
class Emoji:
    """One emoji.

    Args:
        name: Unicode's, in lower case but for proper names, such as "hot dog"; unique.
        symbol: the emoji itself.
        group: one of nine, such as "food-drink".
        subgroup: one of about a hundred, such as "food-fruit"; members look alike.
        code: name of its drawing in OpenMoji, such as "1F34B".
    """

    name: str
    symbol: str
    group: str
    subgroup: str
    code: str


@functools.cache
def atlas() -> tuple[Emoji, ...]:
    """Every emoji, in Unicode's order and that of the sheet."""
    with _FILE.open(encoding="utf-8", newline="") as rows:
        return tuple(Emoji(**row) for row in csv.DictReader(rows))


def find_emoji(name: str) -> int:
    """Place of an emoji in ``atlas()`` and ``read_atlas()`` by its name.

    Raises:
        UnknownNameError: no such emoji; names the nearest.
    """
    places = _places()
    if name not in places:
        raise UnknownNameError.of("emoji", name, places)
    return places[name]


@functools.cache
def read_atlas() -> np.ndarray:
    """Every drawing, in the order of ``atlas()``.

    Returns:
        ``(n, s, s, 4)`` uint8, red, green, blue and opacity; read-only, for it is shared.
    """
    drawings = read_cells(ATLAS, columns=COLUMNS, count=len(atlas()))
    drawings.flags.writeable = False
    return drawings


@functools.cache
def _places() -> dict[str, int]:
    return {one.name: place for place, one in enumerate(atlas())}
