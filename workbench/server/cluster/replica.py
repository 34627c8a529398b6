"""One engine in a process of its own somewhere on the cluster, asked through Ray Serve."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from typing import Any

from ray import serve

from workbench.errors import WorkbenchError
from workbench.server import bodies, wire
from workbench.server.api import Result
from workbench.server.bugs import report_bug
from workbench.server.cluster.messages import Message, pack_error
from workbench.server.jobs import HeldJob, JobBook, ServedClient

MEASUREMENTS_KEPT = 10_000
FINISHED_KEPT_S = 4.0
"""An answer is given once, right when it is there; it need not be kept for asking again."""


class EngineReplica:
    """Answers requests with an engine of its own; a class for Ray Serve to deploy.

    Args:
        build: makes the engine.
        open_limit: requests that may be unfinished here at once.
    """

    def __init__(self, build: Callable[[], ServedClient], open_limit: int) -> None:
        self._name = serve.get_replica_context().replica_id.unique_id
        self._engine = build()
        self._book = JobBook(
            self._engine, bodies.encode_event, open_limit=open_limit, keep_s=FINISHED_KEPT_S
        )
        self._opening: asyncio.Task[None] | None = None
        self._is_open = asyncio.Event()
        self._measured = 0
        self._measurements: deque[tuple[int, str, str, float]] = deque(maxlen=MEASUREMENTS_KEPT)
        self._engine.observe(self._note)

    async def ask(self, body: bytes, user: str, trace: str) -> AsyncIterator[Message]:
        """Yield what becomes of a request; whoever stops listening leaves it.

        Args:
            body: the request as ``wire.pack_request`` writes it.
            user: who asks.
            trace: the run it belongs to.
        """
        await self._open_book()
        try:
            held = await self._book.submit(
                lambda: bodies.parse_request(body, wire.MEDIA_TYPE, user=user, trace=trace),
                wire.pack_result,
                is_followed=True,
            )
        except Exception as error:  # noqa: BLE001  logged here, told under a reference
            refusal = error if isinstance(error, WorkbenchError) else report_bug(error)
            yield "refused", pack_error(refusal)
            return
        if isinstance(held, bytes):
            yield "result", held
            return
        try:
            yield "accepted", b""
            async for _, _, text in held.follow():
                yield "event", text.encode()
            yield await self._outcome(held)
        finally:
            if held.outcome is None:
                await self._book.cancel(held)

    async def describe(self, seen: Mapping[str, int]) -> dict[str, Any]:
        """What this replica does now.

        Args:
            seen: by name of a replica, the number of the last measurement that was told.
        """
        status = await asyncio.to_thread(self._engine.status)
        after = seen.get(self._name, 0)
        return {
            "replica": self._name,
            "host": socket.gethostname(),
            "status": bodies.status_as_dict(status),
            "measurements": [item for item in tuple(self._measurements) if item[0] > after],
        }

    async def models(self) -> list[dict[str, Any]]:
        """The catalogue of models as it is here."""
        return [asdict(entry) for entry in await asyncio.to_thread(self._engine.models)]

    def __del__(self) -> None:
        # Ray Serve calls this when the replica is stopped in order
        if hasattr(self, "_engine"):
            self._engine.close()

    async def _outcome(self, held: HeldJob) -> Message:
        outcome = await held.wait()
        if not isinstance(outcome, Result):
            return "failed", pack_error(outcome)
        return "result", await self._book.in_thread(lambda: wire.pack_result(outcome))

    async def _open_book(self) -> None:
        if self._opening is None:
            self._opening = asyncio.create_task(self._keep_book_open())
        await self._is_open.wait()

    async def _keep_book_open(self) -> None:
        async with self._book.open():
            self._is_open.set()
            await asyncio.Event().wait()

    def _note(self, measure: str, name: str, value: float) -> None:
        self._measured += 1
        self._measurements.append((self._measured, measure, name, value))
