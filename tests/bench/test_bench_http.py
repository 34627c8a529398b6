"""How long the wire takes: cached results over HTTP on this machine."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.contract.server_process import ServerProcess
from workbench.server.api import Request
from workbench.server.client import HttpClient

# ruff: noqa: T201  benches print what they measured

pytestmark = pytest.mark.bench

ROUNDS = 60


@contextlib.contextmanager
def client_of(home: Path, **settings: str) -> Iterator[HttpClient]:
    """A client of a server in another process, as a page has it."""
    with (
        contextlib.closing(ServerProcess(home, **settings)) as server,
        contextlib.closing(HttpClient(server.url)) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpClient]:
    with client_of(tmp_path_factory.mktemp("bench")) as client:
        yield client


def median_ms(ask: Callable[[], object]) -> float:
    """Median time of one call, after a few that warm up, in milliseconds."""
    times = []
    for _ in range(ROUNDS + 5):
        started = time.perf_counter()
        ask()
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times[5:])


def test_a_cached_megabyte_takes_15_ms_or_less(client: HttpClient) -> None:
    request = Request("fake.fill", arguments={"count": 2**18})
    took_ms = median_ms(lambda: client.call(request))
    assert client.call(request).receipt.source == "memory"
    print(f"\n1 MiB cached result over HTTP: median {took_ms:.1f} ms (15 ms allowed)")
    assert took_ms <= 15


def test_a_small_cached_answer_takes_10_ms_or_less(client: HttpClient) -> None:
    request = Request("fake.echo", arguments={"a": 1})
    took_ms = median_ms(lambda: client.call(request))
    print(f"\nsmall cached result over HTTP: median {took_ms:.1f} ms (10 ms allowed)")
    assert took_ms <= 10


def test_a_miss_costs_two_round_trips(client: HttpClient) -> None:
    numbers = iter(range(10_000))
    took_ms = median_ms(
        lambda: client.call(Request("fake.echo", arguments={"n": next(numbers)}, fresh=True))
    )
    print(f"\nsmall computed result over HTTP: median {took_ms:.1f} ms (60 ms allowed)")
    assert took_ms <= 60


def test_a_megabyte_from_disk_takes_40_ms_or_less(tmp_path: Path) -> None:
    request = Request("fake.fill", arguments={"count": 2**18})
    with client_of(tmp_path, WORKBENCH_MEMORY_CACHE_MIB="0") as client:
        client.call(request)
        took_ms = median_ms(lambda: client.call(request))
        assert client.call(request).receipt.source == "disk"
    print(f"\n1 MiB result from disk over HTTP: median {took_ms:.1f} ms (40 ms allowed)")
    assert took_ms <= 40
