"""Models come and go: loaded once, evicted by the rules, never while in use."""

from __future__ import annotations

import pytest

from tests.server.engine.conftest import MakeEngine, ask, next_event
from tests.server.engine.stage import MIB, PATIENCE_S, Stage, StageSource
from workbench.errors import (
    AssetError,
    BugError,
    BusyError,
    CancelledError,
    InputError,
    UnknownNameError,
)
from workbench.server.api import Request
from workbench.server.engine import Engine


def on(model: str, name: str = "", **more: object) -> Request:
    return ask(name or model, "stage.model", model=model, **more)


def resident(engine: Engine) -> list[str]:
    return [str(model["name"]) for model in engine.status().resident]


def test_a_model_is_loaded_once_for_everybody(
    engine: Engine, stage: Stage, source: StageSource
) -> None:
    source.gate.clear()
    jobs = [engine.submit(on("small", f"{number}", user=f"{number}")) for number in range(5)]
    source.gate.set()
    stage.open()
    assert {job.result(PATIENCE_S).values["model"] for job in jobs} == {"small"}
    assert source.loads == ["small"]


def test_loading_is_told_with_its_progress(
    engine: Engine, stage: Stage, source: StageSource
) -> None:
    stage.open()
    source.gate.clear()
    first = engine.submit(on("small", "first"))
    next_event(first, "loading", fraction=0.5, text="half of it")
    late = engine.submit(on("small", "late"))
    assert next_event(late, "loading")
    source.gate.set()
    late.result(PATIENCE_S)
    kinds = [event.kind for event in first.events()]
    assert kinds[0] == "queued"
    assert kinds[-1] == "running"
    assert set(kinds[1:-1]) == {"loading"}


def test_the_device_computes_while_a_model_is_loaded(
    engine: Engine, stage: Stage, source: StageSource
) -> None:
    stage.open()
    source.gate.clear()
    waiting = engine.submit(on("small"))
    source.loading.get(timeout=PATIENCE_S)
    assert engine.call(ask("meanwhile")).values["name"] == "meanwhile"
    assert not waiting.done
    source.gate.set()
    waiting.result(PATIENCE_S)


def test_the_least_recently_used_model_leaves(
    make_engine: MakeEngine, stage: Stage, source: StageSource
) -> None:
    engine = make_engine(model_budget_mib=12)
    stage.open()
    source.mib.update(a=4, b=4, c=4, d=4)
    for name in ("a", "b", "c"):
        engine.call(on(name))
    engine.call(on("a", "again"))
    engine.call(on("d"))
    assert source.closed == ["b"]
    assert sorted(resident(engine)) == ["a", "c", "d"]
    assert engine.status().used_mib == 12
    assert engine.status().counters["evictions"] == 1


def test_a_model_in_use_is_never_evicted(
    make_engine: MakeEngine, stage: Stage, source: StageSource
) -> None:
    engine = make_engine(model_budget_mib=10, minimum_residence_s=0.0)
    using = engine.submit(on("small"))
    stage.wait_for_batch()
    waiting = engine.submit(on("large"))
    engine.submit(on("large", "more", user="other"))
    assert source.closed == []
    assert source.loads == ["small"]
    stage.let_through()
    using.result(PATIENCE_S)
    stage.wait_for_batch()  # only now
    assert source.closed == ["small"]
    stage.open()
    assert waiting.result(PATIENCE_S).values["model"] == "large"


def test_two_classes_do_not_evict_each_other_without_end(
    make_engine: MakeEngine, stage: Stage, source: StageSource
) -> None:
    engine = make_engine(model_budget_mib=10, minimum_residence_s=600.0)
    stage.open()
    engine.call(on("small", user="first class"))
    other = engine.submit(on("large", user="second class"))
    engine.call(on("small", "more", user="first class"))
    assert not other.done
    assert source.loads == ["small"]


def test_one_person_may_switch_models_freely(
    make_engine: MakeEngine, stage: Stage, source: StageSource
) -> None:
    engine = make_engine(model_budget_mib=10, minimum_residence_s=600.0)
    stage.open()
    for number, name in enumerate(["small", "large", "small"]):
        engine.call(on(name, f"{number}", user="me"))
    assert source.loads == ["small", "large", "small"]


def test_a_model_in_steady_use_leaves_once_its_time_is_over(
    make_engine: MakeEngine, stage: Stage, source: StageSource
) -> None:
    engine = make_engine(model_budget_mib=10, minimum_residence_s=0.05)
    steady = [engine.submit(on("small", f"{number}", user="a")) for number in range(20)]
    stage.wait_for_batch()
    other = engine.submit(on("large", user="b"))
    while stage.batches[-1] != ["large"]:
        stage.let_through()
        stage.wait_for_batch()
    stage.open()
    assert other.result(PATIENCE_S).values["model"] == "large"
    for job in steady:
        job.result(PATIENCE_S)
    assert source.loads[:2] == ["small", "large"]


def test_a_model_marked_to_leave_stays_when_its_room_is_no_longer_needed(
    make_engine: MakeEngine, stage: Stage, source: StageSource
) -> None:
    engine = make_engine(model_budget_mib=10, minimum_residence_s=0.0)
    using = engine.submit(on("small", "first"))
    stage.wait_for_batch()
    engine.submit(on("large")).cancel()
    more = engine.submit(on("small", "second"))
    stage.open()
    using.result(PATIENCE_S)
    assert more.result(PATIENCE_S).values["model"] == "small"
    assert source.loads == ["small"]


