"""Clients that read slowly, send slowly or vanish: they hold up nobody but themselves."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx

from tests.server.contract.asking import GATED, metric
from tests.server.fakes import WAIT_S, FakeOperations
from workbench.server.api import Request
from workbench.server.client import HttpClient
from workbench.server.engine import Engine

PARTIALS = 1_500
"""Partial results that grow: about 6 MB as they are sent, more than a connection holds."""

ASK_AND_FOLLOW = """
import sys
from workbench.server.api import Request
from workbench.server.client import HttpClient
job = HttpClient(sys.argv[1]).submit(Request("fake.gated", arguments={"name": sys.argv[2]}))
for event in job.events():
    print(event.kind, flush=True)
"""


@contextlib.contextmanager
def connected(url: str, sent: str) -> Iterator[socket.socket]:
    """A connection that has sent something and reads nothing; its own buffer is small."""
    server = httpx.URL(url)
    with socket.socket() as end:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        end.settimeout(WAIT_S)
        end.connect((server.host, server.port))
        end.sendall(sent.replace("\n", "\r\n").encode())
        yield end


def read_all(end: socket.socket) -> bytes:
    chunks = []
    while chunk := end.recv(2**20):
        chunks.append(chunk)
    return b"".join(chunks)


def test_who_does_not_read_holds_up_neither_the_device_nor_others_and_still_gets_the_end(
    engine: Engine, url: str, http: httpx.Client, operations: FakeOperations
) -> None:
    job = http.post("/v1/jobs", json={**GATED, "arguments": {"partials": PARTIALS}}).json()
    asked = f"GET {job['events']} HTTP/1.1\nHost: 127.0.0.1\nConnection: close\n\n"
    with connected(url, asked) as sluggish:
        operations.wait_started()  # every partial result was sent: nobody waited for the reader
        operations.gate.set()
        assert http.get(job["result"], params={"wait_s": WAIT_S}).status_code == 200
        assert http.post("/v1/run", json={"operation": "fake.echo"}).status_code == 200
        assert engine.status().running == 0
        told = read_all(sluggish)
    assert b"event: end" in told
    assert f"step {PARTIALS - 1}".encode() in told


def test_who_does_not_finish_sending_holds_up_nobody(
    url: str, http: httpx.Client, operations: FakeOperations
) -> None:
    begun = "POST /v1/run HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 1000\n\n{"
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(connected(url, begun))
        assert http.post("/v1/run", json={"operation": "fake.echo"}).status_code == 200
    assert operations.count("fake.echo") == 1


def test_the_work_of_a_page_that_was_killed_goes_on_and_is_given_to_its_successor(
    url: str, http: httpx.Client, operations: FakeOperations
) -> None:
    request = Request("fake.gated", arguments={"name": "asked before and after"})
    page = subprocess.Popen(
        [sys.executable, "-c", ASK_AND_FOLLOW, url, str(request.arguments["name"])],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert page.stdout is not None
    with page.stdout as told:
        assert any(line == "running\n" for line in told)
    operations.wait_started()
    page.send_signal(signal.SIGKILL)
    assert page.wait(WAIT_S) == -signal.SIGKILL
    with contextlib.closing(HttpClient(url)) as successor:
        job = successor.submit(request)
        operations.gate.set()
        assert job.result(WAIT_S).values == {"passed": "asked before and after"}
        assert successor.call(request).receipt.source == "memory"
    assert operations.count("fake.gated") == 1
    assert metric(http, "workbench_cancelled_total") == 0
