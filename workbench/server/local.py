"""Open a model server: the one at an address, or an engine in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.server.api import ModelClient
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.server.engine import Engine

SHIPPED_RESULTS = Path(__file__).parents[2] / "assets" / "results"
"""Answers measured by this project for the settings its tabs open with."""


def open_engine(settings: Settings) -> Engine:
    """An engine in this process with every operation and every model card."""
    from workbench.models.catalog import Catalog
    from workbench.server.engine import Engine
    from workbench.server.operations.catalog import OPERATIONS

    return Engine(settings, Catalog(settings), OPERATIONS, shipped=SHIPPED_RESULTS)


RESTART_S = 10.0
"""A server that is restarted is back in so long: work that had begun waits for it."""


def open_client(settings: Settings) -> ModelClient:
    """The model server that the settings name; without an address, an engine in this process."""
    if settings.server_url:
        from workbench.server.client import HttpClient

        token = settings.token.get_secret_value()
        return HttpClient(settings.server_url, token=token, patience_s=RESTART_S)
    return open_engine(settings)
