"""An engine that is told to finish: what runs comes to its end, what waits is handed back."""

from __future__ import annotations

import threading

import pytest

from tests.server.engine.conftest import ask
from tests.server.engine.stage import PATIENCE_S, Stage
from workbench.errors import UnreachableError
from workbench.server.engine import Engine


def test_what_runs_is_finished_and_what_waits_is_handed_back_at_once(
    engine: Engine, stage: Stage
) -> None:
    running = engine.submit(ask("a"))
    assert stage.wait_for_batch() == ["a"]
    waiting = [engine.submit(ask("b")), engine.submit(ask("c"))]
    ending = threading.Thread(target=engine.finish, args=(PATIENCE_S,))
    ending.start()
    for job in waiting:
        with pytest.raises(UnreachableError, match="ask again when it is back"):
            job.result(PATIENCE_S)
    assert not running.done
    with pytest.raises(UnreachableError, match="ask again when it is back"):
        engine.submit(ask("d"))
    stage.open()
    ending.join(PATIENCE_S)
    assert not ending.is_alive()
    assert running.result(0).values["name"] == "a"
    assert stage.batches == [["a"]]


def test_an_idle_engine_is_finished_at_once(engine: Engine) -> None:
    engine.finish(1e6)


def test_what_takes_longer_than_the_patience_is_cut_off_and_said(
    engine: Engine, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    engine.submit(ask("a"))
    stage.wait_for_batch()
    engine.finish(0.01)
    assert "cut off" in caplog.text
    stage.open()


def test_an_answer_that_is_there_already_is_still_given(engine: Engine, stage: Stage) -> None:
    stage.open()
    job = engine.submit(ask("a"))
    job.result(PATIENCE_S)
    engine.finish(0)
    assert job.result(0).values["name"] == "a"
