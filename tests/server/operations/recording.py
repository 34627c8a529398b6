"""A control that remembers what it was told, and a way to run an operation without an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.server.api import Json, Request
from workbench.server.operation import Operation, Output


class RecordingControl:
    """Everybody waits, unless told otherwise.

    Args:
        on_check: called at each step with the number of steps so far; may raise.
    """

    def __init__(self, on_check: Callable[[int], None] | None = None) -> None:
        self.left: set[int] = set()
        self.checks = 0
        self.progresses: list[tuple[int, float | None]] = []
        self.partials: list[tuple[int, Mapping[str, Json]]] = []
        self._on_check = on_check

    def is_alive(self, item: int) -> bool:
        return item not in self.left

    def check(self) -> None:
        self.checks += 1
        if self._on_check:
            self._on_check(self.checks)

    def progress(self, item: int, fraction: float | None, text: str = "") -> None:
        del text
        self.progresses.append((item, fraction))

    def partial(
        self,
        item: int,
        values: Mapping[str, Json] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        del arrays
        self.partials.append((item, values or {}))


def run_batch(
    operation: Operation,
    loaded: Any,
    requests: Sequence[Mapping[str, Any]],
    *,
    seeds: Sequence[int | None] | None = None,
    control: RecordingControl | None = None,
) -> list[Output | WorkbenchError]:
    """Prepare some requests and run them as one batch."""
    seeds = seeds or [None] * len(requests)
    items = [
        operation.prepare(Request(operation.name, loaded.name, arguments, seed=seed))
        for arguments, seed in zip(requests, seeds, strict=True)
    ]
    return list(operation.run(loaded, items, control or RecordingControl(), loaded.device))


def run_one(
    operation: Operation,
    loaded: Any,
    arguments: Mapping[str, Any],
    *,
    seed: int | None = None,
    control: RecordingControl | None = None,
) -> Output:
    """Run one request and give its output; its error is raised."""
    (outcome,) = run_batch(operation, loaded, [arguments], seeds=[seed], control=control)
    if isinstance(outcome, WorkbenchError):
        raise outcome
    return outcome
