"""Serve the page: find a port, print the address, import the heavy libraries once all is quiet."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from panels.access import Access
from panels.ending import Ending
from panels.memory import give_memory_back
from panels.preparing import Preparing
from panels.workers import Workers
from workbench.errors import InputError
from workbench.server.api import ModelClient
from workbench.server.exposure import is_loopback
from workbench.server.stopping import GRACE_S, end_in_order

log = logging.getLogger(__name__)

HEAVY_LIBRARIES = ("torch", "transformers")
"""Imported in the background once the first page stands, so that the first model loads sooner."""
QUIET_S = 5.0


def choose_port(host: str, port: int | None, default: int) -> int:
    """A free port: the one asked for (0: any), else the default or one of the 19 after it.

    Raises:
        InputError: the port asked for is taken, or none of the 20 is free.
    """
    candidates = [port] if port is not None else range(default, default + 20)
    for candidate in candidates:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except (OSError, OverflowError):
                continue
            return probe.getsockname()[1]
    taken = f"Port {port} is" if port is not None else f"Ports {default} to {default + 19} are"
    raise InputError(f"{taken} taken or not allowed on {host}; choose another with --port.")


def check_page_exposure(host: str, *, has_password: bool, is_open: bool) -> None:
    """Refuse to show the page beyond this machine by accident.

    Raises:
        InputError: says how to set a password, or to go without.
    """
    if not has_password and not is_open and not is_loopback(host):
        raise InputError(
            f"Listening on {host} would open the page to everybody on the network. Give it a "
            "password, WORKBENCH_PASSWORD=... python launch.py --host ..., or say that none is "
            "wanted with --open."
        )


def serve_page(  # noqa: PLR0913  one command's settings
    client: ModelClient,
    *,
    host: str,
    port: int,
    version: str,
    import_heavy_libraries: bool,
    say: Callable[[str], None],
    password: str = "",
    grace_s: float = 20.0,
) -> None:
    """Serve the page until it is told to stop; then what runs may finish.

    Args:
        client: the model server that the tabs use.
        host: address to listen on.
        port: port to listen on.
        version: the workbench's version.
        import_heavy_libraries: import torch and transformers once the first page stands (the
            engine is in this process).
        say: called with the address once the page answers.
        password: people are asked for it; empty for none.
        grace_s: what runs when the page is stopped may go on for so many seconds.

    Raises:
        SystemExit: after SIGTERM.
        KeyboardInterrupt: after SIGINT.
    """
    if not import_heavy_libraries:
        give_memory_back()
    from panels.app import build_app  # gradio takes seconds to import: first the port, then it

    access = Access(password, local_only=is_loopback(host) and not password)
    workers = Workers(os.cpu_count() or 1)
    page = build_app(client, version=version, access=access, workers=workers)
    app: ASGIApp = page
    if import_heavy_libraries:
        app = OnceQuiet(app, _import_heavy_libraries, quiet_s=QUIET_S)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,  # longer than clients keep a connection, so that they close first
        timeout_graceful_shutdown=GRACE_S,
    )
    shown_host = f"[{host}]" if ":" in host else host
    # uvicorn sends itself the signal again when it has finished; let it end in order
    signal.signal(signal.SIGTERM, end_in_order)
    with contextlib.closing(workers):
        PageServer(
            config,
            lambda: say(f"The workbench is at http://{shown_host}:{port} (Ctrl-C stops it)"),
            ending=page.state.ending,
            grace_s=grace_s,
            preparing=page.state.preparing,
        ).run()


class OnceQuiet:
    """Wraps an application and does something once, when requests have come and then paused.

    Importing torch holds the interpreter for seconds; the first page should not wait for it.
    """

    def __init__(self, app: ASGIApp, action: Callable[[], None], *, quiet_s: float) -> None:
        self._app = app
        self._action = action
        self._quiet_s = quiet_s
        self._timer: threading.Timer | None = None
        self._done = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._done:
            self._postpone()
        await self._app(scope, receive, send)

    def _postpone(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._quiet_s, self._act)
        self._timer.daemon = True
        self._timer.start()

    def _act(self) -> None:
        self._done = True
        self._action()


class PageServer(uvicorn.Server):
    """A uvicorn server that says when it listens, and lets what runs finish when it is stopped.

    Once it listens it draws what the tabs open with. When it is stopped, the page answers until
    what runs is finished, so that a browser can fetch what it was told of. A second Ctrl-C ends it
    at once.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        on_listening: Callable[[], None],
        *,
        ending: Ending,
        grace_s: float,
        preparing: Preparing | None = None,
    ) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._ending = ending
        self._grace_s = grace_s
        self._preparing = preparing
        self._prepared: asyncio.Task[None] | None = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._prepared is not None:
            self._prepared.cancel()
        await self._ending.end(self._grace_s, lambda: self.force_exit)
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_listening()
            if self._preparing is not None:
                self._prepared = asyncio.create_task(self._preparing.run())


def _import_heavy_libraries() -> None:
    for name in HEAVY_LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError:
            log.exception("cannot import %s; models will not load", name)
            return
