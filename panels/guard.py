"""Errors said kindly: what a person can act on in plain words, anything else by a reference."""

from __future__ import annotations

import html
import logging
import uuid
from dataclasses import dataclass
from typing import Literal

from workbench.errors import (
    BugError,
    BusyError,
    CancelledError,
    InputError,
    OutsideError,
    UnreachableError,
    WorkbenchError,
)

log = logging.getLogger(__name__)

Kind = Literal["input", "busy", "unreachable", "cancelled", "other", "bug"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the page says when something did not work.

    Args:
        kind: decides the icon and whether the page waits for the server to come back.
        text: one plain sentence; not yet escaped.
    """

    kind: Kind
    text: str

    @property
    def html(self) -> str:
        """The sentence, safe to stand in a page."""
        return html.escape(self.text)


_KINDS: tuple[tuple[type[WorkbenchError], Kind], ...] = (
    (InputError, "input"),
    (BusyError, "busy"),
    (OutsideError, "other"),  # the model server answers: the page does not wait for it
    (UnreachableError, "unreachable"),
    (CancelledError, "cancelled"),
    (BugError, "bug"),
    (WorkbenchError, "other"),
)


def explain(error: Exception, reference: str = "") -> Complaint:
    """Say an error in a sentence; log what is not a ``WorkbenchError`` under a reference.

    Args:
        error: what went wrong.
        reference: name of the run in the logs; one is made if there is none.
    """
    for known, kind in _KINDS:
        if isinstance(error, known):
            return Complaint(kind, str(error))
    reference = reference or uuid.uuid4().hex[:8]
    log.error("bug %s", reference, exc_info=error)
    return Complaint(
        "bug", f"Something broke that should not have. Please report the reference {reference}."
    )
