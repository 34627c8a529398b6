"""Identical requests are one computation; each caller may leave; nothing wrong is kept."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests.server.engine.conftest import MakeEngine, ask, next_event
from tests.server.engine.stage import PATIENCE_S, Stage
from workbench.errors import AssetError, BugError, CancelledError, InputError
from workbench.server.engine import Engine


def test_thirty_identical_requests_are_one_execution(engine: Engine, stage: Stage) -> None:
    everybody_ready = threading.Barrier(30)
    jobs = []

    def submit(number: int) -> None:
        everybody_ready.wait(PATIENCE_S)
        jobs.append(engine.submit(ask("same", user=f"user {number}")))

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stage.let_through()
    results = [job.result(PATIENCE_S) for job in jobs]
    assert stage.batches == [["same"]]
    assert {result.receipt.shared_with for result in results} == {29}
    assert {result.receipt.source for result in results} == {"computed"}
    assert engine.status().counters["coalesced"] == 29
    assert engine.status().counters["executions"] == 1


def test_a_hit_equals_its_miss(engine: Engine, stage: Stage) -> None:
    stage.open()
    request = ask("é 漢", arrays={"x": np.arange(6, dtype=np.int16).reshape(2, 3).T})
    miss, hit = engine.call(request), engine.call(request)
    assert (miss.receipt.source, hit.receipt.source) == ("computed", "memory")
    assert hit.values == miss.values
    assert hit.arrays["x"].dtype == np.int16
    np.testing.assert_array_equal(hit.arrays["x"], miss.arrays["x"])
    assert hit.receipt.created == miss.receipt.created
    assert hit.receipt.seconds == miss.receipt.seconds
    assert stage.batches == [["é 漢"]]


def test_a_hit_is_done_when_submitted(engine: Engine, stage: Stage) -> None:
    stage.open()
    engine.call(ask("a"))
    job = engine.submit(ask("a"))
    assert job.done
    assert list(job.events()) == []


def test_a_caller_who_leaves_first_does_not_harm_those_who_stay(
    engine: Engine, stage: Stage
) -> None:
    leader, follower = engine.submit(ask("a", user="x")), engine.submit(ask("a", user="y"))
    stage.wait_for_batch()
    leader.cancel()
    leader.cancel()
    with pytest.raises(CancelledError):
        leader.result(PATIENCE_S)
    stage.let_through()
    assert follower.result(PATIENCE_S).values["name"] == "a"
    assert follower.result().receipt.shared_with == 0
    assert stage.batches == [["a"]]


def test_the_work_stops_within_one_step_when_the_last_caller_leaves(
    engine: Engine, stage: Stage
) -> None:
    jobs = [engine.submit(ask("a")), engine.submit(ask("a"))]
    stage.wait_for_batch()
    jobs[0].cancel()
    assert stage.stopped.empty()
    jobs[1].cancel()
    assert stage.stopped.get(timeout=PATIENCE_S) == "a"  # the curtain was never opened


def test_who_asks_again_after_the_last_left_gets_a_computation_of_their_own(
    engine: Engine, stage: Stage
) -> None:
    first = engine.submit(ask("a"))
    stage.wait_for_batch()
    first.cancel()
    second = engine.submit(ask("a"))
    stage.wait_for_batch()
    stage.let_through()
    assert second.result(PATIENCE_S).values["name"] == "a"
    assert stage.batches == [["a"], ["a"]]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"refuse": 1}, InputError), ({"missing": 1}, AssetError), ({"poison": 1}, BugError)],
)
def test_a_failure_goes_to_all_callers_and_is_not_kept(
    engine: Engine, stage: Stage, arguments: dict[str, int], error: type[Exception]
) -> None:
    jobs = [engine.submit(ask("a", **arguments)) for _ in range(3)]
    stage.open()
    for job in jobs:
        with pytest.raises(error):
            job.result(PATIENCE_S)
    executions = len(stage.batches)
    with pytest.raises(error):
        engine.call(ask("a", **arguments))
    assert len(stage.batches) == 2 * executions


def test_errors_given_to_several_callers_are_not_the_same_object(
    engine: Engine, stage: Stage
) -> None:
    jobs = [engine.submit(ask("a", refuse=1)) for _ in range(2)]
    stage.open()
    caught = []
    for job in jobs:
        with pytest.raises(InputError) as info:
            job.result(PATIENCE_S)
        caught.append(info.value)
    assert caught[0] is not caught[1]
    assert str(caught[0]) == str(caught[1]) == "Refused; ask for something else."


def test_a_fresh_request_measures_again_and_replaces(engine: Engine, stage: Stage) -> None:
    stage.open()
    old = engine.call(ask("a"))
    fresh = engine.call(ask("a", fresh=True))
    assert fresh.receipt.source == "computed"
    assert fresh.receipt.key == old.receipt.key
    assert stage.batches == [["a"], ["a"]]
    assert engine.call(ask("a")).receipt.seconds == fresh.receipt.seconds


def test_answers_keep_their_name_until_one_is_measured_again(engine: Engine, stage: Stage) -> None:
    stage.open()
    engine.call(ask("a"))
    name = engine.status().answers
    assert name
    engine.call(ask("a"))
    engine.call(ask("b"))  # new, so that nobody was given another answer before
    assert engine.status().answers == name
    engine.call(ask("a", fresh=True))
    assert engine.status().answers != name


def test_a_fresh_request_does_not_join_what_began_before_it(engine: Engine, stage: Stage) -> None:
    old = engine.submit(ask("a"))
    stage.wait_for_batch()
    fresh = [engine.submit(ask("a", fresh=True)) for _ in range(2)]
    stage.open()
    assert old.result(PATIENCE_S).receipt.shared_with == 0
    assert fresh[0].result(PATIENCE_S).receipt.shared_with == 1
    assert stage.batches == [["a"], ["a"]]


def test_others_may_join_a_fresh_request(engine: Engine, stage: Stage) -> None:
    fresh = engine.submit(ask("a", fresh=True))
    stage.wait_for_batch()
    other = engine.submit(ask("a"))
    stage.open()
    assert other.result(PATIENCE_S).receipt.shared_with == 1
    assert fresh.result(PATIENCE_S).receipt.shared_with == 1


def test_what_is_not_worth_keeping_is_neither_shared_nor_kept(engine: Engine, stage: Stage) -> None:
    jobs = [engine.submit(ask("a", "stage.sample")) for _ in range(2)]
    stage.open()
    assert {job.result(PATIENCE_S).receipt.shared_with for job in jobs} == {0}
    engine.call(ask("a", "stage.sample"))
    assert stage.batches == [["a"]] * 3
    assert engine.status().cache["memory_entries"] == 0


def test_who_joins_late_sees_how_things_stand(engine: Engine, stage: Stage) -> None:
    engine.submit(ask("first"))
    stage.wait_for_batch()
    early = engine.submit(ask("second"))
    late = engine.submit(ask("second"))
    assert next_event(late, "queued").place == next_event(early, "queued").place == 1
    stage.let_through()
    stage.wait_for_batch()
    next_event(early, "running")
    latest = engine.submit(ask("second"))
    assert next(iter(latest.events())).kind == "running"


def test_one_caller_cannot_change_the_answer_of_another(engine: Engine, stage: Stage) -> None:
    stage.open()
    question = np.ones(3)
    request = ask("a", arrays={"x": question})
    first = engine.submit(request)
    question[:] = 7  # after submitting: the engine has its own copy
    answer = first.result(PATIENCE_S)
    np.testing.assert_array_equal(answer.arrays["x"], np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        answer.arrays["x"][0] = 5
    answer.values["name"] = "changed"  # type: ignore[index]
    again = engine.call(ask("a", arrays={"x": np.ones(3)}))
    assert again.receipt.source == "memory"
    assert again.values["name"] == "a"


def test_without_any_cache_identical_requests_still_share(
    make_engine: MakeEngine, stage: Stage
) -> None:
    engine = make_engine(memory_cache_mib=0, disk_cache_mib=0)
    jobs = [engine.submit(ask("a")) for _ in range(3)]
    stage.open()
    assert [job.result(PATIENCE_S).receipt.shared_with for job in jobs] == [2, 2, 2]
    engine.call(ask("a"))
    assert stage.batches == [["a"], ["a"]]
