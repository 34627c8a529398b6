"""Compute what the tabs open with, and write it down to be shipped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from workbench.errors import InputError
from workbench.methods.catalog import METHODS, studies
from workbench.server.api import ModelClient
from workbench.study import execute

SHIPPED_SUFFIX = ".bin"


@runtime_checkable
class Exporter(Protocol):
    """A model server that can hand out the bytes of a cached answer."""

    def export(self, key: str) -> bytes:
        """The cached answer under a key, in the format of ``server.wire``."""
        ...


def warm(
    client: ModelClient,
    *,
    fresh: bool = False,
    ship: Path | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> list[str]:
    """Run every study with its default settings.

    Args:
        client: the model server whose cache is filled.
        fresh: measure again instead of reading the cache.
        ship: also write each answer to this folder as ``<key>.bin``, and remove answers there
            that no tab opens with any more.
        say: called with one line per study.

    Returns:
        The keys of all answers that the tabs open with.

    Raises:
        InputError: ``ship`` was asked of a server in another process.
    """
    if ship is not None and not isinstance(client, Exporter):
        raise InputError("Shipping results needs the engine in this process; leave --server out.")
    keys: list[str] = []
    for method in METHODS:
        for slug, study in studies(method.slug).items():
            started = time.perf_counter()
            outcome = execute(study, client, study.params(), fresh=fresh, user="warm")
            keys += [str(request["key"]) for request in outcome.receipt["requests"]]  # pyright: ignore
            say(f"{slug}: {time.perf_counter() - started:.1f} s")
    if ship is not None and isinstance(client, Exporter):
        _write_shipped(client, keys, ship)
        say(f"{len(keys)} answers written to {ship}")
    return keys


def _write_shipped(client: Exporter, keys: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(f"*{SHIPPED_SUFFIX}"):
        if stale.stem not in keys:
            stale.unlink()
    for key in keys:
        (folder / f"{key}{SHIPPED_SUFFIX}").write_bytes(client.export(key))
