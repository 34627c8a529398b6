"""Errors a person can act on: what was wrong, what is allowed, what to do next.

    WorkbenchError             catch this to show any of them          HTTP
    ├── InputError             change an input                          422
    │   ├── TooLargeError      the request is larger than is allowed    413
    │   └── UnknownNameError   no such method, model, operation …       404
    │       └── UnknownJobError   the server no longer knows this job  404
    ├── NotAllowedError        give the right token                     401
    ├── BusyError              the server is full: try again soon       429
    ├── DeadlineError          the request ran out of time              504
    ├── CancelledError         somebody asked for it to stop            499
    ├── UnreachableError       no server, endpoint or network answers   503
    │   ├── HandedBackError    the server is being stopped: ask again   503
    │   └── OutsideError       something that the server needs is away  503
    ├── AssetError             a file is missing or damaged             500
    └── BugError               anything else, with a reference          500

Whatever is not a ``WorkbenchError`` is a bug: the engine, the HTTP server and the page log it
under a short reference and show only that reference.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import ClassVar


class WorkbenchError(Exception):
    """Something a person can act on; ``str(error)`` is one plain sentence for them."""

    status: ClassVar[int] = 500
    """The HTTP status that carries this error."""


class InputError(WorkbenchError):
    """An input is out of range, of the wrong type or too large."""

    status = 422


class TooLargeError(InputError):
    """A request has more bytes than the server takes."""

    status = 413


class UnknownNameError(InputError):
    """A name that is not in its catalogue; the message gives the nearest one."""

    status = 404

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """Build the message "No <kind> called <name>. Did you mean <nearest>?".

        Args:
            kind: what was looked up, a singular noun ("model").
            name: what was asked for; shortened when it is long.
            known: every name that would have been accepted.
        """
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(names) or 'none'}."
        return cls(f"No {kind} called {name[:80]!r}. {hint}")


class UnknownJobError(UnknownNameError):
    """The server does not know this job: it was restarted, or the job ended long ago."""


class NotAllowedError(WorkbenchError):
    """The token is missing or wrong."""

    status = 401


class BusyError(WorkbenchError):
    """The queue is full or the model does not fit beside what is in use."""

    status = 429

    def __init__(self, message: str, *, retry_after_s: float = 2.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineError(WorkbenchError):
    """The request was not finished within its deadline."""

    status = 504


class CancelledError(WorkbenchError):
    """The request was cancelled before it was finished."""

    status = 499


class UnreachableError(WorkbenchError):
    """A server, an endpoint or the network does not answer."""

    status = 503


class HandedBackError(UnreachableError):
    """The server is being stopped and gave the request back; its successor will answer it."""


class OutsideError(UnreachableError):
    """An endpoint, the hub or a package index does not answer; the model server itself does."""


class AssetError(WorkbenchError):
    """A file the workbench needs is missing or damaged; the message says how to get it back."""

    status = 500


class BugError(WorkbenchError):
    """An unexpected failure, logged on the server under the reference in the message."""

    status = 500


def _descendants(base: type[WorkbenchError]) -> Iterable[type[WorkbenchError]]:
    yield base
    for child in base.__subclasses__():
        yield from _descendants(child)


def to_wire(error: WorkbenchError) -> dict[str, object]:
    """Describe an error as plain JSON: class name, message and, when busy, when to come back."""
    body: dict[str, object] = {"error": type(error).__name__, "message": str(error)}
    if isinstance(error, BusyError):
        body["retry_after_s"] = error.retry_after_s
    return body


def from_wire(body: Mapping[str, object]) -> WorkbenchError:
    """Rebuild the error that ``to_wire`` described; an unknown class becomes ``BugError``."""
    classes = {cls.__name__: cls for cls in _descendants(WorkbenchError)}
    cls = classes.get(str(body.get("error")), BugError)
    message = str(body.get("message", "The server gave no reason."))
    if cls is BusyError:
        return BusyError(message, retry_after_s=float(str(body.get("retry_after_s", 2.0))))
    return cls(message)
