"""Bounded, fair and honest: who is served when, what callers are told, who shares a batch."""

from __future__ import annotations

import pytest

from tests.server.engine.conftest import MakeEngine, ask, next_event
from tests.server.engine.stage import PATIENCE_S, Stage
from workbench.errors import BusyError, DeadlineError
from workbench.server.engine import Engine
from workbench.server.flight import FlightJob


def places(job: FlightJob) -> list[int | None]:
    """The places a job was told, until it ended."""
    return [event.place for event in job.events() if event.kind == "queued"]


class TestAdmission:
    def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(
        self, make_engine: MakeEngine, stage: Stage
    ) -> None:
        engine = make_engine(queue_limit=2)
        engine.submit(ask("served"))
        stage.wait_for_batch()
        jobs = [engine.submit(ask(name, user=name)) for name in "ab"]
        with pytest.raises(BusyError, match="The queue is full: 2 requests") as info:
            engine.submit(ask("c", user="c"))
        assert 1 <= info.value.retry_after_s <= 60
        assert engine.status().counters["rejected"] == 1
        stage.open()
        for job in jobs:
            job.result(PATIENCE_S)
        assert engine.call(ask("c")).values["name"] == "c"

    def test_one_user_cannot_fill_the_queue(self, make_engine: MakeEngine, stage: Stage) -> None:
        engine = make_engine(queue_limit=10, user_limit=2)
        engine.submit(ask("served"))
        stage.wait_for_batch()
        for name in "ab":
            engine.submit(ask(name, user="greedy"))
        with pytest.raises(BusyError, match="2 requests waiting"):
            engine.submit(ask("c", user="greedy"))
        assert engine.submit(ask("c", user="modest")).done is False

    def test_joining_a_computation_needs_no_room(
        self, make_engine: MakeEngine, stage: Stage
    ) -> None:
        engine = make_engine(queue_limit=1)
        engine.submit(ask("served"))
        stage.wait_for_batch()
        engine.submit(ask("a"))
        joined = engine.submit(ask("a", user="other"))
        stage.open()
        assert joined.result(PATIENCE_S).receipt.shared_with == 1

    def test_a_cancelled_request_frees_its_place(
        self, make_engine: MakeEngine, stage: Stage
    ) -> None:
        engine = make_engine(queue_limit=1)
        engine.submit(ask("served"))
        stage.wait_for_batch()
        engine.submit(ask("a")).cancel()
        engine.submit(ask("b"))
        assert engine.status().queued == 1


class TestFairness:
    def test_a_user_with_a_hundred_jobs_delays_another_by_at_most_two_services(
        self, engine: Engine, stage: Stage
    ) -> None:
        for number in range(100):
            engine.submit(ask(f"greedy {number}", user="greedy"))
        stage.wait_for_batch()
        modest = engine.submit(ask("modest", user="modest"))
        served_before = 0
        while stage.batches[-1] != ["modest"]:
            served_before += 1
            stage.let_through()
            stage.wait_for_batch()
        assert served_before <= 2
        stage.let_through()
        assert modest.result(PATIENCE_S).values["name"] == "modest"

    def test_who_shares_a_request_does_not_wait_for_the_line_of_its_starter(
        self, engine: Engine, stage: Stage
    ) -> None:
        for number in range(20):
            engine.submit(ask(f"{number}", user="greedy"))
        stage.wait_for_batch()
        shared = engine.submit(ask("19", user="modest"))
        for _ in range(3):
            stage.let_through()
        assert shared.result(PATIENCE_S).receipt.shared_with == 1

    def test_the_place_is_the_true_position_and_follows_the_queue(
        self, engine: Engine, stage: Stage
    ) -> None:
        engine.submit(ask("served", user="x"))
        stage.wait_for_batch()
        first, second, third = (engine.submit(ask(name, user="a")) for name in "abc")
        other = engine.submit(ask("d", user="b"))
        next_event(second, "queued", place=3)  # the other user takes a turn in between
        stage.open()
        third.result(PATIENCE_S)
        other.result(PATIENCE_S)
        assert [name for (name,) in stage.batches] == ["served", "a", "d", "b", "c"]
        assert places(first) == [1]
        assert places(other) == [2, 1]
        assert places(second) == [2, 3, 2, 1]
        assert places(third) == [3, 4, 3, 2, 1]

    def test_the_time_left_is_told_once_it_is_known(self, engine: Engine, stage: Stage) -> None:
        unknown = engine.submit(ask("a"))
        assert next_event(unknown, "queued").seconds_left is None
        stage.let_through()
        unknown.result(PATIENCE_S)
        known = engine.submit(ask("b"))
        seconds = next_event(known, "queued").seconds_left
        assert seconds is not None
        assert 0 < seconds < PATIENCE_S


