"""A server that is stopped or killed in the middle: clients say so, and work when it is back."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.contract.server_process import ServerProcess
from workbench.errors import InputError, UnreachableError
from workbench.server.api import Event, Job, Request
from workbench.server.client import HttpClient
from workbench.server.serve import open_socket

KEPT = Request("fake.fill", arguments={"count": 1000})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with contextlib.closing(ServerProcess(tmp_path)) as server:
        yield server


def start_and_follow(client: HttpClient) -> tuple[Job, Iterator[Event]]:
    """A job that waits for ever, and its events from the first partial on."""
    job = client.submit(Request("fake.gated", arguments={"partials": 1}))
    events = job.events()
    while next(events).kind != "partial":
        pass
    return job, events


def test_a_client_outlives_the_kill_of_its_server(server: ServerProcess, tmp_path: Path) -> None:
    client = HttpClient(server.url, patience_s=0.1)
    client.call(KEPT)
    job, events = start_and_follow(client)
    server.end(signal.SIGKILL)
    with pytest.raises(UnreachableError, match=r"python launch\.py serve"):
        list(events)
    with pytest.raises(UnreachableError, match=r"python launch\.py serve"):
        job.result()
    job.cancel()  # nothing to raise about
    with pytest.raises(UnreachableError):
        client.status()

    with contextlib.closing(ServerProcess(tmp_path, server.port)):
        again = client.call(KEPT)
        assert again.receipt.source == "disk"  # the cache outlived the kill too
        assert again.arrays["filled"].size == 1000
    client.close()


def test_a_server_that_is_told_to_stop_ends_in_order(server: ServerProcess) -> None:
    client = HttpClient(server.url, patience_s=0.1)
    _, events = start_and_follow(client)
    assert server.end(signal.SIGTERM) == 0
    with pytest.raises(UnreachableError):
        list(events)
    client.close()


def test_a_taken_port_is_told_with_what_to_do(server: ServerProcess) -> None:
    with pytest.raises(InputError, match=rf"127\.0\.0\.1:{server.port}.*--port"):
        open_socket("127.0.0.1", server.port)
