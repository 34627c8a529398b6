"""What the emoji world holds: its classes, read from ``classes.toml``."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("classes.toml")
_VARIATION_SELECTOR = "\ufe0f"


@dataclass(frozen=True)
class EmojiClass:
    """One class.

    Args:
        name: what captions call it, in lower case.
        symbol: the emoji itself.
        group: its group, such as "food".
        subgroup: its subgroup, such as "fruit"; members look alike.
    """

    name: str
    symbol: str
    group: str
    subgroup: str

    @property
    def code(self) -> str:
        """Its code points as OpenMoji's file names write them, such as "1F34B"."""
        return "-".join(f"{ord(one):04X}" for one in self.symbol if one != _VARIATION_SELECTOR)


@functools.cache
def emoji_classes() -> tuple[EmojiClass, ...]:
    """Every class, in the order of labels, rows of the sprite sheet and columns of logits."""
    groups = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        EmojiClass(name, symbol, group, subgroup)
        for group, subgroups in groups.items()
        for subgroup, members in subgroups.items()
        for name, symbol in members.items()
    )
