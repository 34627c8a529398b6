"""A study's outcome as the browser fetches it: compressed JSON, named by its own digest."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from panels.snippet import snippet
from panels.view import Offer, View
from workbench.params import as_dict
from workbench.study import Gathered, Outcome, Study, conclude

ROUTE = "/workbench-results"

Offers = Mapping[str, Callable[[Any], Sequence[Offer]]]
"""Name of a parameter -> what a study's result offers for it."""


@dataclass(frozen=True, slots=True)
class Published:
    """Everything the page shows of an outcome.

    Args:
        address: of the body with the numbers.
        receipt: of the outcome.
        bodies: compressed bodies by address, that of the numbers last.
    """

    address: str
    receipt: Mapping[str, Any]
    bodies: Mapping[str, bytes]


def compute_and_publish(
    study: Study[Any, Any, Any],
    gathered: Gathered[Any, Any],
    views: Sequence[View],
    offers: Offers,
) -> Published:
    """Do the arithmetic on what was gathered, and draw it.

    Raises:
        WorkbenchError: what the method refused.
    """
    return publish(study, conclude(study, gathered), views, offers)


def publish(study: Study, outcome: Outcome, views: Sequence[View], offers: Offers) -> Published:
    """Draw an outcome.

    The first figure comes with the numbers; the others are fetched when they are shown.
    """
    bodies: dict[str, bytes] = {}

    def keep(body: object) -> str:
        address, packed = pack(as_json(body))
        bodies[address] = packed
        return address

    first, *others = (
        {"name": view.name, "title": view.title} | view.draw(outcome.result).payload()
        for view in views
    )
    figures = [first, *({"address": keep(figure)} for figure in others)]
    address = keep(
        {
            "study": study.slug,
            "title": study.title,
            "params": as_dict(outcome.params),
            "summary": dict(outcome.summary),
            "receipt": dict(outcome.receipt),
            "python": snippet(study, outcome.params),
            "figures": figures,
            "offers": {
                name: [asdict(each) for each in offer(outcome.result)]
                for name, offer in offers.items()
            },
        }
    )
    return Published(address, outcome.receipt, bodies)


def pack(body: bytes) -> tuple[str, bytes]:
    """The address of a body and its compressed bytes."""
    address = f"{ROUTE}/{hashlib.sha256(body).hexdigest()}.json"
    return address, gzip.compress(body, compresslevel=1, mtime=0)


def as_json(body: object) -> bytes:
    """A body as the browser reads it."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, default=_plain).encode()


def _plain(value: object) -> object:
    if hasattr(value, "item"):
        return value.item()  # type: ignore[union-attr]  # a NumPy scalar
    if hasattr(value, "items"):
        return dict(value)  # type: ignore[call-overload]  # a read-only mapping
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
