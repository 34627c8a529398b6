"""What is computed once for everybody who asks for the same, in the page's own process.

A class that opens one study asks thirty times for the same arithmetic and the same figures. The
model server has its own cache; here the work after it is shared, which is the page's.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from workbench.errors import WorkbenchError
from workbench.params import as_dict
from workbench.server.api import ModelClient, canonical_json, digest_json
from workbench.study import Gathered, Study, renew_receipt

KEPT = 2048
"""So many answers are known by their address; the store of results bounds their bytes. A class asks
for hundreds of its own within minutes, and what the tabs open with should outlast them.
"""
NAMED_S = 0.5
"""Thirty who click at the same moment ask the server once whether its answers changed; what another
page measured again is seen so much later.
"""


class SharedAnswers:
    """Addresses of answers by what they are the answer to; each is computed once at a time.

    Args:
        is_served: whether an address still answers.
        limit: how many are known.
    """

    def __init__(self, is_served: Callable[[str], bool], limit: int = KEPT) -> None:
        self._is_served = is_served
        self._limit = limit
        self._answers: dict[str, str] = {}
        self._locks: dict[str, tuple[threading.Lock, int]] = {}
        self._guard = threading.Lock()

    def known(self, key: str) -> str | None:
        """The address that is kept under a key, if it still answers."""
        found = self._answers.get(key)
        return found if found is not None and self._is_served(found) else None

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Nobody else is inside such a block of the same key."""
        with self._guard:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._locks.pop(key)
                if users > 1:
                    self._locks[key] = lock, users - 1

    def keep(self, key: str, address: str) -> None:
        """Know an address from now on; the oldest of too many is forgotten."""
        with self._guard:
            self._answers.pop(key, None)
            self._answers[key] = address
            while len(self._answers) > self._limit:
                self._answers.pop(next(iter(self._answers)))


class AnswersName:
    """How the model server names what it has cached (``Status.answers``); asked for once a moment.

    Args:
        client: the model server.
        clock: seconds.
    """

    def __init__(self, client: ModelClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._name = ""
        self._until = -math.inf

    def ask(self) -> str:
        """The name; empty where the server cannot say: it is away, or of another version."""
        with self._lock:
            if self._clock() >= self._until:
                try:
                    self._name = self._client.status().answers
                except WorkbenchError:
                    self._name = ""
                self._until = self._clock() + NAMED_S
            return self._name

    def forget(self) -> None:
        """Ask again next time: something was measured again."""
        with self._lock:
            self._until = -math.inf


class SharedWork:
    """Arithmetic and figures of runs that were given the very same answers of the model server.

    Args:
        is_served: whether an address still answers.
        renew: keeps the answer at an address again with another receipt, and gives its address;
            ``None`` when it was dropped.
    """

    def __init__(
        self, is_served: Callable[[str], bool], renew: Callable[[str, Any], str | None]
    ) -> None:
        self._answers = SharedAnswers(is_served)
        self._computed: OrderedDict[str, tuple[str, Any]] = OrderedDict()
        self._renew = renew

    def answer(
        self,
        study: Study[Any, Any, Any],
        gathered: Gathered[Any, Any],
        compute: Callable[[], tuple[str, Any]],
    ) -> str:
        """The address of the answer, whose receipt says where this run's answers came from.

        Runs whose answers came from the same places (from memory, say, shared with nobody) are
        given one address, so that what a class opens again and again takes no more memory.

        Args:
            study: what runs.
            gathered: what the model server answered.
            compute: gives the address and the receipt; called where nobody has computed it yet.
        """
        # short names: thousands are known, of hundreds of answers each
        key = digest_json([study.slug, study.version, gathered.identity])
        with self._answers.alone(key):
            from_where = digest_json([key, gathered.sources])
            if (known := self._answers.known(from_where)) is not None:
                return known
            address = None
            if (computed := self._computed.get(key)) is not None:
                first, receipt = computed
                address = self._renew(first, renew_receipt(receipt, gathered))
            if address is None:
                address, receipt = compute()
                # of hundreds of requests; a renewed receipt has its own
                rest = {name: value for name, value in receipt.items() if name != "requests"}
                self._computed[key] = address, rest
                while len(self._computed) > KEPT:
                    self._computed.popitem(last=False)
            self._answers.keep(from_where, address)
            return address


def key_of(study: Study[Any, Any, Any], params: Any) -> str:
    """What a study that asks the model server for nothing depends on."""
    return canonical_json([study.slug, study.version, as_dict(params)])
