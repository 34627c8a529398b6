"""What a run that was left had measured anew, so that the next one goes on from there.

Answers are kept in the server's cache. Yet who asks to measure again wants no older answer: which
ones are already of the new measurement is known here.
"""

from __future__ import annotations

import threading
from typing import Any

from panels.sharing import key_of
from workbench.study import Study

REMEMBERED = 256
"""So many runs that were left are known; sessions end without saying so."""


class Unfinished:
    """Names of the requests that were answered, by session and study; only its last run counts."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, str], tuple[str, set[str]]] = {}
        self._guard = threading.Lock()

    def take(self, session: str, study: Study, params: Any) -> set[str]:
        """What the last run measured, if it was left and had the same parameters."""
        with self._guard:
            key, measured = self._left.pop((session, study.slug), ("", set[str]()))
        return measured if key == key_of(study, params) else set()

    def keep(self, session: str, study: Study, params: Any, measured: set[str]) -> None:
        """Remember a run that was left; the oldest of too many is forgotten."""
        with self._guard:
            self._left[session, study.slug] = key_of(study, params), measured
            if len(self._left) > REMEMBERED:
                del self._left[next(iter(self._left))]
