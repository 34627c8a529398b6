"""One engine on fakes, reached in this process and over HTTP through a real uvicorn."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from tests.server.contract.asking import TOKEN, plain_client
from tests.server.fakes import FakeOperations, FakeSource
from workbench.server.api import ModelClient
from workbench.server.client import HttpClient
from workbench.server.counting import Observer
from workbench.server.engine import Engine
from workbench.server.http import create_app
from workbench.server.serve import running_server
from workbench.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        device="cpu",
        offline=True,
        disk_cache_mib=64,
        max_body_mib=16,
        queue_limit=64,
        token="",
    )


@pytest.fixture
def operations() -> FakeOperations:
    return FakeOperations()


@pytest.fixture
def engine(settings: Settings, operations: FakeOperations) -> Iterator[Engine]:
    engine = Engine(settings, FakeSource(), operations.all())
    yield engine
    operations.gate.set()
    engine.close()


@pytest.fixture
def app(engine: Engine, settings: Settings) -> FastAPI:
    return create_app(engine, settings, version="0.0.0")


@pytest.fixture
def url(app: FastAPI) -> Iterator[str]:
    with running_server(app) as url:
        yield url


class Stand:
    """Where one server finds the engine of the test that runs: starting a server takes 0.3 s."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.engine: Engine | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def observe(self, observer: Observer) -> None:
        """Nobody reads the metrics of this server."""


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    settings = Settings(home=tmp_path_factory.mktemp("stand"), max_body_mib=16)
    stand = Stand()
    with running_server(create_app(stand, settings, version="0.0.0")) as stand.url:
        yield stand


@pytest.fixture
def http_client(stand: Stand, engine: Engine) -> Iterator[HttpClient]:
    stand.engine = engine
    with contextlib.closing(HttpClient(stand.url, patience_s=0.2)) as client:
        yield client


MakeClient = Callable[[Settings, FakeOperations], ModelClient]


@pytest.fixture(params=["in_process", "http"])
def make_client(request: pytest.FixtureRequest) -> Iterator[MakeClient]:
    """Builds a client of an engine with settings of its own, in both homes."""
    with contextlib.ExitStack() as stack:

        def make(settings: Settings, operations: FakeOperations) -> ModelClient:
            engine = Engine(settings, FakeSource(), operations.all())
            stack.callback(engine.close)
            stack.callback(operations.gate.set)
            if request.param == "in_process":
                return engine
            app = create_app(engine, settings, version="0.0.0")
            url = stack.enter_context(running_server(app))
            return stack.enter_context(contextlib.closing(HttpClient(url)))

        yield make


@pytest.fixture(params=["in_process", "http"])
def client(request: pytest.FixtureRequest) -> ModelClient:
    """The same server, seen from both homes."""
    return request.getfixturevalue("engine" if request.param == "in_process" else "http_client")


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with plain_client(url) as http:
        yield http


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with a token."""
    here = Settings(home=tmp_path_factory.mktemp("guarded"), device="cpu", token=SecretStr(TOKEN))
    with (
        contextlib.closing(Engine(here, FakeSource(), FakeOperations().all())) as engine,
        running_server(create_app(engine, here, version="0")) as url,
    ):
        yield url


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """One server for all that must be refused."""
    here = Settings(home=tmp_path_factory.mktemp("shared"), device="cpu", token="")
    with (
        contextlib.closing(Engine(here, FakeSource(), FakeOperations().all())) as engine,
        running_server(create_app(engine, here, version="0")) as url,
        plain_client(url) as http,
    ):
        yield http
