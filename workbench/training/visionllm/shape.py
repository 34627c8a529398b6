"""How large the network is and which words and tokens it knows."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, Literal

from workbench.errors import InputError, UnknownNameError

PADDING, BEGIN, END = "<pad>", "<bos>", "<eos>"
ClassHead = Literal["pointer", "strict"]


@dataclasses.dataclass(frozen=True)
class Shape:
    """Sizes of a network.

    Args:
        words: every word it reads and writes, signs first.
        class_head: "strict" scores class tokens as the paper's language model does; "pointer"
            scores the prompt's own entries, which makes the order of the dictionary meaningless
            by construction.
        side_px: of the picture it sees.
        channels, strides: of the convolutions; the last channels are the width.
        heads, feed_forward: of every layer.
        text_layers, encoder_layers, query_layers, decoder_layers: how many of each.
        tokens: M, image tokens.
        reach: R, the largest location token.
        class_tokens: how many <cj> there are.
        text_tokens: the longest text it reads or writes, in words.
    """

    words: tuple[str, ...]
    class_head: ClassHead = "pointer"
    side_px: int = 64
    channels: tuple[int, ...] = (24, 48, 64, 96, 96)
    strides: tuple[int, ...] = (2, 2, 1, 2, 1)
    heads: int = 4
    feed_forward: int = 192
    text_layers: int = 2
    encoder_layers: int = 1
    query_layers: int = 2
    decoder_layers: int = 2
    tokens: int = 8
    reach: int = 64
    class_tokens: int = 16
    text_tokens: int = 24

    @property
    def width(self) -> int:
        """Features of every layer, d."""
        return self.channels[-1]

    @property
    def locations(self) -> int:
        """Location tokens, 2R + 1."""
        return 2 * self.reach + 1

    @property
    def grid(self) -> int:
        """Cells of the picture's grid along a side."""
        side = self.side_px
        for stride in self.strides:
            side = -(-side // stride)
        return side

    def as_json(self) -> dict[str, Any]:
        """As ``from_json`` reads it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Shape:
        """Read ``as_json`` back."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in fields.items()
        }
        return cls(**plain)


def vocabulary(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words with the signs before them; padding is 0."""
    return (PADDING, BEGIN, END, *words)


def number_words(text: str, words: tuple[str, ...], limit: int) -> list[int]:
    """Numbers of a text's words.

    Args:
        text: words with spaces between them, signs as words.
        words: of the network.
        limit: the most words.

    Raises:
        UnknownNameError: a word the network has never seen; lists those that it knows.
        InputError: no or too many words.
    """
    known = {word: number for number, word in enumerate(words)}
    parts = text.lower().replace("?", " ").split()
    if not 1 <= len(parts) <= limit:
        raise InputError(f"{text[:60]!r} has {len(parts)} words; give 1 to {limit}.")
    for part in parts:
        if part not in known or part in (PADDING, BEGIN, END):
            near = difflib.get_close_matches(part, words[3:], n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            seen = ", ".join(word for word in words[3:] if word.isalpha())
            raise UnknownNameError(
                f"No word called {part[:80]!r}.{hint} This network has seen these words alone: "
                f"{seen}."
            )
    return [known[part] for part in parts]
