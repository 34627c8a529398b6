"""A server that dies is started again by its supervisor, on the same address, and ends with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.server.fakes import WAIT_S
from workbench.server.supervisor import CAN_FORK, MOST_DEATHS

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="only Linux forks; un-skip where CAN_FORK is")


@contextmanager
def supervised(what: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The supervisor's process and its port."""
    command = [sys.executable, "-m", "tests.server.contract.supervised_process", what]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def ask(port: int) -> int:
    """The number of the process that answers; a restart only makes it wait."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as connection:
        return int(connection.recv(64))


def is_taken_over(port: int, first: int) -> bool:
    """Whether another process answers; the first may be told to leave in the middle of a word."""
    try:
        return ask(port) != first
    except ValueError:
        return False


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def has_ended(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@contextmanager
def renewed() -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """The supervisor's process, its port, and the server that was told to leave and lingers."""
    with supervised("linger") as (process, port):
        first = ask(port)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: is_taken_over(port, first))
        yield process, port, first


def test_who_connects_while_the_server_is_dead_is_answered_by_its_successor() -> None:
    with supervised("answer") as (_, port):
        first = ask(port)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: has_ended(first))
        second = ask(port)
        assert second != first
        assert ask(port) == second


def test_sighup_renews_the_server_and_sigterm_ends_both_with_its_status() -> None:
    with supervised("answer") as (process, port):
        first = ask(port)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: has_ended(first))
        second = ask(port)
        assert second != first
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 7
        assert has_ended(second)


def test_a_successor_serves_while_the_renewed_server_finishes_what_runs() -> None:
    with renewed() as (process, _, first):
        assert not has_ended(first)
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 7
        assert has_ended(first)


def test_who_still_leaves_ends_with_a_supervisor_that_is_killed() -> None:
    with renewed() as (process, port, first):
        second = ask(port)
        assert not has_ended(first)
        process.kill()
        wait_until(lambda: has_ended(first) and has_ended(second))


def test_a_supervisor_that_is_killed_leaves_no_server_on_the_address() -> None:
    with supervised("answer") as (process, port):
        server = ask(port)
        process.kill()
        wait_until(lambda: has_ended(server))
        with pytest.raises(ConnectionRefusedError):
            ask(port)


def test_a_server_that_dies_at_once_again_and_again_is_given_up_in_words() -> None:
    with supervised("die") as (process, _):
        _, said = process.communicate(timeout=WAIT_S)
        assert process.returncode == 1
        assert said.count("broken from the start") >= MOST_DEATHS
        assert f"died {MOST_DEATHS} times" in said
