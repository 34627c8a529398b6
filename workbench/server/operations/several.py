"""One request that holds several texts: told and left as one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.server.api import Json
from workbench.server.operation import Control

MAX_TEXTS = 64


class PartControl:
    """A control over the parts of one item: progress is of them all, and one part is shown.

    The part that is shown is the first that goes on, so that a text on the page only grows until
    it is finished and the next one takes its place.

    Args:
        control: of the batch.
        item: number of the request in its batch.
        parts: how many texts it holds.
        done: how many of them are finished already.
        of: how many there are in all; ``parts`` when 0.
    """

    def __init__(
        self, control: Control, item: int, parts: int, *, done: int = 0, of: int = 0
    ) -> None:
        self._control = control
        self._item = item
        self._done = done
        self._of = of or parts
        self._fractions = [0.0] * parts
        self._shown = -1

    def is_alive(self, item: int) -> bool:
        del item
        return self._control.is_alive(self._item)

    def check(self) -> None:
        self._control.check()

    def progress(self, item: int, fraction: float | None, text: str = "") -> None:
        del text
        before = self._fractions[item]
        self._fractions[item] = max(before, fraction or 0.0)
        finished = self._fractions[item] >= 1.0 > before
        if item != self._watched() and not finished:
            return  # one message a step is enough
        done = self._done + sum(one >= 1.0 for one in self._fractions)
        self._control.progress(
            self._item,
            (self._done + sum(self._fractions)) / self._of,
            f"{done} of {self._of} texts",
        )

    def partial(
        self,
        item: int,
        values: Mapping[str, Json] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        del arrays
        if item == self._watched():
            self._control.partial(self._item, values={**(values or {}), "part": self._done + item})

    def _watched(self) -> int:
        if self._shown < 0 or self._fractions[self._shown] >= 1.0:
            going = [number for number, one in enumerate(self._fractions) if one < 1.0]
            self._shown = going[0] if going else self._shown
        return self._shown
