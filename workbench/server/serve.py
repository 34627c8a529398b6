"""Run the model server: uvicorn with limits and an orderly end."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from workbench.errors import InputError
from workbench.server.devices import may_have_accelerator
from workbench.server.exposure import check_exposure
from workbench.server.jobs import ServedClient
from workbench.server.stopping import GRACE_S, end_in_order
from workbench.server.supervisor import CAN_FORK, Supervisor, import_libraries
from workbench.server.versions import workbench_version
from workbench.settings import Settings

log = logging.getLogger(__name__)


class EndingServer(uvicorn.Server):
    """A uvicorn server that says as soon as it begins to end, while requests are still open."""

    def __init__(self, config: uvicorn.Config, on_ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ending = on_ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_ending()
        await super().shutdown(sockets)


def make_server(app: ASGIApp, on_ending: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """A uvicorn server for sockets that its caller opens.

    Args:
        app: what it serves.
        on_ending: called once when it is told to stop; it should be quick.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",  # not uvloop, which other packages may bring: the same everywhere
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",  # this module says when it starts and stops
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=32 * 1024,
        timeout_keep_alive=75,  # longer than clients keep a connection, so that they close first
        timeout_graceful_shutdown=GRACE_S,
    )
    return EndingServer(config, on_ending)


def open_socket(host: str, port: int) -> socket.socket:
    """Listen on an address.

    Raises:
        InputError: the address is taken or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, every answer
    # waits 40 ms for an acknowledgement
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), port))
        listening.listen(2048)  # from here on connections wait instead of being refused
    except OSError as error:
        listening.close()
        raise InputError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. "
            "Choose another --port, or stop what uses it."
        ) from error
    return listening


@contextlib.contextmanager
def running_server(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an app from a thread of this process while the block runs; yields its address."""
    server = make_server(app)
    with open_socket(host, port) as listening:
        address = f"http://{host}:{listening.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([listening],), name="uvicorn")
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()


def serve_engine(engine: ServedClient, settings: Settings, *, host: str, port: int) -> None:
    """Serve an engine over HTTP until the process is told to stop; the engine stays open.

    Raises:
        InputError: the address is taken, or it is open to the network and there is no token.
        SystemExit: after SIGTERM, once open requests have had ``GRACE_S`` to finish, and what runs
            then ``settings.grace_s``.
        KeyboardInterrupt: the same after SIGINT.
    """
    check_exposure(host, settings.token.get_secret_value())
    with open_socket(host, port) as listening:
        _serve_on(listening, engine, settings)


def _serve_on(listening: socket.socket, engine: ServedClient, settings: Settings) -> None:
    from workbench.server.http import create_app

    app = create_app(engine, settings, version=workbench_version(), grace_s=settings.grace_s)
    # uvicorn sends itself the signal again when it has finished; let it end in order
    signal.signal(signal.SIGTERM, end_in_order)
    host, port = listening.getsockname()[:2]
    log.info("serving on http://%s:%d", host, port)
    try:
        make_server(app, engine.hand_back).run([listening])
    finally:
        log.info("stopped serving")


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Serve the workbench's models over HTTP until the process is told to stop.

    Where processes can be forked, the server is kept up by a supervisor, which imports the heavy
    libraries once for all of them; not where there may be an accelerator, whose state a fork must
    not inherit.

    Raises:
        InputError: the address is taken, or it is open to the network and there is no token.
        BugError: the server dies again and again.
        SystemExit: after SIGTERM.
    """
    check_exposure(host, settings.token.get_secret_value())
    from workbench.server.local import open_engine

    def serve_alone(listening: socket.socket) -> None:
        with contextlib.closing(open_engine(settings)) as engine:
            _serve_on(listening, engine, settings)

    with open_socket(host, port) as listening:
        if not CAN_FORK:
            serve_alone(listening)
            return
        if not may_have_accelerator():
            import_libraries()
        Supervisor(serve_alone, listening).run()
