"""Processes beside the page's own, in which studies are computed and drawn.

In one process Python runs one thread at a time: while it adds up a study for somebody, everybody
else's answers, however small, wait for their turn again and again. So the page hands the sums on
and stays free to answer. The processes import neither Gradio nor a model library.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import Any, Literal

from panels.publishing import Offers, Published, compute_and_publish
from panels.view import View
from workbench.study import Gathered, Study

log = logging.getLogger(__name__)

NICENESS = 3
"""The page itself and the model server go first, by a little."""
LONG_S = 1.0
"""A study that takes longer leaves a process to the others."""


class Workers:
    """Some processes that compute and draw the studies of the workbench's own tabs.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._starting: list[Future[None]] = []
        self._is_closed = False
        self._seconds: dict[str, float] = {}
        self._long = threading.BoundedSemaphore(max(1, count - 1))

    def start(self) -> None:
        """Start the processes; until one is ready, ``make`` leaves the work to its caller."""
        with self._lock:
            if self._pool is not None or self._is_closed:
                return
            self._pool = ProcessPoolExecutor(
                self._count,
                # a fork would copy locks that other threads hold
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
            )
            # one is started for each task that finds none idle
            self._starting = [self._pool.submit(_import_tabs) for _ in range(self._count)]

    @property
    def is_ready(self) -> bool:
        """Whether a process has imported what it needs."""
        return any(each.done() and not each.exception() for each in self._starting)

    def make(self, study: Study[Any, Any, Any], gathered: Gathered[Any, Any]) -> Published | None:
        """Compute and draw in another process.

        Returns:
            What the page shows, or ``None`` where no process can do it: none is ready, one died
            over it, or what was gathered cannot be handed on. The caller then does it itself.

        Raises:
            WorkbenchError: what the method refused.
        """
        pool = self._pool
        if pool is None or not self.is_ready:
            return None
        try:
            task = pickle.dumps((study.slug, gathered))
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            log.warning("%s is computed in the page's own process: %s", study.slug, error)
            return None
        is_long = self._seconds.get(study.slug, 0.0) > LONG_S
        try:
            # or a quick answer would wait for two long sums
            with self._long if is_long else contextlib.nullcontext():
                published, self._seconds[study.slug] = pool.submit(_work, task).result()
            return published
        except (BrokenProcessPool, RuntimeError) as error:  # or it was shut down in between
            if not isinstance(error, BrokenProcessPool) and not self._is_closed:
                raise
            self._begin_anew(pool)
            return None

    def _begin_anew(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is not broken or self._is_closed:
                return  # somebody else has noticed before
            log.warning("a process that draws died; others are started in its place")
            self._pool, self._starting = None, []
        broken.shutdown(wait=False)
        self.start()

    def close(self) -> None:
        """End the processes; what they were doing is dropped."""
        with self._lock:
            self._is_closed = True
            pool, self._pool, self._starting = self._pool, None, []
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


class _Offered:
    """Takes the place of a tab's page where nothing is shown: it only remembers what is offered."""

    def __init__(self) -> None:
        self.studies: dict[str, tuple[Study, tuple[View, ...], Offers]] = {}

    def study(
        self,
        study: Study,
        *,
        figures: Sequence[View],
        run: Literal["auto", "button"],
        offers: Offers | None = None,
        **others: object,
    ) -> None:
        """Remember a study with its views; for the rest see ``panels.page.Page.study``."""
        del run, others
        self.studies[study.slug] = study, tuple(figures), offers or {}


_offered = _Offered()


def _begin() -> None:
    """Make this process one that works for another and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the page, which ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=[parent.sentinel], daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process when the page's does, also when that is killed."""
    connection.wait([sentinel])
    os._exit(0)


def _import_tabs() -> None:
    from threadpoolctl import threadpool_limits

    from workbench.methods.catalog import METHODS

    for method in METHODS:
        importlib.import_module(f"panels.{method.slug}").build(_offered)
    threadpool_limits(1)  # there are as many processes as cores


def _work(task: bytes) -> tuple[Published, float]:
    """What the page shows, and how many seconds of a processor it took."""
    began = time.process_time()
    slug, gathered = pickle.loads(task)  # noqa: S301  the page's own process wrote it
    if slug not in _offered.studies:
        _import_tabs()
    study, views, offers = _offered.studies[slug]
    published = compute_and_publish(study, gathered, views, offers)
    return published, time.process_time() - began