class TestBatches:
    def test_compatible_requests_are_computed_together_and_split_rightly(
        self, engine: Engine, stage: Stage
    ) -> None:
        engine.submit(ask("served"))
        stage.wait_for_batch()
        jobs = {name: engine.submit(ask(name, "stage.batch", user=name)) for name in "abcd"}
        odd = engine.submit(ask("odd", "stage.batch", bucket="long"))
        stage.open()
        for name, job in jobs.items():
            assert job.result(PATIENCE_S).values == {"name": name, "batch": 4, "model": None}
        assert odd.result(PATIENCE_S).values["batch"] == 1
        assert stage.batches == [["served"], ["a", "b", "c", "d"], ["odd"]]

    def test_on_a_processor_a_batch_that_would_only_keep_others_waiting_is_smaller(
        self, engine: Engine, stage: Stage
    ) -> None:
        engine.submit(ask("served"))
        stage.wait_for_batch()
        jobs = [engine.submit(ask(name, "stage.paired", user=name)) for name in "abc"]
        stage.open()
        assert [job.result(PATIENCE_S).values["batch"] for job in jobs] == [2, 2, 1]

    def test_a_batch_is_filled_by_padded_cost(self, engine: Engine, stage: Stage) -> None:
        engine.submit(ask("served"))
        stage.wait_for_batch()
        costs = {"a": 8, "b": 30, "c": 16, "d": 16, "e": 16}
        jobs = [engine.submit(ask(n, "stage.batch", cost=c)) for n, c in costs.items()]
        stage.open()
        for job in jobs:
            job.result(PATIENCE_S)
        # 30 * 2 fits into 64 and 30 * 3 does not
        assert stage.batches[1:] == [["a", "b"], ["c", "d", "e"]]

    def test_a_batch_waits_for_company(self, make_engine: MakeEngine, stage: Stage) -> None:
        engine = make_engine(batch_wait_ms=60_000.0)
        jobs = [engine.submit(ask(f"{i}", "stage.batch")) for i in range(8)]  # now it is full
        stage.open()
        assert [job.result(PATIENCE_S).values["batch"] for job in jobs] == [8] * 8

    def test_what_can_have_no_company_does_not_wait(
        self, make_engine: MakeEngine, stage: Stage
    ) -> None:
        engine = make_engine(batch_wait_ms=60_000.0)
        stage.open()
        assert engine.submit(ask("a")).result(PATIENCE_S).values["name"] == "a"
        full = engine.submit(ask("b", "stage.batch", cost=40))
        assert full.result(PATIENCE_S).values["batch"] == 1

    def test_who_left_is_not_computed(self, engine: Engine, stage: Stage) -> None:
        engine.submit(ask("served"))
        stage.wait_for_batch()
        jobs = [engine.submit(ask(name, "stage.batch")) for name in "abc"]
        jobs[1].cancel()
        stage.open()
        jobs[2].result(PATIENCE_S)
        assert stage.batches[1:] == [["a", "c"]]

    def test_one_poisoned_request_does_not_harm_the_others(
        self, engine: Engine, stage: Stage
    ) -> None:
        engine.submit(ask("served"))
        stage.wait_for_batch()
        good = [engine.submit(ask(name, "stage.batch")) for name in "ab"]
        bad = engine.submit(ask("bad", "stage.batch", poison=1))
        stage.open()
        assert [job.result(PATIENCE_S).values["name"] for job in good] == ["a", "b"]
        with pytest.raises(Exception, match=r"A bug: please report [0-9a-f]{8}."):
            bad.result(PATIENCE_S)

    def test_a_refused_item_does_not_harm_the_others(self, engine: Engine, stage: Stage) -> None:
        engine.submit(ask("served"))
        stage.wait_for_batch()
        good = engine.submit(ask("a", "stage.batch"))
        bad = engine.submit(ask("b", "stage.batch", refuse=1))
        stage.open()
        assert good.result(PATIENCE_S).values["batch"] == 2
        with pytest.raises(Exception, match=r"Refused; ask for something else."):
            bad.result(PATIENCE_S)

    def test_out_of_memory_halves_the_batch(self, engine: Engine, stage: Stage) -> None:
        engine.submit(ask("served"))
        stage.wait_for_batch()
        jobs = [engine.submit(ask(name, "stage.batch", memory=2)) for name in "abcd"]
        stage.open()
        assert [job.result(PATIENCE_S).values["batch"] for job in jobs] == [2, 2, 2, 2]
        assert stage.batches[1:] == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"]]
        assert engine.status().counters["out_of_memory"] == 1

    def test_out_of_memory_halves_down_to_single_requests(
        self, engine: Engine, stage: Stage
    ) -> None:
        engine.submit(ask("served"))
        stage.wait_for_batch()
        jobs = [engine.submit(ask(name, "stage.batch", memory=1)) for name in "abcde"]
        stage.open()
        assert [job.result(PATIENCE_S).values["batch"] for job in jobs] == [1] * 5
        tried = ["abcde", "ab", "a", "b", "cde", "c", "de", "d", "e"]
        assert stage.batches[1:] == [list(names) for names in tried]

    def test_what_does_not_fit_alone_is_refused_in_words_and_the_others_are_answered(
        self, engine: Engine, stage: Stage
    ) -> None:
        engine.submit(ask("served"))
        stage.wait_for_batch()
        fits = engine.submit(ask("a", "stage.batch", memory=1))
        never = engine.submit(ask("b", "stage.batch", memory=0))
        stage.open()
        assert fits.result(PATIENCE_S).values["batch"] == 1
        with pytest.raises(BusyError, match="ran out of memory, even with this request alone"):
            never.result(PATIENCE_S)
        assert stage.batches[1:] == [["a", "b"], ["a"], ["b"], ["b"]]  # once more, with room made
        assert engine.call(ask("c", "stage.batch")).values["name"] == "c"

    def test_a_devices_own_words_for_the_lack_of_memory_are_understood(
        self, engine: Engine, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stage, "lack", RuntimeError("MPS backend out of memory"))
        stage.open()
        with pytest.raises(BusyError, match="ran out of memory"):
            engine.call(ask("a", "stage.batch", memory=0))


