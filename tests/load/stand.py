"""The workbench under load: a model server and a page in processes of their own, watched."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

Restart = Literal["none, to compare", "renewed", "killed", "stopped and started"]
RESTARTS: tuple[Restart, ...] = ("none, to compare", "renewed", "killed", "stopped and started")
"""By SIGHUP; what serves by SIGKILL, so that its supervisor starts another; the whole service."""
ROOT = Path(__file__).parents[2]
START_S = 600.0
STOP_S = 40.0
COUNTED = (
    "requests", "executions", "coalesced", "batches", "rejected", "failures", "cancelled",
)  # fmt: skip
"""Counters of the model server that the report names."""


@dataclass
class Process:
    """One process of the workbench.

    Args:
        name: "server" or "page".
        arguments: of ``launch.py``.
        environment: beside this process's own.
        log: its output goes there.
    """

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "launch.py", *self.arguments],
                cwd=ROOT,
                env=os.environ | self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal and wait for the end."""
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def send(self, how: signal.Signals) -> None:
        """Send a signal."""
        if self.process is not None:
            self.process.send_signal(how)

    def children(self) -> list[psutil.Process]:
        """What it has started."""
        return psutil.Process(self.process.pid).children() if self.process is not None else []

    def memory_mib(self) -> float:
        """Resident memory of the process and its children."""
        if self.process is None:
            return 0.0
        try:
            found = psutil.Process(self.process.pid)
            parts = [found, *found.children(recursive=True)]
            return sum(part.memory_info().rss for part in parts) / 2**20
        except psutil.NoSuchProcess:
            return 0.0


@dataclass
class Stand:
    """A model server and a page that uses it.

    Args:
        server: the model server's process.
        page: the page's process.
        server_url: where the server answers.
        page_url: where the page answers.
        memory: (seconds since the run began, MiB of the page, MiB of the server).
    """

    server: Process
    page: Process
    server_url: str
    page_url: str
    memory: list[tuple[float, float, float]] = field(default_factory=list)

    def counters(self) -> dict[str, float]:
        """The model server's own counters."""
        answer = httpx.get(f"{self.server_url}/metrics", timeout=60)
        answer.raise_for_status()
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                name = sample.name.removeprefix("workbench_").removesuffix("_total")
                if name in COUNTED:
                    found[name] = sample.value
                elif name == "hits":
                    found[f"hits_{sample.labels['tier']}"] = sample.value
        return found

    async def restart_server(self, how: Restart) -> float:
        """Let the model server be renewed, kill what serves, or end and start all of it.

        Returns:
            Seconds until its successor answers.
        """
        began = time.monotonic()
        if how == "none, to compare":
            return 0.0
        if how == "stopped and started":
            await asyncio.to_thread(self.server.stop)
            self.server.start()
        else:
            serving = self._serving()
            if how == "renewed":
                self.server.send(signal.SIGHUP)
            elif serving is not None:
                serving.kill()
            while self._serving() == serving:
                await asyncio.sleep(0.02)
        await wait_for(f"{self.server_url}/healthz")
        return time.monotonic() - began

    def _serving(self) -> psutil.Process | None:
        """The process that serves: the latest, beside those that still finish what runs."""
        alive: list[psutil.Process] = []
        for child in self.server.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.status() != psutil.STATUS_ZOMBIE:
                    alive.append(child)
        return max(alive, key=lambda child: child.create_time(), default=None)

    async def watch_memory(self, began_at: float, every_s: float, log: IO[str]) -> None:
        """Write down what both processes hold, also as lines of a log, until cancelled."""
        while True:
            now = time.monotonic() - began_at
            self.memory.append((now, self.page.memory_mib(), self.server.memory_mib()))
            print(*(round(value, 1) for value in self.memory[-1]), file=log, flush=True)
            await asyncio.sleep(every_s)


async def wait_until_prepared(page_url: str) -> dict[str, Any]:
    """Wait until the page has drawn what its tabs open with; how many studies, after how long.

    Raises:
        TimeoutError: it has not in ``START_S``.
    """
    began = time.monotonic()
    async with asyncio.timeout(START_S), httpx.AsyncClient() as http:
        while not (health := (await http.get(f"{page_url}/healthz")).json())["prepared"]:
            await asyncio.sleep(1.0)
    return {"studies": health["drawn"], "seconds": round(time.monotonic() - began, 1)}


async def wait_for(url: str) -> None:
    """Wait until an address answers.

    Raises:
        TimeoutError: it does not in ``START_S``.
    """
    async with asyncio.timeout(START_S), httpx.AsyncClient() as http:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(url)).is_success:
                    return
            await asyncio.sleep(0.2)


@contextlib.contextmanager
def standing(home: Path, logs: Path) -> Iterator[Stand]:
    """Start both processes on free ports; they are stopped at the end.

    Args:
        home: the model server's folder: models and an empty cache.
        logs: folder of their output.
    """
    ports = [free_port(), free_port()]
    own = {"WORKBENCH_HOME": str(home), "WORKBENCH_LOG_LEVEL": "warning"}
    server_url, page_url = (f"http://127.0.0.1:{port}" for port in ports)
    server = Process("server", ["serve", "--port", str(ports[0])], own, logs / "server.log")
    page = Process(
        "page", ["--server", server_url, "--port", str(ports[1])], own, logs / "page.log"
    )
    try:
        server.start()
        page.start()
        yield Stand(server, page, server_url, page_url)
    finally:
        page.stop()
        server.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def counted_between(before: dict[str, float], after: dict[str, float]) -> dict[str, Any]:
    """What the counters say of the time between two looks."""
    return {name: int(after[name] - before.get(name, 0)) for name in after}
