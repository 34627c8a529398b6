"""Target tasks: which pictures of the emoji world a person has, by name.

The splits hold the same drawings: what differs is everything random about a picture, its place,
turn, background, hidden part and noise. Each split's stream of random numbers has a name of its
own, and so have the streams of pre-training, so no picture of one is a picture of another; but a
test picture of a fox shows the drawing of a fox that was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.domains import find_domain
from workbench.data.emoji.pictures import draw_pictures
from workbench.data.emoji.prior import long_tailed_counts
from workbench.data.emoji.sprites import sprites
from workbench.data.emoji.streams import stream

if TYPE_CHECKING:
    import torch

SPLITS = ("train", "estimate", "test")
TASK_ORDER = "target task"
"""Name of the order of ranks in long-tailed tasks: not the order of the captions."""
_DRAWN_AT_ONCE = 256


@dataclass(frozen=True)
class Task:
    """A labelled set of pictures, ordered by class.

    Args:
        domain: name of the domain.
        split: one of ``SPLITS``.
        per_class: mean number of pictures per class.
        tail: exponent of Zipf's law over the classes; 0 is balanced.
        seed: names the random numbers.
    """

    domain: str
    split: str
    per_class: int
    tail: float = 0.0
    seed: int = 0

    def counts(self) -> np.ndarray:
        """Pictures of each class: ``(k,)`` int64, at least 1."""
        return long_tailed_counts(len(emoji_classes()), self.per_class, self.tail, TASK_ORDER)

    def labels(self) -> np.ndarray:
        """Class of each picture: ``(n,)`` int64, ascending."""
        counts = self.counts()
        return np.repeat(np.arange(len(counts)), counts)

    def parts(self) -> int:
        """Number of parts that are drawn one by one, each with a stream of its own."""
        return -(-int(self.counts().sum()) // _DRAWN_AT_ONCE)

    def draw_part(self, part: int) -> torch.Tensor:
        """Pictures of one part: ``(up to 256, 3, s, s)`` uint8."""
        labels = self.labels()[part * _DRAWN_AT_ONCE : (part + 1) * _DRAWN_AT_ONCE]
        generator = stream(*self.stream_name(part))
        return draw_pictures(sprites(), labels, find_domain(self.domain), generator)

    def stream_name(self, part: int) -> tuple[str | int | float, ...]:
        """Name of the random numbers of one part."""
        tail = float(self.tail)  # 0 and 0.0 are one task
        return ("task", self.domain, self.split, self.per_class, tail, self.seed, part)

    def pick(self, places: list[int]) -> tuple[torch.Tensor, np.ndarray]:
        """Some pictures of the set.

        Args:
            places: m numbers from 0 to n - 1.

        Returns:
            ``(m, 3, s, s)`` uint8 pictures and ``(m,)`` labels.
        """
        import torch

        parts = {place // _DRAWN_AT_ONCE for place in places}
        drawn = {part: self.draw_part(part) for part in sorted(parts)}
        pictures = [drawn[place // _DRAWN_AT_ONCE][place % _DRAWN_AT_ONCE] for place in places]
        return torch.stack(pictures), self.labels()[places]
