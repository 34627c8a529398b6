"""Which waiting requests are computed together; knows sizes and waiting times, never models.

The padded cost of a batch is its largest cost times its number of items, for that is what the
device computes once the shorter ones are padded to the longest.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Size:
    """What batching knows of a request.

    Args:
        group: requests of different groups never share a batch.
        cost: what it adds, in the operation's unit.
        max_batch_cost: most padded cost a batch of its group may have.
        max_batch_items: most requests a batch of its group may have.
        waiting_since: when it came, on the monotonic clock.
    """

    group: Hashable
    cost: int
    max_batch_cost: int
    max_batch_items: int
    waiting_since: float


@dataclass(frozen=True, slots=True)
class Formed(Generic[E]):
    """A decision: a batch to compute now, or how long to wait for company; or neither."""

    batch: tuple[E, ...] = ()
    wait_s: float | None = None


def form(
    order: Sequence[E],
    size_of: Callable[[E], Size],
    *,
    now: float,
    wait_s: float,
) -> Formed[E]:
    """Form the next batch.

    The first entry in the order of service is always in it, whatever it costs; others of its
    group follow in the order of service as long as they fit. One that does not fit is passed
    over, and stays where it is in the order. A batch that is not full waits for company until
    its first entry has waited ``wait_s``; one that could never grow does not wait.

    Args:
        order: what may be computed now, in the order of service.
        size_of: size of an entry.
        now: time on the monotonic clock, in seconds.
        wait_s: longest wait for company, in seconds.
    """
    if not order:
        return Formed()
    head = size_of(order[0])
    batch, largest = [order[0]], head.cost
    for entry in order[1:]:
        if len(batch) >= head.max_batch_items:
            break
        size = size_of(entry)
        padded = max(largest, size.cost) * (len(batch) + 1)
        if size.group == head.group and padded <= head.max_batch_cost:
            batch.append(entry)
            largest = max(largest, size.cost)
    has_room = len(batch) < head.max_batch_items and (
        largest * (len(batch) + 1) <= head.max_batch_cost
    )
    left_s = head.waiting_since + wait_s - now
    if has_room and left_s > 0:
        return Formed(wait_s=left_s)
    return Formed(batch=tuple(batch))
