"""The engine as a whole: what it refuses, counts, logs, shares between processes, and its end."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.server.engine.conftest import MakeEngine, ask, next_event
from tests.server.engine.stage import PATIENCE_S, Stage
from workbench.errors import (
    BugError,
    CancelledError,
    InputError,
    UnknownJobError,
    UnknownNameError,
    UnreachableError,
)
from workbench.server.api import Request
from workbench.server.cache import write_shipped
from workbench.server.engine import Engine
from workbench.server.versions import package_versions


class TestRefusals:
    @pytest.mark.parametrize(
        ("request_", "message"),
        [
            (Request("stage.singel"), "Did you mean stage.single"),
            (ask("a", dtype="float23"), "Did you mean float32"),
            (ask("a", seed=-1), "The seed is -1; choose a whole number from 0"),
            (ask("a", seed=True), "The seed is True"),
            (ask("a", seed=2**63), "choose a whole number from 0 to"),
            (ask("a", deadline_s=0), "The deadline is 0; choose a number of seconds above 0"),
            (ask("a", deadline_s=float("nan")), "The deadline is nan"),
            (ask("a", user=""), "The user must be text of 1 to 200 characters"),
            (ask("a", user="x" * 201), "The user must be text"),
            (ask("a", wrong=1), "The argument wrong is wrong; leave it out"),
            (ask("a", x=float("inf")), "not finite"),
            (ask("a", x="\ud800"), "not plain JSON"),
            (ask("a", x=object()), "not plain JSON"),
            (ask("a", arrays={"x": np.array(["text"])}), "Array 'x' is of type str"),
            (ask("a", arrays={"x": np.array([object()])}), "which cannot be sent or kept"),
        ],
    )
    def test_a_wrong_request_is_refused_in_one_sentence_and_nothing_starts(
        self, engine: Engine, stage: Stage, request_: Request, message: str
    ) -> None:
        with pytest.raises(InputError, match=message) as info:
            engine.submit(request_)
        assert "\n" not in str(info.value)
        assert len(str(info.value)) < 300
        assert stage.batches == []
        status = engine.status()
        assert (status.queued, status.running) == (0, 0)

    def test_an_unknown_job_is_told_so(self, engine: Engine) -> None:
        with pytest.raises(UnknownJobError):
            engine.job("nothing")

    def test_a_job_is_found_by_its_unguessable_id(self, engine: Engine) -> None:
        jobs = [engine.submit(ask("a")), engine.submit(ask("a"))]
        assert [engine.job(job.id) for job in jobs] == jobs
        assert len({job.id for job in jobs}) == 2
        assert all(len(job.id) >= 24 for job in jobs)


class TestReceipts:
    def test_every_field_is_filled(self, engine: Engine, stage: Stage) -> None:
        stage.open()
        request = ask("a", "stage.model", model="small", dtype="bfloat16", seed=3)
        receipt = engine.call(request).receipt
        assert receipt.operation == "stage.model"
        assert receipt.operation_version == 1
        assert (receipt.model, receipt.model_digest) == ("small", "small 1")
        assert (receipt.dtype, receipt.device, receipt.seed) == ("bfloat16", "cpu", 3)
        assert re.fullmatch(r"[0-9a-f]{64}", receipt.key)
        assert re.fullmatch(r"[0-9a-f]{64}", receipt.arguments_digest)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", receipt.created)
        assert receipt.seconds > 0
        assert receipt.packages == package_versions()
        assert {"python", "numpy", "torch"} <= set(receipt.packages)

    def test_the_type_of_live_work_is_the_device_s(self, engine: Engine, stage: Stage) -> None:
        stage.open()
        live = engine.call(ask("a", "stage.model", model="small")).receipt
        measured = engine.call(ask("a", "stage.model", model="small", dtype="float32")).receipt
        assert live.dtype == "float32"
        assert measured.source == "memory"

    def test_who_asks_and_how_long_they_wait_is_not_in_the_key(
        self, engine: Engine, stage: Stage
    ) -> None:
        stage.open()
        first = engine.call(ask("a", user="x")).receipt
        second = engine.call(ask("a", user="y", deadline_s=9.0)).receipt
        assert second == replace(first, source="memory")


class TestTiers:
    def test_two_engines_share_one_folder(self, make_engine: MakeEngine, stage: Stage) -> None:
        stage.open()
        first = make_engine(disk_cache_mib=16)
        computed = first.call(ask("a", arrays={"x": np.arange(5)}))
        first._cache.disk.flush()
        second = make_engine(disk_cache_mib=16)
        read = second.call(ask("a", arrays={"x": np.arange(5)}))
        assert read.receipt == replace(computed.receipt, source="disk")
        assert read.values == computed.values
        np.testing.assert_array_equal(read.arrays["x"], computed.arrays["x"])
        assert stage.batches == [["a"]]
        assert second.status().counters["hits_disk"] == 1

    def test_shipped_answers_are_the_last_resort_and_told_as_such(
        self, make_engine: MakeEngine, stage: Stage, tmp_path: Path
    ) -> None:
        stage.open()
        shipped = tmp_path / "shipped"
        write_shipped(shipped, make_engine().call(ask("a")))
        engine = make_engine(shipped=shipped)
        assert [engine.call(ask("a")).receipt.source for _ in range(2)] == ["shipped", "shipped"]
        assert engine.call(ask("a", fresh=True)).receipt.source == "computed"
        assert engine.call(ask("a")).receipt.source == "memory"
        assert stage.batches == [["a"], ["a"]]

    def test_shipped_answers_need_no_device(
        self, make_engine: MakeEngine, stage: Stage, tmp_path: Path
    ) -> None:
        stage.open()
        request = ask("a", "stage.model", model="small", dtype="float32")
        write_shipped(tmp_path / "shipped", make_engine().call(request))
        engine = make_engine(shipped=tmp_path / "shipped")
        engine.call(request)
        assert engine._local.device is None
        assert engine.status().resident == ()

    def test_answers_flow_when_the_disk_cannot_be_used(
        self, make_engine: MakeEngine, stage: Stage, tmp_path: Path
    ) -> None:
        stage.open()
        in_the_way = tmp_path / "file"
        in_the_way.write_text("not a folder")
        engine = make_engine(home=in_the_way, disk_cache_mib=16)
        assert engine.call(ask("a")).receipt.source == "computed"
        assert engine.call(ask("a")).receipt.source == "memory"
        cache = engine.status().cache
        assert cache["on"] is False
        assert str(cache["note"]).startswith("off: ")


class TestStatus:
    def test_what_waits_and_runs_is_counted(self, engine: Engine, stage: Stage) -> None:
        jobs = [engine.submit(ask(f"{number}")) for number in range(3)]
        stage.wait_for_batch()
        status = engine.status()
        assert (status.running, status.queued) == (1, 2)
        stage.open()
        for job in jobs:
            job.result(PATIENCE_S)
        status = engine.status()
        assert (status.running, status.queued) == (0, 0)
        counters = status.counters
        assert (counters["requests"], counters["executions"], counters["batches"]) == (3, 3, 3)
        assert counters["busy_seconds"] > 0
        assert (status.device, status.device_name) == ("cpu", "a stage")
        assert status.uptime_s > 0

    def test_observers_are_told_every_measurement(self, engine: Engine, stage: Stage) -> None:
        seen: list[tuple[str, str, float]] = []
        engine.observe(lambda *measurement: seen.append(measurement))
        stage.open()
        engine.call(ask("a", "stage.model", model="small"))
        measures = {measure: (name, value) for measure, name, value in seen}
        assert measures["batch_items"] == ("stage.model", 1)
        assert measures["load_seconds"][0] == "small"
        assert measures["queue_seconds"][1] >= measures["load_seconds"][1] * 0.5
        assert measures["compute_seconds"][1] > 0

    def test_an_observer_that_fails_does_not_stop_the_work(
        self, engine: Engine, stage: Stage
    ) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError

        engine.observe(fail)
        stage.open()
        assert engine.call(ask("a")).values["name"] == "a"
        assert engine.call(ask("b")).values["name"] == "b"

    def test_every_request_writes_one_line(
        self, engine: Engine, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        stage.open()
        with caplog.at_level(logging.DEBUG, logger="workbench.server.engine"):
            key = engine.call(ask("a")).receipt.key
            engine.call(ask("a"))
        lines = [record.getMessage() for record in caplog.records]
        assert [record.levelname for record in caplog.records] == ["INFO", "DEBUG"]
        start = f"job operation=stage.single key={key[:8]} source="
        assert lines[0].startswith(start + "computed device=cpu batch=1 queue_ms=")
        assert lines[1].startswith(start + "memory device=cpu batch=0 queue_ms=0.0 compute_ms=0.0")

    @pytest.mark.parametrize("value", ["nan", "object"])
    def test_an_answer_that_cannot_be_kept_is_a_bug_and_the_worker_lives_on(
        self, engine: Engine, stage: Stage, value: str
    ) -> None:
        stage.open()
        with pytest.raises(BugError):
            engine.call(ask("a", unfit=value))
        assert engine.call(ask("b")).values["name"] == "b"
        assert engine.status().cache["memory_entries"] == 1

    def test_a_bug_is_logged_under_the_reference_people_see(
        self, engine: Engine, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        stage.open()
        with pytest.raises(BugError) as info:
            engine.call(ask("a", poison=1))
        (reference,) = re.findall(r"report ([0-9a-f]{8})\.", str(info.value))
        (record,) = [r for r in caplog.records if reference in r.getMessage()]
        assert record.exc_info is not None
        assert "ZeroDivisionError: poison" in caplog.text
        assert engine.last_error == str(info.value)
        assert engine.status().counters["failures"] == 1


class TestEvents:
    def test_events_come_in_order_and_end(self, engine: Engine, stage: Stage) -> None:
        stage.open()
        job = engine.submit(ask("a"))
        assert [event.kind for event in job.events()] == ["queued", "running"]
        assert job.done

    def test_several_may_follow_one_job(self, engine: Engine, stage: Stage) -> None:
        job = engine.submit(ask("a"))
        stage.open()
        job.result(PATIENCE_S)
        assert list(job.events()) == list(job.events())
        numbered = list(job.numbered_events())
        assert [number for number, _ in numbered] == [1, 2]
        assert list(job.numbered_events(after=1)) == numbered[1:]

    def test_following_ends_when_the_job_is_cancelled(self, engine: Engine, stage: Stage) -> None:
        job = engine.submit(ask("a"))
        stage.wait_for_batch()
        kinds: list[str] = []
        running = threading.Event()

        def follow() -> None:
            for event in job.events():
                kinds.append(event.kind)
                if event.kind == "running":
                    running.set()

        follower = threading.Thread(target=follow)
        follower.start()
        assert running.wait(PATIENCE_S)
        job.cancel()
        follower.join(PATIENCE_S)
        assert not follower.is_alive()
        assert kinds == ["queued", "running"]


class TestClosing:
    def test_closing_cancels_what_is_waited_for_and_ends_every_thread(
        self, make_engine: MakeEngine, stage: Stage
    ) -> None:
        before = set(threading.enumerate())
        engine = make_engine(disk_cache_mib=4)
        running = engine.submit(ask("running"))
        stage.wait_for_batch()
        waiting = engine.submit(ask("waiting"))
        sample = engine.submit(ask("sample", "stage.sample"))
        engine.close()
        for job in (running, waiting, sample):
            with pytest.raises(CancelledError, match="closing"):
                job.result(PATIENCE_S)
        assert set(threading.enumerate()) <= before
        with pytest.raises(UnreachableError):
            engine.submit(ask("late"))
        engine.close()
        assert engine.status().running == 0

    def test_closing_frees_the_models(
        self, make_engine: MakeEngine, stage: Stage, source: object
    ) -> None:
        stage.open()
        engine = make_engine()
        engine.call(ask("a", "stage.model", model="small"))
        engine.close()
        assert source.closed == ["small"]  # type: ignore[attr-defined]

    def test_an_interrupted_call_cancels_its_job(
        self, engine: Engine, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = engine.submit(ask("a"))
        stage.wait_for_batch()

        def interrupt(_timeout_s: float | None = None) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(job, "result", interrupt)
        monkeypatch.setattr(engine, "submit", lambda _request: job)
        with pytest.raises(KeyboardInterrupt):
            engine.call(ask("a"))
        assert stage.stopped.get(timeout=PATIENCE_S) == "a"

    def test_next_event_says_when_there_is_none(self, engine: Engine, stage: Stage) -> None:
        stage.open()
        with pytest.raises(AssertionError):
            next_event(engine.submit(ask("a")), "partial")


def test_building_and_asking_an_engine_imports_no_model_library() -> None:
    code = (
        "import sys, tempfile\n"
        "from tests.server.engine.stage import Stage, StageSource\n"
        "from workbench.server.engine import Engine\n"
        "from workbench.settings import Settings\n"
        "stage = Stage(); stage.open()\n"
        "home = tempfile.mkdtemp()\n"
        "engine = Engine(Settings(home=home, device='cpu'), StageSource(), stage.operations())\n"
        "from workbench.server.api import Request\n"
        "engine.call(Request('stage.model', 'small', arguments={'name': 'a'}))\n"
        "engine.status(); engine.models(); engine.close()\n"
        "print(sorted({'torch', 'transformers', 'open_clip', 'gradio'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_operations_give_the_nearest(engine: Engine) -> None:
    with pytest.raises(UnknownNameError):
        engine.submit(Request("nothing.like.it"))
