"""A port is found or the refusal says what to do; heavy imports wait for a quiet moment."""

import asyncio
import socket
import threading

import pytest

from panels.serve import OnceQuiet, choose_port
from workbench.errors import InputError

HOST = "127.0.0.1"


def test_a_port_that_was_asked_for_and_is_taken_is_refused_with_the_flag_to_use() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"Port {port} is taken .*--port"):
            choose_port(HOST, port, 7860)


def test_the_next_free_port_is_taken_when_none_was_asked_for() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert port < choose_port(HOST, None, port) < port + 20


def test_an_impossible_port_is_refused() -> None:
    with pytest.raises(InputError, match="70000"):
        choose_port(HOST, 70_000, 7860)


def test_the_action_happens_once_and_only_after_the_requests_paused() -> None:
    acted = threading.Semaphore(0)
    seen: list[str] = []

    async def app(scope, receive, send) -> None:  # noqa: ARG001
        seen.append("request")

    def act() -> None:
        seen.append("act")
        acted.release()

    wrapped = OnceQuiet(app, act, quiet_s=0.2)

    async def ask() -> None:
        for _ in range(3):
            await wrapped({"type": "http"}, None, None)

    asyncio.run(ask())
    assert acted.acquire(timeout=10)
    asyncio.run(ask())
    assert not acted.acquire(timeout=0.5)
    assert seen == ["request"] * 3 + ["act"] + ["request"] * 3
