"""Start ``launch.py`` as a person would, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 120.0


@dataclass
class Launched:
    """A workbench in a process of its own.

    Args:
        address: of its page, with a slash at the end.
        process: the process.
        seconds_to_first_page: from the start of the process to the whole first page.
        first_page: the bytes of that page.
    """

    address: str
    process: subprocess.Popen[str]
    seconds_to_first_page: float
    first_page: bytes


@contextlib.contextmanager
def launched(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Launched]:
    """Run ``launch.py`` with these arguments until the block ends, on a free port."""
    with tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "launch.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            address = _read_address(process)
            if address is None:
                errors.seek(0)
                raise RuntimeError(f"launch.py did not start:\n{errors.read()}")
            with urllib.request.urlopen(address) as answer:  # noqa: S310  our own server
                page = answer.read()
            yield Launched(address, process, time.perf_counter() - started, page)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout
            process.stdout.close()


def _read_address(process: subprocess.Popen[str]) -> str | None:
    """The address the process prints, or ``None`` if it ends or stays silent."""
    alarm = threading.Timer(START_S, process.kill)
    alarm.start()
    assert process.stdout
    try:
        for line in process.stdout:
            if found := re.search(r"http://\S+", line):
                return f"{found.group()}/"
        return None
    finally:
        alarm.cancel()
