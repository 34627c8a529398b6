"""Several questions to the model server at the same time, for answers that do not need each other.

One after another each waits anew for its turn; asked together they wait once, and the server may
read some of them in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

MOST = 8
"""So many are under way at once."""


def ask_together(asks: Sequence[Callable[[], T]]) -> list[T]:
    """Do what each asks, at the same time; the answers in the order of the asks.

    Args:
        asks: each asks one thing and gives what came back.

    Raises:
        WorkbenchError: what the first of those that failed was refused with, once all have ended.
    """
    if not asks:
        return []
    with ThreadPoolExecutor(min(MOST, len(asks)), thread_name_prefix="asking") as pool:
        return [future.result() for future in [pool.submit(ask) for ask in asks]]
