"""A stage on which the engine plays: operations that stop at a curtain, models that are numbers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from workbench.errors import (
    AssetError,
    CancelledError,
    InputError,
    UnknownNameError,
    WorkbenchError,
)
from workbench.server.api import ModelEntry, Request
from workbench.server.operation import Control, Operation, Output, Prepared

MIB = 2**20
PATIENCE_S = 20.0
"""Longest time a test waits for what must happen."""


@dataclass
class StageModel:
    """A model that is only its size."""

    name: str
    device: str
    dtype: str
    memory_bytes: int
    closed: list[str]
    kind: str = "stage"

    def close(self) -> None:
        self.closed.append(self.name)


@dataclass
class StageSource:
    """Models of given sizes in MiB; loading stops at a gate when asked to."""

    mib: dict[str, int] = field(default_factory=lambda: {"small": 4, "large": 8, "huge": 64})
    kinds: dict[str, str] = field(default_factory=lambda: {"endpoint": "openai", "odd": "odd"})
    measured_mib: dict[str, int] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    loading: queue.Queue[str] = field(default_factory=queue.Queue)
    gate: threading.Event = field(default_factory=threading.Event)
    given_up: queue.Queue[str] = field(default_factory=queue.Queue)
    may_stop: threading.Event = field(default_factory=threading.Event)
    is_silent: bool = False
    version: int = 1

    def __post_init__(self) -> None:
        self.gate.set()
        self.may_stop.set()

    def kind(self, name: str) -> str:
        if name not in self.mib and name not in self.kinds:
            raise UnknownNameError.of("model", name, [*self.mib, *self.kinds])
        return self.kinds.get(name, "stage")

    def digest(self, name: str) -> str:
        return f"{name} {self.version}"

    def estimate_bytes(self, name: str, dtype: str) -> int:
        del dtype
        return self.mib.get(name, 1) * MIB

    def load(
        self, name: str, *, device: str, dtype: str, progress: Callable[[float | None, str], None]
    ) -> StageModel:
        self.loads.append(name)
        self.loading.put(name)
        while not self.gate.wait(0.005):
            if not self.is_silent:
                self._tell(name, progress)
        if name in self.errors:
            raise self.errors[name]
        size = self.measured_mib.get(name, self.mib.get(name, 0))
        where = "remote" if self.kinds.get(name) == "openai" else device
        return StageModel(name, where, dtype, size * MIB, self.closed)

    def _tell(self, name: str, progress: Callable[[float | None, str], None]) -> None:
        try:
            progress(0.5, "half of it")
        except CancelledError:
            self.given_up.put(name)
            assert self.may_stop.wait(PATIENCE_S)
            raise

    def entries(self, resident: Iterable[str] = ()) -> tuple[ModelEntry, ...]:
        there = set(resident)
        return tuple(
            ModelEntry(
                name, self.kind(name), "", "", "", "ready", 0.0, 0.0, name in there, None, ""
            )
            for name in [*self.mib, *self.kinds]
        )


class Stage:
    """Records every batch; each waits behind the curtain until a test lets one through."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun: queue.Queue[list[str]] = queue.Queue()
        self.stopped: queue.Queue[str] = queue.Queue()
        self.lack: Exception = MemoryError()
        self._curtain = threading.Semaphore(0)
        self._is_open = threading.Event()

    def open(self) -> None:
        """Let everything through from now on."""
        self._is_open.set()

    def let_through(self, batches: int = 1) -> None:
        """Let so many batches through."""
        for _ in range(batches):
            self._curtain.release()

    def wait_for_batch(self) -> list[str]:
        """Names of the next batch that begins."""
        return self.begun.get(timeout=PATIENCE_S)

    def operations(self) -> tuple[Operation, ...]:
        """ "stage.single" computes one by one, "stage.batch" up to 8 of cost 64 together, and
        "stage.paired" the same, but on a processor only two.
        """
        return (
            self._operation("stage.single", frozenset()),
            self._operation("stage.batch", frozenset(), items=8, cost=64),
            replace(
                self._operation("stage.paired", frozenset(), items=8, cost=64),
                max_batch_items_on_cpu=2,
            ),
            self._operation("stage.model", frozenset({"stage", "openai"})),
            self._operation("stage.sample", frozenset(), is_cacheable=lambda _: False),
        )

    def _operation(
        self,
        name: str,
        kinds: frozenset[str],
        *,
        items: int = 1,
        cost: int = 1,
        is_cacheable: Callable[[Request], bool] = lambda _: True,
    ) -> Operation:
        return Operation(
            name=name,
            version=1,
            kinds=kinds,
            prepare=_prepare,
            run=self._run,
            max_batch_cost=cost,
            max_batch_items=items,
            is_cacheable=is_cacheable,
        )

    def _run(
        self, model: Any, items: Sequence[Prepared], control: Control, device: str
    ) -> list[Output | WorkbenchError]:
        del device
        names = [item.arguments["name"] for item in items]
        self.batches.append(names)
        self.begun.put(names)
        try:
            while not self._is_open.is_set() and not self._curtain.acquire(timeout=0.002):
                control.check()
        finally:
            for name in names:
                self.stopped.put(name)
        if any("poison" in item.arguments for item in items):
            raise ZeroDivisionError("poison")
        if any(len(items) > item.arguments.get("memory", 99) for item in items):
            raise self.lack
        return [self._answer(model, item, len(items)) for item in items]

    def _answer(self, model: Any, item: Prepared, batch_items: int) -> Output | WorkbenchError:
        if "refuse" in item.arguments:
            return InputError("Refused; ask for something else.")
        if "missing" in item.arguments:
            return AssetError("A file is missing.")
        if "unfit" in item.arguments:
            unfit = {"nan": float("nan"), "object": object()}[item.arguments["unfit"]]
            return Output(values={"x": unfit})  # type: ignore[dict-item]
        return Output(
            arrays=item.arguments["arrays"],
            values={
                "name": item.arguments["name"],
                "batch": batch_items,
                "model": getattr(model, "name", None),
            },
        )


def _prepare(request: Request) -> Prepared:
    if "wrong" in request.arguments:
        raise InputError("The argument wrong is wrong; leave it out.")
    arguments = {"name": "", **request.arguments, "arrays": dict(request.arrays)}
    cost = int(str(request.arguments.get("cost", 1)))
    return Prepared(arguments, cost=cost, bucket=request.arguments.get("bucket"))
