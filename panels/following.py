"""What a study says of a text while a model is still writing it, and of a training as it goes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from panels.view import Offer
from workbench.server.api import Event, ModelClient


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be shown beside a growing text.

    Args:
        note: one line below it.
        offers: what it offers for some of the controls now, as a study's result does at its end.
    """

    note: str = ""
    offers: Mapping[str, Sequence[Offer]] = field(default_factory=dict)


Follow = Callable[[ModelClient, Any], Callable[[str, str], Remark]]
"""``follow(client, params)`` gives ``remark(label, text)``, called with a request's label and what
its model has written so far."""


class Follower:
    """Asks a study for its remarks, in a thread: counting words must not hold up the page."""

    def __init__(self, follow: Follow | None, client: ModelClient, params: Any) -> None:
        self._follow = follow
        self._client = client
        self._params = params
        self._remark: Callable[[str, str], Remark] | None = None

    async def remark(self, event: Event) -> dict[str, Any]:
        """What the page is told beside an event's text; nothing of other events."""
        text = event.values.get("text") if event.kind == "partial" else None
        if self._follow is None or not isinstance(text, str):
            return {}
        found = await asyncio.to_thread(self._ask, self._follow, event.label, text)
        offers = {name: [asdict(one) for one in some] for name, some in found.offers.items()}
        return {"note": found.note} | ({"offers": offers} if offers else {})

    def _ask(self, follow: Follow, label: str, text: str) -> Remark:
        if self._remark is None:
            self._remark = follow(self._client, self._params)
        return self._remark(label, text)


def written(event: Event) -> dict[str, Any]:
    """The text that a model has written so far, or the point that a training has come to.

    A partial result with an ``iteration`` is a point of some curves: its other numbers.
    """
    if event.kind != "partial":
        return {}
    values = event.values
    if isinstance(values.get("text"), str):
        return {"label": event.label, "written": values["text"]}
    iteration = values.get("iteration")
    if not _is_number(iteration):
        return {}
    seen = {n: v for n, v in values.items() if n != "iteration" and _is_number(v)}
    return {"label": event.label, "point": {"iteration": iteration, "seen": seen}}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
