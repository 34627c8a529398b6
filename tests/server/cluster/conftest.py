"""One local Ray with two replicas for all tests of the cluster: starting it takes many seconds."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.server.cluster.stage import SharedStage, Stage
from tests.server.contract.asking import plain_client
from tests.server.contract.server_process import ServerProcess
from tests.server.fakes import FakeOperations, FakeSource
from workbench.server.api import ModelClient
from workbench.server.client import HttpClient
from workbench.server.engine import Engine
from workbench.settings import Settings

PROCESS = "tests.server.cluster.cluster_process"
"""Not imported here: what Ray warns of as it is imported would be errors."""
REPLICAS = 2
WHOLE_WITHIN_S = 120.0


@dataclass
class Cluster:
    """The cluster of a test session."""

    stage: Stage
    server: ServerProcess


def start(home: Path, *where: str) -> ServerProcess:
    """Two replicas that share a GPU which is not there.

    Ray gives its own processes 30 s to start, which is not always enough on a machine that does
    much else; then it is asked again.
    """
    tries = 3
    for number in range(1, tries + 1):
        try:
            return ServerProcess(
                home,
                0,
                (PROCESS, *where),
                RAY_OVERRIDE_RESOURCES='{"CPU": 2, "GPU": 1}',
                WORKBENCH_CLUSTER_MIN_REPLICAS=str(REPLICAS),
                WORKBENCH_CLUSTER_MAX_REPLICAS=str(REPLICAS),
                WORKBENCH_CLUSTER_CPUS="0.5",
                WORKBENCH_CLUSTER_GPUS="0.5",
                WORKBENCH_GRACE_S="0.2",
            )
        except AssertionError:
            if number == tries:
                raise
    raise AssertionError("unreachable")


@pytest.fixture(scope="session")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    stage = Stage()
    shared = SharedStage(stage)
    home = tmp_path_factory.mktemp("cluster")
    with contextlib.closing(start(home, str(shared.port), shared.authkey)) as server:
        yield Cluster(stage, server)
        stage.operations.gate.set()
        assert server.end(signal.SIGTERM) == 0
    shared.close()


def wait_until_whole(url: str) -> None:
    """Wait until all replicas are there: one that a test killed takes its time to be replaced, and
    a test that kills another means the one that is left.
    """
    until = time.monotonic() + WHOLE_WITHIN_S
    with plain_client(url) as http:
        while True:
            told = http.get("/v1/status")
            if told.is_success and told.json()["device_name"].startswith(f"{REPLICAS} × "):
                return
            assert time.monotonic() < until, "a replica that was killed is not replaced"
            time.sleep(0.1)


@pytest.fixture
def operations() -> FakeOperations:
    return FakeOperations()


@pytest.fixture
def cluster(
    running_cluster: Cluster, operations: FakeOperations, tmp_path: Path
) -> Iterator[Cluster]:
    """The cluster, all of it, with fresh engines."""
    running_cluster.stage.begin(tmp_path, operations)
    wait_until_whole(running_cluster.server.url)
    yield running_cluster
    operations.gate.set()


@pytest.fixture
def http_client(cluster: Cluster) -> Iterator[HttpClient]:
    with contextlib.closing(HttpClient(cluster.server.url, patience_s=0.2)) as client:
        yield client


@pytest.fixture
def client(http_client: HttpClient) -> ModelClient:
    return http_client


@pytest.fixture
def http(cluster: Cluster) -> Iterator[httpx.Client]:
    with plain_client(cluster.server.url) as http:
        yield http


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine in this process, to compare with."""
    settings = Settings(home=tmp_path / "here", device="cpu", offline=True, disk_cache_mib=64)
    with contextlib.closing(Engine(settings, FakeSource(), FakeOperations().all())) as engine:
        yield engine