class TestDeadlines:
    def test_an_expired_request_gets_no_device_time(self, engine: Engine, stage: Stage) -> None:
        engine.submit(ask("served"))
        stage.wait_for_batch()
        late = engine.submit(ask("late", deadline_s=0.02))
        with pytest.raises(DeadlineError, match=r"Not finished within 0.02 seconds"):
            late.result(PATIENCE_S)
        stage.open()
        engine.call(ask("after"))
        assert stage.batches == [["served"], ["after"]]
        assert engine.status().counters["deadline_exceeded"] == 1

    def test_an_expired_request_gets_no_device_time_even_if_its_alarm_is_late(
        self, engine: Engine, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine._timers, "at", lambda _when, _action: None)
        engine.submit(ask("served"))
        stage.wait_for_batch()
        late = engine.submit(ask("late", deadline_s=1e-6))
        stage.open()
        engine.call(ask("after"))
        assert stage.batches == [["served"], ["after"]]
        assert not late.done

    def test_a_running_request_stops_at_its_deadline_even_if_its_alarm_is_late(
        self, engine: Engine, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine._timers, "at", lambda _when, _action: None)
        with pytest.raises(DeadlineError, match=r"Not finished within 0.5 seconds"):
            engine.submit(ask("slow", deadline_s=0.5)).result(PATIENCE_S)
        assert stage.batches == [["slow"]]

    def test_a_running_request_stops_at_its_deadline(self, engine: Engine, stage: Stage) -> None:
        job = engine.submit(ask("slow", deadline_s=0.05))
        stage.wait_for_batch()
        assert stage.stopped.get(timeout=PATIENCE_S) == "slow"
        with pytest.raises(DeadlineError):
            job.result(PATIENCE_S)

    def test_one_caller_s_deadline_does_not_stop_the_others(
        self, engine: Engine, stage: Stage
    ) -> None:
        patient = engine.submit(ask("a"))
        stage.wait_for_batch()
        hasty = engine.submit(ask("a", deadline_s=0.02))
        with pytest.raises(DeadlineError):
            hasty.result(PATIENCE_S)
        stage.open()
        assert patient.result(PATIENCE_S).values["name"] == "a"

    def test_no_request_may_take_longer_than_the_setting(self, make_engine: MakeEngine) -> None:
        engine = make_engine(max_deadline_s=0.02)
        with pytest.raises(DeadlineError, match=r"within 0.02 seconds"):
            engine.submit(ask("a", deadline_s=1000.0)).result(PATIENCE_S)

    def test_waiting_for_a_result_may_end_without_ending_the_job(
        self, engine: Engine, stage: Stage
    ) -> None:
        job = engine.submit(ask("a"))
        with pytest.raises(DeadlineError, match=r"No answer within 0.01 seconds"):
            job.result(0.01)
        stage.open()
        assert job.result(PATIENCE_S).values["name"] == "a"
