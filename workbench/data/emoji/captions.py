"""What is written under the pictures of the emoji world."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.data.emoji.classes import EmojiClass

TEMPLATES = ("a drawing of a {}", "a picture with the {}", "a small {}", "an emoji of {}")
"""Each caption is a template, drawn with equal probability, and the name of a class. Nothing in
a picture tells which template its caption follows."""


def write_captions(classes: Sequence[EmojiClass]) -> list[list[str]]:
    """Every caption there is, ``[class][template]``."""
    return [[template.format(one.name) for template in TEMPLATES] for one in classes]


def vocabulary() -> tuple[str, ...]:
    """Every word of every caption, in alphabetical order."""
    from workbench.data.emoji.classes import emoji_classes

    captions = write_captions(emoji_classes())
    return tuple(sorted({word for row in captions for text in row for word in text.split()}))
