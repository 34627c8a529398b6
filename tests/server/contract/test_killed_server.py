"""A server that is killed in the middle: its clients say so, and work again when it is back."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from workbench.errors import UnreachableError
from workbench.server.api import Request
from workbench.server.client import HttpClient


@contextlib.contextmanager
def server_process(home: Path, port: int = 0) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    module = "tests.server.contract.server_process"
    command = [sys.executable, "-m", module, str(port), str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def test_a_client_outlives_the_kill_of_its_server(tmp_path: Path) -> None:
    kept = Request("fake.fill", arguments={"count": 1000})
    with server_process(tmp_path) as (url, process):
        client = HttpClient(url, patience_s=0.1)
        client.call(kept)
        job = client.submit(Request("fake.gated", arguments={"partials": 1}))
        events = job.events()
        while next(events).kind != "partial":
            pass
        process.kill()  # SIGKILL
        process.wait()
        with pytest.raises(UnreachableError, match=r"python launch\.py serve"):
            list(events)
        with pytest.raises(UnreachableError, match=r"python launch\.py serve"):
            job.result()
        job.cancel()  # nothing to raise about
        with pytest.raises(UnreachableError):
            client.status()

    port = httpx.URL(url).port
    assert port is not None
    with server_process(tmp_path, port):
        again = client.call(kept)
        assert again.receipt.source == "disk"  # the cache outlived the kill too
        assert again.arrays["filled"].size == 1000
        client.close()
