"""What the tabs open with is drawn before anybody asks for it.

Most of it is shipped as the models' answers; the arithmetic and the figures after them take a
minute of one processor for all tabs. A class that arrives all at once should not wait for that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from secrets import token_hex
from typing import TYPE_CHECKING

from panels.runs import Ask, NotMeasuredError
from workbench.errors import UnreachableError, WorkbenchError

if TYPE_CHECKING:
    from panels.page import Desk, StudyPanel

log = logging.getLogger(__name__)

AGAIN_S = 5.0
"""A model server that is not there yet is asked again after so long."""
READY_S = 0.2
SESSION = "preparing"


class Preparing:
    """Draws the first result of every study, one after another, main studies first.

    Only what is measured already: no model is loaded. What measures this very machine is left out.

    Args:
        desk: runs studies and keeps their results.
        panels: every study of the page.
    """

    def __init__(self, desk: Desk, panels: Sequence[StudyPanel]) -> None:
        self._desk = desk
        self._panels = sorted(
            (panel for panel in panels if not panel.study.is_local),
            key=lambda panel: "." in panel.study.slug,
        )
        self.drawn = 0
        self.is_done = False

    @property
    def count(self) -> int:
        """How many studies there are to draw."""
        return len(self._panels)

    async def run(self) -> None:
        """Draw them all; what nobody has measured yet is passed over."""
        if (workers := self._desk.workers) is not None:
            workers.start()
            while not workers.is_ready:  # in this process people come first
                await asyncio.sleep(READY_S)
        for panel in self._panels:
            while not await self._is_settled(panel):
                await asyncio.sleep(AGAIN_S)
        self.is_done = True
        log.info("%d of %d studies are drawn", self.drawn, self.count)

    async def _is_settled(self, panel: StudyPanel) -> bool:
        ask = Ask(SESSION, mode="fill", measures=panel.run == "button", trace=token_hex(8))
        try:
            async for _ in self._desk.runner.run(panel.study, panel.study.params(), ask):
                pass
        except UnreachableError:
            return False
        except (NotMeasuredError, WorkbenchError):
            return True
        except Exception:
            log.exception("%s could not be drawn in advance", panel.study.slug)
            return True
        self.drawn += 1
        return True
