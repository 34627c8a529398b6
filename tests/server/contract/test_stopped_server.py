"""A server that is stopped or killed in the middle: clients say so, and work when it is back."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.server.contract.asking import GATED, plain_client
from tests.server.contract.server_process import ServerProcess
from tests.server.fakes import WAIT_S, FakeOperations, FakeSource
from workbench.errors import HandedBackError, InputError, UnreachableError
from workbench.server import serve
from workbench.server.api import Event, Job, Request
from workbench.server.client import HttpClient
from workbench.server.engine import Engine
from workbench.server.http import create_app
from workbench.server.serve import open_socket, running_server
from workbench.settings import Settings

KEPT = Request("fake.fill", arguments={"count": 1000})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with contextlib.closing(ServerProcess(tmp_path, WORKBENCH_GRACE_S="0.2")) as server:
        yield server


def start_and_follow(client: HttpClient, door: Path | None = None) -> tuple[Job, Iterator[Event]]:
    """A job that waits for ever, or for its door, and its events from the first partial on."""
    more = {"door": str(door)} if door else {}
    job = client.submit(Request("fake.gated", arguments={"partials": 1, **more}))
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


def wait_until_closed(server: ServerProcess) -> None:
    """Wait until a server takes nothing new."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S).close()
        except ConnectionError:  # reset while it closes, refused from then on
            return
    raise AssertionError("the server still listens")


def test_what_runs_when_its_server_is_stopped_is_finished_and_given_after_the_restart(
    tmp_path: Path,
) -> None:
    door = tmp_path / "door"
    with contextlib.closing(ServerProcess(tmp_path, WORKBENCH_GRACE_S=str(WAIT_S))) as server:
        client = HttpClient(server.url, patience_s=WAIT_S)
        job, _ = start_and_follow(client, door)
        waiting = client.submit(
            Request("fake.gated", arguments={"name": "second", "door": str(door)})
        )
        with ThreadPoolExecutor(1) as follower:
            followed = follower.submit(lambda: [event.kind for event in waiting.events()])
            server.process.send_signal(signal.SIGTERM)
            wait_until_closed(server)
            door.touch()
            assert server.process.wait(WAIT_S) == 0
            with contextlib.closing(ServerProcess(tmp_path, server.port)):
                result = job.result(WAIT_S)
                assert result.values == {"passed": ""}
                assert result.receipt.source == "disk"  # finished, not computed again
                # what nobody had begun was handed back, and asked for again by its client
                assert "running" in followed.result(WAIT_S)
                assert waiting.result(WAIT_S).values == {"passed": "second"}
                assert waiting.result().receipt.source == "computed"
    client.close()


def test_what_a_killed_server_computed_is_asked_of_its_successor_without_a_word(
    tmp_path: Path,
) -> None:
    door = tmp_path / "door"
    with contextlib.closing(ServerProcess(tmp_path)) as server:
        client = HttpClient(server.url, patience_s=WAIT_S)
        job, events = start_and_follow(client, door)
        waiting = client.submit(Request("fake.gated", arguments={"name": "b", "door": str(door)}))
        server.end(signal.SIGKILL)
    with contextlib.closing(ServerProcess(tmp_path, server.port)):
        while next(events).kind != "partial":  # it began anew
            pass
        door.touch()
        list(events)
        assert job.result(WAIT_S).values == {"passed": ""}
        assert waiting.result(WAIT_S).values == {"passed": "b"}
    client.close()


def test_who_still_waits_when_the_server_ends_is_told_in_words(
    engine: Engine,
    settings: Settings,
    operations: FakeOperations,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serve, "GRACE_S", 0.1)
    with contextlib.ExitStack() as caller:
        with running_server(create_app(engine, settings, version="0")) as url:
            http = caller.enter_context(plain_client(url))
            waiting = caller.enter_context(ThreadPoolExecutor(1))
            asked = waiting.submit(http.post, "/v1/run", json=GATED)
            operations.wait_started()
        answer = asked.result(WAIT_S)
    assert (answer.status_code, answer.json()["error"]) == (503, "HandedBackError")
    assert "ask again when it is back" in answer.json()["message"]


def test_work_handed_back_is_counted_as_that_and_not_as_a_failure(tmp_path: Path) -> None:
    operations = FakeOperations()
    settings = Settings(home=tmp_path, device="cpu")
    with contextlib.closing(Engine(settings, FakeSource(), operations.all())) as engine:
        engine.submit(Request("fake.gated"))
        operations.wait_started()
        waiting = engine.submit(Request("fake.gated", arguments={"name": "second"}))
        engine.hand_back()
        with pytest.raises(HandedBackError, match="ask again when it is back"):
            waiting.result(WAIT_S)
        counters = engine.status().counters
        assert (counters["handed_back"], counters["failures"]) == (1, 0)
        operations.gate.set()


def test_a_taken_port_is_told_with_what_to_do(server: ServerProcess) -> None:
    with pytest.raises(InputError, match=rf"127\.0\.0\.1:{server.port}.*--port"):
        open_socket("127.0.0.1", server.port)
