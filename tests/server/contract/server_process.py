"""A model server on fakes in a process of its own: ``python -m … PORT HOME``; prints when ready."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tests.server.fakes import FakeOperations, FakeSource
from workbench.server.engine import Engine
from workbench.server.http import create_app
from workbench.server.serve import running_server
from workbench.settings import Settings


def main(port: int, home: Path) -> None:
    """Serve until killed."""
    settings = Settings(home=home, device="cpu", token="")
    engine = Engine(settings, FakeSource(), FakeOperations().all())
    with running_server(create_app(engine, settings, version="0"), port=port) as url:
        print(url, flush=True)  # noqa: T201  it is how the test learns the port
        threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
