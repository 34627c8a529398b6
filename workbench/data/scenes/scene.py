"""A scene: a picture of one to four drawn things, and where each is.

Every scene is drawn from a stream of random numbers with its own name, so the stream of training
scenes never ends, test sets are fixed, and neither sees a scene of the other.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.data.emoji.streams import stream
from workbench.data.scenes.contours import edge_contour, radial_contour
from workbench.data.scenes.drawings import drawing
from workbench.data.scenes.names import category_of, class_names

LARGEST_OVERLAP = 0.2
"""Two boxes share less than this part of the smaller one."""
_TRIES = 10
_BACKGROUND_WEIGHT = 0.8
"""Share of the plain colour in a background; the rest is grey noise."""


@dataclass(frozen=True)
class Thing:
    """One thing of a scene, as it was drawn, also where another lies in front of it.

    Args:
        label: number of its class in the world.
        name: of its class.
        size_px: side of the square it was drawn in.
        left_px, top_px: corner of that square.
        side_px: side of the scene.
    """

    label: int
    name: str
    size_px: int
    left_px: int
    top_px: int
    side_px: int

    @property
    def category(self) -> str:
        """The word "fruit", "vegetable", "animal" or "vehicle", or empty."""
        return category_of(self.name)

    @property
    def edges_px(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom edge of its mask in pixels."""
        left, top, right, bottom = drawing(self.name, self.size_px).box
        x, y = self.left_px, self.top_px
        return (left + x, top + y, right + x, bottom + y)

    @property
    def box(self) -> np.ndarray:
        """Left, top, right and bottom of its mask, ``(4,)`` float64 in fractions of the side."""
        return np.array(self.edges_px, dtype=np.float64) / self.side_px

    @property
    def centre(self) -> np.ndarray:
        """Centre of its box, ``(2,)``."""
        return (self.box[:2] + self.box[2:]) / 2

    @property
    def area(self) -> float:
        """Of its box, as a share of the scene."""
        left, top, right, bottom = self.box
        return float((right - left) * (bottom - top))

    @property
    def mask(self) -> np.ndarray:
        """``(side, side)`` bool."""
        whole = np.zeros((self.side_px, self.side_px), dtype=bool)
        down = slice(self.top_px, self.top_px + self.size_px)
        across = slice(self.left_px, self.left_px + self.size_px)
        whole[down, across] = drawing(self.name, self.size_px).mask
        return whole

    def contour(self, points: int, kind: str = "radial") -> np.ndarray:
        """N points around its mask, ``(N, 2)`` float64 in fractions of the side.

        Args:
            points: N.
            kind: "radial" or "edge" (``workbench.data.scenes.contours``).
        """
        own = _contour(self.name, self.size_px, points, kind)
        return (own + np.array([self.left_px, self.top_px])) / self.side_px


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and what is in it.

    Args:
        picture: ``(side, side, 3)`` uint8.
        things: in the order they were drawn; later ones lie in front.
    """

    picture: np.ndarray
    things: tuple[Thing, ...]

    @property
    def boxes(self) -> np.ndarray:
        """``(n, 4)`` float64 in fractions of the side."""
        return np.array([one.box for one in self.things])

    @property
    def labels(self) -> np.ndarray:
        """``(n,)`` int64."""
        return np.array([one.label for one in self.things], dtype=np.int64)


@dataclass(frozen=True)
class World:
    """The scenes there are.

    Args:
        classes: how many kinds of things.
        side_px: of a picture.
        most_things: in a scene.
        smallest, largest: side of the square a thing is drawn in, as a share of the scene's.
        seed: names the random numbers.
    """

    classes: int = 16
    side_px: int = 64
    most_things: int = 4
    smallest: float = 14 / 64
    largest: float = 30 / 64
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes, in the order of labels."""
        return class_names(self.classes)

    def scene(self, split: str, number: int) -> Scene:
        """One scene of a set.

        Args:
            split: name of the set, such as "train" or "test".
            number: from 0; there is no last one.
        """
        name = (self.classes, self.side_px, self.most_things, self.smallest, self.largest)
        return self.draw(stream("scene", *name, self.seed, split, number))

    def scenes(self, split: str, count: int, start: int = 0) -> Iterator[Scene]:
        """Some scenes of a set, in order."""
        return (self.scene(split, number) for number in range(start, start + count))

    def draw(self, generator: np.random.Generator) -> Scene:
        """A scene from a stream of random numbers: at least one thing, a random background."""
        picture = ground(generator, self.side_px)
        things: list[Thing] = []
        for _ in range(generator.integers(1, self.most_things + 1)):
            thing = self._place(generator, things)
            if thing is not None:
                things.append(thing)
                paint(picture, thing)
        return Scene((picture.clip(0, 1) * 255).round().astype(np.uint8), tuple(things))

    def _place(self, generator: np.random.Generator, others: list[Thing]) -> Thing | None:
        """A thing that hides little of the others, or nothing after some tries."""
        sizes = _sizes(self.side_px, self.smallest, self.largest)
        for _ in range(_TRIES):
            label = int(generator.integers(self.classes))
            size = sizes[generator.integers(len(sizes))]
            left, top = generator.integers(0, self.side_px - size + 1, 2).tolist()
            thing = Thing(label, self.names[label], size, left, top, self.side_px)
            if all(overlap(thing.edges_px, other.edges_px) < LARGEST_OVERLAP for other in others):
                return thing
        return None


def ground(generator: np.random.Generator, side_px: int) -> np.ndarray:
    """A plain random colour with grey noise, ``(side, side, 3)`` float32 in [0, 1]."""
    colour = generator.random(3, dtype=np.float32) * np.float32(_BACKGROUND_WEIGHT)
    noise = generator.random((side_px, side_px, 1), dtype=np.float32)
    return colour + np.float32(1 - _BACKGROUND_WEIGHT) * noise


def overlap(box: Sequence[float], other: Sequence[float]) -> float:
    """Shared area of two boxes (left, top, right, bottom) as a part of the smaller one."""
    width = max(0, min(box[2], other[2]) - max(box[0], other[0]))
    height = max(0, min(box[3], other[3]) - max(box[1], other[1]))
    areas = [(one[2] - one[0]) * (one[3] - one[1]) for one in (box, other)]
    return width * height / min(areas)


def paint(picture: np.ndarray, thing: Thing) -> None:
    """Draw a thing over what is there, ``(side, side, 3)`` float32 in [0, 1]."""
    own = drawing(thing.name, thing.size_px)
    down = slice(thing.top_px, thing.top_px + thing.size_px)
    across = slice(thing.left_px, thing.left_px + thing.size_px)
    picture[down, across] = own.colours + picture[down, across] * (1 - own.opacity)


def _sizes(side_px: int, smallest: float, largest: float) -> range:
    """Sides of drawings, every second pixel: few enough to be kept."""
    return range(round(smallest * side_px), round(largest * side_px) + 1, 2)


@functools.lru_cache(maxsize=1 << 14)
def _contour(name: str, size_px: int, points: int, kind: str) -> np.ndarray:
    make = {"radial": radial_contour, "edge": edge_contour}[kind]
    return make(drawing(name, size_px).mask, points)
