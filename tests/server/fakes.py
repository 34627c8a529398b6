"""A model source and operations without models, with gates that a test opens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench import errors
from workbench.errors import InputError, UnknownNameError, WorkbenchError
from workbench.server.api import ModelEntry, Request
from workbench.server.operation import Control, LoadedModel, Operation, Output, Prepared

MIB = 2**20
WAIT_S = 20.0
"""Longest time a test waits for something that must happen."""


@dataclass
class FakeModel:
    """A model that holds nothing."""

    kind: str = "fake"
    device: str = "cpu"
    dtype: str = "float32"
    memory_bytes: int = MIB
    is_closed: bool = False

    def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeSource:
    """Models by name and kind."""

    kinds: dict[str, str] = field(default_factory=lambda: {"tiny": "fake", "other": "strange"})
    loads: list[str] = field(default_factory=list)

    def kind(self, name: str) -> str:
        if name not in self.kinds:
            raise UnknownNameError.of("model", name, self.kinds)
        return self.kinds[name]

    def digest(self, name: str) -> str:
        return f"digest of {name}"

    def estimate_bytes(self, name: str, dtype: str) -> int:
        del name, dtype
        return MIB

    def load(
        self,
        name: str,
        *,
        device: str,
        dtype: str,
        progress: Callable[[float | None, str], None],
    ) -> LoadedModel:
        self.loads.append(name)
        progress(0.5, "half of it")
        return FakeModel(kind=self.kinds[name], device=device, dtype=dtype)

    def entries(self, resident: Iterable[str] = ()) -> tuple[ModelEntry, ...]:
        there = set(resident)
        return tuple(
            ModelEntry(
                name=name,
                kind=kind,
                summary="a model that holds nothing, for tests: é 漢",
                licence="none",
                source="fake:",
                state="ready",
                download_mib=0.0,
                memory_mib=1.0,
                resident=name in there,
                digest=self.digest(name),
            )
            for name, kind in self.kinds.items()
        )


class FakeOperations:
    """Operations that count their executions and wait at a gate when asked to.

    ``gate`` is closed at first; "fake.gated" waits for it, step by step, or for the file ``door``
    of its arguments, which another process may make. ``started`` is released once for each request
    that begins to wait there, ``stopped`` once for each that leaves.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.started = threading.Semaphore(0)
        self.stopped = threading.Semaphore(0)
        self.executions: list[str] = []
        self._lock = threading.Lock()

    def all(self) -> tuple[Operation, ...]:
        """Every operation."""
        return (
            self._operation("fake.echo", self._echo, max_batch_items=8),
            self._operation("fake.gated", self._gated),
            self._operation("fake.fail", self._fail),
            self._operation("fake.fill", self._fill),
            self._operation("fake.model", self._echo, kinds=frozenset({"fake"})),
        )

    def count(self, name: str) -> int:
        """How many requests of an operation were computed."""
        with self._lock:
            return self.executions.count(name)

    def wait_started(self, times: int = 1) -> None:
        """Wait until so many more requests wait at the gate."""
        for _ in range(times):
            assert self.started.acquire(timeout=WAIT_S), "the operation did not start"

    def wait_stopped(self) -> None:
        """Wait until one more request has left the gate."""
        assert self.stopped.acquire(timeout=WAIT_S), "the operation did not stop"

    def _operation(
        self,
        name: str,
        run: Callable[[Request, int, Control], Output | WorkbenchError],
        *,
        kinds: frozenset[str] = frozenset(),
        max_batch_items: int = 1,
    ) -> Operation:
        def run_batch(
            model: object, items: Sequence[Prepared], control: Control, device: str
        ) -> list[Output | WorkbenchError]:
            del model, device
            with self._lock:
                self.executions.extend([name] * len(items))
            return [run(item.arguments, index, control) for index, item in enumerate(items)]

        return Operation(
            name=name,
            version=1,
            kinds=kinds,
            prepare=_prepare,
            run=run_batch,
            max_batch_cost=max_batch_items,
            max_batch_items=max_batch_items,
            summary=f"For tests: {name}.",
        )

    def _echo(self, request: Request, item: int, control: Control) -> Output:
        del item, control
        return Output(arrays=dict(request.arrays), values={"arguments": dict(request.arguments)})

    def _fill(self, request: Request, item: int, control: Control) -> Output:
        del item, control
        count = int(str(request.arguments["count"]))
        return Output(arrays={"filled": np.arange(count, dtype=np.float32)})

    def _gated(self, request: Request, item: int, control: Control) -> Output:
        steps = int(str(request.arguments.get("partials", 0)))
        for step in range(steps):
            control.progress(item, step / steps, f"step {step}")
            control.partial(item, {"step": step}, {"curve": np.arange(step, dtype=np.float32)})
        door = request.arguments.get("door")
        self.started.release()
        try:
            while not self.gate.wait(0.01) and not (door and Path(str(door)).exists()):
                control.check()
        finally:
            self.stopped.release()
        return Output(values={"passed": request.arguments.get("name", "")})

    def _fail(self, request: Request, item: int, control: Control) -> WorkbenchError:
        del item, control
        name, message = str(request.arguments["error"]), str(request.arguments.get("message", ""))
        if name == "bug":
            raise ZeroDivisionError(message)
        return getattr(errors, name)(message)


def _prepare(request: Request) -> Prepared:
    if request.arguments.get("refuse"):
        raise InputError("The argument refuse is true; leave it out.")
    return Prepared(request)
