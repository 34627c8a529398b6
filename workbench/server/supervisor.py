"""Keeps the model server up: if its process dies, another is forked that has everything imported.

PyTorch, transformers and open_clip take ten seconds of a processor to import. A process that has
done nothing else can be forked in milliseconds, so a server that was killed, or is to be renewed,
is back before people notice. The address stays open meanwhile: who connects waits.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

from workbench.errors import BugError

log = logging.getLogger(__name__)

LIBRARIES = (
    "torch",
    "transformers.models.llama.modeling_llama",  # of the default models
    "transformers.models.bert.modeling_bert",
    "open_clip",
    "workbench.models.catalog",
    "workbench.server.engine",
    "workbench.server.http",
    "workbench.server.operations.catalog",
)
MOST_DEATHS = 5
WITHIN_S = 60.0
"""A server that dies more often than this has something that starting it again does not mend."""

LOOK_S = 0.05
TELL_AGAIN_S = 2.0

CAN_FORK = sys.platform == "linux"
"""Elsewhere the system's own libraries may not survive a fork."""


def import_libraries() -> None:
    """Import what a server and its models need; what is missing is said when it is needed."""
    for name in LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            log.warning("cannot import %s: %s", name, error)


class Supervisor:
    """Runs a server in a process of its own and starts it again when that dies.

    SIGTERM and SIGINT end both in order. SIGHUP renews the server: it ends in order, and its
    successor takes over the address.

    Args:
        serve: serves on a listening socket until it is told to stop; called in each new process.
        listening: where the server listens.
    """

    def __init__(self, serve: Callable[[socket.socket], None], listening: socket.socket) -> None:
        self._serve = serve
        self._listening = listening
        self._is_ending = False
        self._is_renewing = False

    def run(self) -> None:
        """Supervise until told to stop.

        Raises:
            BugError: the server dies again and again.
            SystemExit: after SIGTERM or SIGINT, with the server's own status.
        """
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        signal.signal(signal.SIGHUP, self._renew)
        deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        while True:
            status = self._run_once()
            if self._is_ending:
                raise SystemExit(status)
            if self._is_renewing:
                self._is_renewing = False
                log.info("renewed: another process serves now")
                continue
            deaths.append(time.monotonic())
            if len(deaths) == MOST_DEATHS and deaths[-1] - deaths[0] < WITHIN_S:
                raise BugError(
                    f"The model server died {MOST_DEATHS} times within {WITHIN_S:g} s, last with "
                    f"status {status}; see the log above."
                )
            log.error("the model server died with status %d; it is started again", status)

    def _run_once(self) -> int:
        """Fork a server and wait for its end: its exit status, or minus the signal that did it."""
        watched, held = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(held)
            self._be_the_server(watched)
        os.close(watched)
        status = self._wait(child)
        os.close(held)
        return os.waitstatus_to_exitcode(status)

    def _wait(self, child: int) -> int:
        told_at = 0.0
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
            is_told = self._is_ending or self._is_renewing
            if is_told and time.monotonic() - told_at > TELL_AGAIN_S:
                # a process that is just starting may not hear it the first time
                os.kill(child, signal.SIGTERM)
                told_at = time.monotonic()
            time.sleep(LOOK_S)

    def _be_the_server(self, watched: int) -> None:
        """What the forked process does; it never returns."""
        status = 1
        try:
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            threading.Thread(target=_end_with_the_parent, args=[watched], daemon=True).start()
            self._serve(self._listening)
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        except KeyboardInterrupt:
            status = 0
        except BaseException:
            log.exception("the model server ended with an error")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)  # what the parent registered for its own end is not this process's

    def _end(self, _number: int, _frame: object) -> None:
        self._is_ending = True

    def _renew(self, _number: int, _frame: object) -> None:
        self._is_renewing = True


def _end_with_the_parent(watched: int) -> None:
    """End this process at once when the supervisor was killed: else it would keep the address."""
    os.read(watched, 1)  # nothing is ever written; it returns when the other end is gone
    os._exit(1)
