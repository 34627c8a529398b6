"""Who is served next: a bounded queue that takes users in turn, and how long service takes.

Nothing here knows threads or clocks; the engine holds its lock around every call.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Generic, TypeVar

from workbench.errors import BusyError

E = TypeVar("E")


class FairQueue(Generic[E]):
    """Entries in the order of service: one entry of each user in turn, oldest first.

    An entry may belong to several users who wait for the same work; it is then served at the
    turn of whoever comes first. So a user with a hundred entries delays another by the entry in
    service and one more.

    Args:
        limit: entries that may wait.
        user_limit: entries one user may have started that wait.
    """

    def __init__(self, limit: int, user_limit: int) -> None:
        self.limit = limit
        self.user_limit = user_limit
        self._turns: OrderedDict[str, list[E]] = OrderedDict()
        self._owners: dict[E, set[str]] = {}
        self._starters: dict[E, str] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def __contains__(self, entry: E) -> bool:
        return entry in self._owners

    def check_room(self, user: str, retry_after_s: float) -> None:
        """Refuse another entry when the queue, or the user's share of it, is full.

        Raises:
            BusyError: says which limit and when to come back.
        """
        again = f"Try again in about {max(1, round(retry_after_s))} seconds."
        if len(self) >= self.limit:
            raise BusyError(
                f"The queue is full: {self.limit} requests are waiting. {again}",
                retry_after_s=retry_after_s,
            )
        started = sum(1 for starter in self._starters.values() if starter == user)
        if started >= self.user_limit:
            raise BusyError(
                f"You already have {self.user_limit} requests waiting, which is the most one "
                f"user may have. {again}",
                retry_after_s=retry_after_s,
            )

    def push(self, entry: E, users: Iterable[str]) -> None:
        """Add an entry at the end of its users' lines; the first user counts as its starter."""
        names = list(users)
        self._owners[entry] = set()
        self._starters[entry] = names[0]
        for user in names:
            self.share(entry, user)

    def share(self, entry: E, user: str) -> None:
        """Let one more user wait for an entry, at the end of that user's line."""
        if user not in self._owners[entry]:
            self._owners[entry].add(user)
            self._turns.setdefault(user, []).append(entry)

    def unshare(self, entry: E, user: str) -> None:
        """Take a user's interest in an entry away; others may still wait for it."""
        if entry in self._owners and user in self._owners[entry]:
            self._owners[entry].discard(user)
            self._drop_from_line(entry, user)
            if self._starters[entry] == user and self._owners[entry]:
                self._starters[entry] = min(self._owners[entry])

    def remove(self, entry: E) -> None:
        """Take an entry out, wherever it stands."""
        self._starters.pop(entry, None)
        for user in self._owners.pop(entry, set()):
            self._drop_from_line(entry, user)

    def serve(self, head: E, batch: Iterable[E]) -> None:
        """Take a batch out; the user whose turn it was goes to the end of the round.

        Entries that ride along in another's batch cost their users no turn.
        """
        user = next((name for name, line in self._turns.items() if head in line[:1]), None)
        if user is None:  # not at the front of any line: work before it cannot run yet
            user = next((name for name, line in self._turns.items() if head in line), None)
        for entry in batch:
            self.remove(entry)
        if user in self._turns:
            self._turns.move_to_end(user)

    def order(self) -> list[E]:
        """Every entry in the order of service, as it would be if nothing more came."""
        order: dict[E, None] = {}
        lines = list(self._turns.values())
        position = 0
        while lines:
            lines = [line for line in lines if position < len(line)]
            for line in lines:
                order.setdefault(line[position])
            position += 1
        return list(order)

    def _drop_from_line(self, entry: E, user: str) -> None:
        line = self._turns[user]
        line.remove(entry)
        if not line:
            del self._turns[user]


class ServiceTimes:
    """How long one request of each kind takes, as an exponentially weighted mean.

    Args:
        weight: of the newest measurement, in (0, 1].
    """

    def __init__(self, weight: float = 0.3) -> None:
        self._weight = weight
        self._means: dict[str, float] = {}

    def note(self, operation: str, seconds: float) -> None:
        """Add a measurement: seconds of service for one request."""
        old = self._means.get(operation, seconds)
        self._means[operation] = old + self._weight * (seconds - old)

    def seconds(self, operation: str) -> float | None:
        """The mean for one operation, or ``None`` before it was ever served."""
        return self._means.get(operation)

    def total(self, operations: Iterable[str]) -> float | None:
        """Seconds for several requests, or ``None`` when one of them was never served."""
        sum_s = 0.0
        for operation in operations:
            mean = self._means.get(operation)
            if mean is None:
                return None
            sum_s += mean
        return sum_s

    def retry_after_s(self, running: Iterable[str]) -> float:
        """When a place is likely to be free: at the end of one service, 1 to 60 seconds."""
        known = [self._means[name] for name in running if name in self._means]
        typical = known or list(self._means.values()) or [2.0]
        return min(60.0, max(1.0, sum(typical) / len(typical)))
