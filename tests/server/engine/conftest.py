"""An engine on a stage, and what tests wait for without sleeping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.engine.stage import MIB, Stage, StageSource
from workbench.server.api import Event, Request
from workbench.server.devices import Device
from workbench.server.engine import Engine
from workbench.server.flight import FlightJob
from workbench.settings import Settings

DEVICE = Device("cpu", "a stage", "float32", 1024 * MIB)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def source() -> StageSource:
    return StageSource()


MakeEngine = Callable[..., Engine]


@pytest.fixture
def make_engine(stage: Stage, source: StageSource, tmp_path: Path) -> Iterator[MakeEngine]:
    """Builds engines with settings of their own, on one stage and one folder."""
    engines: list[Engine] = []

    def make(*, shipped: Path | None = None, **settings: Any) -> Engine:
        defaults = {"home": tmp_path, "batch_wait_ms": 0.0, "disk_cache_mib": 0}
        engine = Engine(
            Settings(**{**defaults, **settings}),
            source,
            stage.operations(),
            shipped=shipped,
            device=DEVICE,
        )
        engines.append(engine)
        return engine

    yield make
    stage.open()
    source.gate.set()
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(make_engine: MakeEngine) -> Engine:
    return make_engine()


def ask(name: str, operation: str = "stage.single", **more: Any) -> Request:
    """A request that the stage knows by its name."""
    marks = {key: more.pop(key) for key in list(more) if key in Request.__dataclass_fields__}
    return Request(operation, arguments={"name": name, **more}, **marks)


def next_event(job: FlightJob, kind: str, **properties: object) -> Event:
    """Wait for the first event of a kind with these properties."""
    for event in job.events():
        if event.kind == kind and all(getattr(event, k) == v for k, v in properties.items()):
            return event
    raise AssertionError(f"the job ended without an event {kind} {properties}")