def test_a_model_above_the_whole_budget_is_refused_with_the_setting(
    make_engine: MakeEngine, source: StageSource
) -> None:
    engine = make_engine(model_budget_mib=10)
    with pytest.raises(
        InputError, match=r"huge in float32 needs 64 MiB.*WORKBENCH_MODEL_BUDGET_MIB"
    ):
        engine.call(on("huge"))
    assert source.loads == []
    assert engine.status().queued == 0


def test_the_estimate_is_corrected_by_what_was_measured(
    engine: Engine, stage: Stage, source: StageSource
) -> None:
    stage.open()
    source.measured_mib["small"] = 3
    engine.call(on("small"))
    assert engine.status().used_mib == 3
    assert engine.status().resident[0]["mib"] == 3


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (AssetError("It is damaged."), AssetError),
        (ZeroDivisionError(), BugError),
        (CancelledError("The source gave up of itself."), CancelledError),
    ],
)
def test_a_failed_load_is_told_to_all_and_tried_again_for_the_next(
    engine: Engine,
    stage: Stage,
    source: StageSource,
    raised: Exception,
    told: type[Exception],
) -> None:
    stage.open()
    source.gate.clear()
    source.errors["small"] = raised
    jobs = [engine.submit(on("small", f"{number}")) for number in range(3)]
    source.gate.set()
    for job in jobs:
        with pytest.raises(told):
            job.result(PATIENCE_S)
    assert engine.status().used_mib == 0
    del source.errors["small"]
    assert engine.call(on("small")).values["model"] == "small"


def test_a_model_that_does_not_fit_in_memory_evicts_the_idle_then_says_busy(
    engine: Engine, stage: Stage, source: StageSource
) -> None:
    stage.open()
    engine.call(on("small"))
    source.errors["large"] = MemoryError()
    with pytest.raises(BusyError, match="does not fit"):
        engine.call(on("large"))
    assert source.closed == ["small"]
    assert source.loads == ["small", "large", "large"]
    assert engine.status().used_mib == 0


def test_a_load_nobody_waits_for_is_given_up(
    engine: Engine, stage: Stage, source: StageSource
) -> None:
    source.gate.clear()
    jobs = [engine.submit(on("small", name)) for name in "ab"]
    source.loading.get(timeout=PATIENCE_S)
    jobs[0].cancel()
    next_event(jobs[1], "loading", fraction=0.5)
    assert source.given_up.empty()
    jobs[1].cancel()
    assert source.given_up.get(timeout=PATIENCE_S) == "small"
    stage.open()
    source.gate.set()
    assert engine.call(on("large")).values["model"] == "large"
    assert engine.status().used_mib == 8


def test_who_comes_while_a_load_is_being_given_up_gets_one_of_their_own(
    engine: Engine, stage: Stage, source: StageSource
) -> None:
    stage.open()
    source.gate.clear()
    source.may_stop.clear()
    first = engine.submit(on("small", "first"))
    source.loading.get(timeout=PATIENCE_S)
    first.cancel()
    source.given_up.get(timeout=PATIENCE_S)
    second = engine.submit(on("small", "second"))
    source.may_stop.set()
    source.gate.set()
    assert second.result(PATIENCE_S).values["name"] == "second"
    assert source.loads == ["small", "small"]
    assert engine.status().used_mib == 4


def test_who_comes_while_a_model_is_loaded_is_told_at_once(
    engine: Engine, source: StageSource
) -> None:
    source.is_silent = True
    source.gate.clear()
    engine.submit(on("small", "first"))
    source.loading.get(timeout=PATIENCE_S)
    late = engine.submit(on("small", "late"))
    assert next_event(late, "loading").text == "Loading small."


def test_new_weights_under_an_old_name_are_another_model(
    engine: Engine, stage: Stage, source: StageSource
) -> None:
    stage.open()
    old = engine.call(on("small"))
    source.version = 2
    new = engine.call(on("small"))
    assert new.receipt.key != old.receipt.key
    assert new.receipt.source == "computed"
    assert source.loads == ["small", "small"]


def test_endpoints_cost_no_memory_and_never_hold_the_device(engine: Engine, stage: Stage) -> None:
    remote = [engine.submit(on("endpoint", f"{number}")) for number in range(2)]
    for _ in range(2):
        stage.wait_for_batch()
    local = engine.submit(ask("local"))
    assert stage.wait_for_batch() == ["local"]  # while both endpoints keep us waiting
    assert engine.status().used_mib == 0
    stage.open()
    assert local.result(PATIENCE_S).receipt.device == "cpu"
    assert [job.result(PATIENCE_S).receipt.device for job in remote] == ["remote", "remote"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("stage.model"), "stage.model needs a model. Choose one of kind openai or stage"),
        (Request("stage.model", "odd"), "stage.model cannot run on odd, a model of kind odd"),
        (Request("stage.single", "small"), "works without a model"),
    ],
)
def test_a_model_that_does_not_fit_the_operation_is_refused_with_those_that_do(
    engine: Engine, request_: Request, message: str
) -> None:
    with pytest.raises(InputError, match=message) as info:
        engine.submit(request_)
    if request_.operation == "stage.model":
        assert "endpoint, huge, large, small" in str(info.value)


def test_an_unknown_model_gives_the_nearest(engine: Engine) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean small"):
        engine.submit(on("smal"))


def test_the_catalogue_says_what_is_resident(engine: Engine, stage: Stage) -> None:
    stage.open()
    engine.call(on("small"))
    assert [entry.name for entry in engine.models() if entry.resident] == ["small"]


def test_the_budget_is_a_share_of_free_memory_by_default(engine: Engine) -> None:
    assert engine.status().budget_mib == pytest.approx(0.6 * 1024, abs=0.1)
    assert MIB == 2**20
