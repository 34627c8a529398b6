"""A supervised server in a process of its own: it says which process answers, or dies at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

from workbench.server.supervisor import Supervisor

LINGERS_S = 3.0


def answer(listening: socket.socket) -> None:
    """Tell everybody who connects this process's number, until SIGTERM."""

    def end(_number: int, _frame: object) -> None:
        raise SystemExit(7)

    signal.signal(signal.SIGTERM, end)
    while True:
        caller, _ = listening.accept()
        with caller:
            caller.sendall(str(os.getpid()).encode())


def linger(listening: socket.socket) -> None:
    """The same, and finish what runs for a while after SIGTERM."""
    try:
        answer(listening)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(LINGERS_S)


def die(_listening: socket.socket) -> None:
    """What a broken server does."""
    raise RuntimeError("broken from the start")


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as opened:
        print(opened.getsockname()[1], flush=True)  # noqa: T201  for the test
        Supervisor({"answer": answer, "linger": linger, "die": die}[sys.argv[1]], opened).run()
