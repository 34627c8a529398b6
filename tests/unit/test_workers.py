"""Studies computed and drawn in processes of their own: the same answers, and never none."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from panels import attention
from panels.publishing import Published, compute_and_publish
from panels.workers import LONG_S, Workers, _Offered
from tests.browser import toy
from workbench.errors import InputError
from workbench.methods.catalog import find_study
from workbench.study import Gathered, gather

WAIT_S = 120.0
STUDY = find_study("attention.transition")
PROCESS = """
import sys, time
from panels.workers import Workers
if __name__ == "__main__":
    workers = Workers(1)
    workers.start()
    while not workers.is_ready:
        time.sleep(0.05)
    print(*(process.pid for process in workers._pool._processes.values()), flush=True)
    time.sleep(600)
"""


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def gathered(**changes: Any) -> Gathered[Any, Any]:
    return gather(STUDY, toy.ToyClient(), replace(STUDY.params(), **changes))


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with closing(Workers(1)) as started:
        started.start()
        wait_until(lambda: started.is_ready)
        yield started


def test_until_a_process_is_ready_the_work_is_left_to_the_caller() -> None:
    with closing(Workers(1)) as workers:
        assert workers.make(STUDY, gathered()) is None
        workers.start()
        assert not workers.is_ready  # it has everything to import yet


def without_receipt(published: Published) -> dict[str, bytes]:
    """The bodies but the one that holds times of this run."""
    return {a: body for a, body in published.bodies.items() if a != published.address}


def test_another_process_draws_the_very_same(workers: Workers) -> None:
    page = _Offered()
    attention.build(page)  # type: ignore[arg-type]  it takes a page's place
    study, views, offers = page.studies[STUDY.slug]
    asked = gathered(accuracy_power=2.0)
    there = workers.make(STUDY, asked)
    here = compute_and_publish(study, asked, views, offers)
    assert there is not None
    assert there.receipt["summary_sha256"] == here.receipt["summary_sha256"]
    assert without_receipt(there) == without_receipt(here) != {}
    assert there.address in there.bodies


def test_what_a_method_refuses_is_refused_with_its_own_error(workers: Workers) -> None:
    study = find_study("attention.peers")
    asked = gather(study, toy.ToyClient(), study.params(tokens=256))
    unfit = replace(asked.inputs, queries=np.full_like(asked.inputs.queries, np.nan))
    with pytest.raises(InputError, match="not finite"):
        workers.make(study, replace(asked, inputs=unfit))
    assert workers.make(STUDY, gathered()) is not None


def test_of_two_processes_long_sums_take_one_and_leave_the_other_to_quick_ones() -> None:
    with closing(Workers(2)) as workers:
        workers._pool = _Pool()  # type: ignore[assignment]  tasks end when they are told to
        workers._starting = [Future()]
        workers._starting[0].set_result(None)
        workers._seconds[STUDY.slug] = 2 * LONG_S
        asked = [threading.Thread(target=workers.make, args=[STUDY, gathered()]) for _ in range(2)]
        for each in asked:
            each.start()
        quick = find_study("attention.matrices")
        asked.append(
            threading.Thread(
                target=workers.make,
                args=[quick, gather(quick, toy.ToyClient(), quick.params())],
            )
        )
        asked[-1].start()
        begun = [workers._pool.begun.get(timeout=WAIT_S) for _ in range(2)]
        assert sorted(slug for slug, _ in begun) == [quick.slug, STUDY.slug]
        assert workers._pool.begun.empty()  # the second long one waits for the first
        for _, task in begun:
            task.set_result((None, 2 * LONG_S))
        slug, last = workers._pool.begun.get(timeout=WAIT_S)
        assert slug == STUDY.slug
        last.set_result((None, 2 * LONG_S))
        for each in asked:
            each.join(WAIT_S)


class _Pool:
    """Takes tasks and tells of them; whoever reads that ends them."""

    def __init__(self) -> None:
        self.begun: queue.Queue[tuple[str, Future[Any]]] = queue.Queue()

    def submit(self, _function: object, task: bytes) -> Future[Any]:
        future: Future[Any] = Future()
        self.begun.put((pickle.loads(task)[0], future))  # noqa: S301  written by the test
        return future

    def shutdown(self, **_how: object) -> None:
        """Nothing to end."""


def test_what_cannot_be_handed_on_is_left_to_the_caller(workers: Workers) -> None:
    assert workers.make(STUDY, replace(gathered(), inputs=lambda: None)) is None


def test_a_process_that_dies_leaves_the_work_to_the_caller_and_is_replaced(
    workers: Workers,
) -> None:
    (victim,) = (p for p in multiprocessing.active_children() if p.name.startswith("Spawn"))
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    victim.join(WAIT_S)
    wait_until(lambda: workers.make(STUDY, gathered()) is None or workers.is_ready)
    wait_until(lambda: workers.make(STUDY, gathered()) is not None)


def test_the_processes_end_when_the_page_is_killed() -> None:
    page = subprocess.Popen([sys.executable, "-c", PROCESS], stdout=subprocess.PIPE, text=True)
    assert page.stdout
    (worker,) = map(int, page.stdout.readline().split())
    page.kill()
    page.wait(WAIT_S)
    page.stdout.close()

    def has_ended() -> bool:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return True
        return False

    wait_until(has_ended)


def test_a_process_that_draws_imports_neither_gradio_nor_a_model_library() -> None:
    looked = (
        "import sys; from panels.workers import _import_tabs; _import_tabs(); "
        "print(sorted({'gradio', 'torch', 'transformers', 'open_clip'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", looked], capture_output=True, text=True, check=True
    )
    assert said.stdout == "[]\n"


def test_after_the_end_the_work_is_left_to_the_caller() -> None:
    workers = Workers(1)
    workers.close()
    workers.start()
    assert workers.make(STUDY, gathered()) is None
