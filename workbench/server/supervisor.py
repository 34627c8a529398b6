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
from dataclasses import dataclass

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


@dataclass
class _Server:
    """A forked server.

    Args:
        process: its number.
        held: one end of a pipe; when it closes, with this process, the server ends.
        told_at: when it was last told to end.
    """

    process: int
    held: int
    told_at: float = -TELL_AGAIN_S

    def tell_to_end(self) -> None:
        """Tell it, now and then: a process that is just starting may not hear it at first."""
        if time.monotonic() - self.told_at >= TELL_AGAIN_S:
            os.kill(self.process, signal.SIGTERM)
            self.told_at = time.monotonic()

    def ended(self) -> int | None:
        """Its exit status, or minus the signal that did it; ``None`` while it runs."""
        process, status = os.waitpid(self.process, os.WNOHANG)
        if not process:
            return None
        os.close(self.held)
        return os.waitstatus_to_exitcode(status)


class Supervisor:
    """Runs a server in a process of its own and starts it again when that dies.

    SIGTERM and SIGINT end both in order. SIGHUP renews the server: its successor takes over the
    address at once, and it ends in order, finishing what runs.

    Args:
        serve: serves on a listening socket until it is told to stop; called in each new process.
        listening: where the server listens.
    """

    def __init__(self, serve: Callable[[socket.socket], None], listening: socket.socket) -> None:
        self._serve = serve
        self._listening = listening
        self._is_ending = False
        self._is_renewing = False
        self._leaving: list[_Server] = []

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
            status = self._serve_until_death()
            if self._is_ending:
                self._wait_for_those_who_leave()
                raise SystemExit(status)
            deaths.append(time.monotonic())
            if len(deaths) == MOST_DEATHS and deaths[-1] - deaths[0] < WITHIN_S:
                raise BugError(
                    f"The model server died {MOST_DEATHS} times within {WITHIN_S:g} s, last with "
                    f"status {status}; see the log above."
                )
            log.error("the model server died with status %d; it is started again", status)

    def _serve_until_death(self) -> int:
        """Fork a server, and its successors when it is renewed: the last one's exit status."""
        serving = self._fork()
        while (status := serving.ended()) is None:
            if self._is_ending:
                serving.tell_to_end()
            elif self._is_renewing:
                self._is_renewing = False
                self._leaving.append(serving)
                serving = self._fork()
                log.info("renewed: another process serves from now on")
            self._see_off()
            time.sleep(LOOK_S)
        return status

    def _see_off(self) -> None:
        """Tell those who are to leave, and forget those who have left."""
        for server in list(self._leaving):
            if server.ended() is None:
                server.tell_to_end()
            else:
                self._leaving.remove(server)

    def _wait_for_those_who_leave(self) -> None:
        while self._leaving:
            self._see_off()
            time.sleep(LOOK_S)

    def _fork(self) -> _Server:
        watched, held = os.pipe()
        child = os.fork()
        if child == 0:
            for end in (held, *(server.held for server in self._leaving)):
                os.close(end)  # or those who leave would outlive the supervisor
            self._be_the_server(watched)
        os.close(watched)
        return _Server(child, held)

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
