"""How a process that serves is stopped: in order, and not for ever."""

from __future__ import annotations

GRACE_S = 5
"""How long open requests may go on after the server was asked to stop."""
ENDING = "The model server is being stopped; ask again when it is back."


def end_in_order(_signal: int, _frame: object) -> None:
    """What SIGTERM does to a server that has come to its end: close everything, status 0."""
    raise SystemExit(0)
