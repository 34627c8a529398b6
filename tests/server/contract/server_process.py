"""A model server on fakes in a process of its own: ``python -m … PORT HOME``."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path

from tests.server.fakes import FakeOperations, FakeSource
from workbench.server.engine import Engine
from workbench.server.serve import serve_engine
from workbench.settings import Settings


def main(port: int, home: Path) -> None:
    """Serve until told to stop; the first line of the log holds the address."""
    logging.basicConfig(stream=sys.stdout, level="INFO", format="%(message)s")
    settings = Settings(home=home, device="cpu", token="")
    with contextlib.closing(Engine(settings, FakeSource(), FakeOperations().all())) as engine:
        serve_engine(engine, settings, host="127.0.0.1", port=port)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
