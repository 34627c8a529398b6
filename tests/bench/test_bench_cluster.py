"""What a second replica gains, and that a busy cluster starts one and a quiet one stops it.

Each replica computes with one thread, so that on two cores two have one each; on one core, or when
one replica already uses every core, a second gains nothing.
"""

from __future__ import annotations

import contextlib
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.server.cluster.stage import SharedStage, Stage
from tests.server.contract.server_process import ServerProcess
from tests.server.fakes import FakeOperations
from workbench.models.catalog import Catalog
from workbench.server.api import Request
from workbench.server.client import HttpClient
from workbench.settings import Settings

# ruff: noqa: T201  benches print what they measured

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

MODEL = "smollm2-135m-instruct"
PEOPLE = 8
QUESTIONS_EACH = 3
TEXT = "The harbour was quiet that evening, and nobody expected the ferry before morning. " * 3


def question(number: int) -> Request:
    """One of many different requests; none is answered from a cache."""
    arguments = {"prompt": f"Letter {number}. {TEXT}", "candidates": [" It rained.", " He left."]}
    return Request(
        "language.score_choices",
        model=MODEL,
        arguments=arguments,  # type: ignore[arg-type]
        dtype="float32",
        fresh=True,
    )


def answers_a_second(home: Path, replicas: int) -> float:
    """Answers a second of a cluster with so many replicas, all of them warm."""
    settings = {
        "WORKBENCH_CLUSTER_MIN_REPLICAS": str(replicas),
        "WORKBENCH_CLUSTER_MAX_REPLICAS": str(replicas),
        "WORKBENCH_CLUSTER_CPUS": "0.5",
        "WORKBENCH_DEVICE": "cpu",
        "WORKBENCH_LOG_LEVEL": "warning",  # not a line for every request between the figures
    }
    command = ("tests.server.cluster.real_process",)
    with (
        contextlib.closing(ServerProcess(home, 0, command, **settings)) as server,
        contextlib.closing(HttpClient(server.url, patience_s=60)) as client,
        ThreadPoolExecutor(PEOPLE) as people,
    ):
        list(people.map(lambda n: client.call(question(-n)), range(1, PEOPLE)))
        started = time.perf_counter()
        list(people.map(lambda n: client.call(question(n)), range(PEOPLE * QUESTIONS_EACH)))
        took_s = time.perf_counter() - started
        server.end(signal.SIGTERM)
    return PEOPLE * QUESTIONS_EACH / took_s


def test_two_replicas_answer_no_fewer_than_one(tmp_path: Path) -> None:
    catalog = Catalog(Settings())
    if not catalog.is_ready(MODEL):
        catalog.fetch(MODEL)
    (tmp_path / "models").symlink_to(Settings().models_dir, target_is_directory=True)
    one, two = (answers_a_second(tmp_path, replicas) for replicas in (1, 2))
    print(
        f"\n{PEOPLE * QUESTIONS_EACH} scoring requests of {PEOPLE} people: one replica "
        f"{one:.2f} answers/s, two {two:.2f} ({two / one:.2f} times), one thread each"
    )
    assert two >= 0.9 * one


SCALED_WITHIN_S = 240.0


def seconds_until(client: HttpClient, replicas: int) -> float:
    """How long it takes until so many replicas tell their status."""
    started = time.perf_counter()
    while not client.status().device_name.startswith(f"{replicas} × "):
        assert time.perf_counter() - started < SCALED_WITHIN_S
        time.sleep(0.5)
    return time.perf_counter() - started


def test_a_busy_cluster_starts_a_second_replica_and_a_quiet_one_stops_it(tmp_path: Path) -> None:
    stage, operations = Stage(), FakeOperations()
    stage.begin(tmp_path, operations)
    settings = {
        "RAY_OVERRIDE_RESOURCES": '{"CPU": 2}',
        "WORKBENCH_CLUSTER_MIN_REPLICAS": "1",
        "WORKBENCH_CLUSTER_MAX_REPLICAS": "2",
        "WORKBENCH_CLUSTER_CPUS": "0.5",
    }
    with contextlib.closing(SharedStage(stage)) as shared:
        command = ("tests.server.cluster.hasty_process", str(shared.port), shared.authkey)
        with (
            contextlib.closing(ServerProcess(tmp_path, 0, command, **settings)) as server,
            contextlib.closing(HttpClient(server.url, patience_s=60)) as client,
        ):
            assert seconds_until(client, 1) < SCALED_WITHIN_S
            jobs = [
                client.submit(Request("fake.gated", arguments={"name": f"{number}"}))
                for number in range(40)
            ]
            up_s = seconds_until(client, 2)
            operations.gate.set()
            names = [job.result(SCALED_WITHIN_S).values["passed"] for job in jobs]
            assert names == [f"{number}" for number in range(40)]
            down_s = seconds_until(client, 1)
            assert client.call(Request("fake.echo")).receipt.source == "computed"
            assert server.end(signal.SIGTERM) == 0
    print(
        f"\n40 waiting requests: a second replica after {up_s:.0f} s; stopped {down_s:.0f} s after "
        "the last answer (delays of 1 s in place of 30 s and 10 min)"
    )
