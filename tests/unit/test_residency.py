"""The rules of residency, one by one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from workbench.errors import InputError
from workbench.server.residency import Grant, ModelKey, Residency, Wait, Wanted

MIB = 2**20


@dataclass
class Weights:
    memory_bytes: int
    kind: str = "fake"
    device: str = "cpu"
    dtype: str = "float32"

    def close(self) -> None:
        """Nothing to free."""


def key(name: str) -> ModelKey:
    return ModelKey(name, "digest", "float32")


def load(
    residency: Residency, name: str, mib: int, *, now: float, user: str = "me", use: bool = True
) -> list[str]:
    """Load a model and use it once; the names of the evicted."""
    grant = residency.ask(key(name), mib * MIB, {user}, wanted={}, now=now)
    assert isinstance(grant, Grant)
    for slot in grant.evicted:
        residency.closed(slot)
    residency.loaded(key(name), Weights(mib * MIB), wanted={}, now=now)
    if use:
        residency.use(key(name), {user}, now)
        residency.release(key(name), now)
    return [slot.key.name for slot in grant.evicted]


def ask(
    residency: Residency,
    name: str,
    mib: int,
    *,
    now: float,
    user: str = "me",
    wanted: Wanted | None = None,
) -> list[str] | float | None:
    """Names of the evicted, or when to ask again."""
    answer = residency.ask(key(name), mib * MIB, {user}, wanted=wanted or {}, now=now)
    if isinstance(answer, Wait):
        return answer.until
    return [slot.key.name for slot in answer.evicted]


def test_bytes_are_reserved_before_loading_and_corrected_after() -> None:
    residency = Residency(10 * MIB, 0)
    assert ask(residency, "a", 4, now=0) == []
    assert residency.state(key("a")) == "loading"
    assert residency.reserved_bytes == residency.used_bytes == 4 * MIB
    residency.loaded(key("a"), Weights(5 * MIB), wanted={}, now=0)
    assert residency.state(key("a")) == "resident"
    assert (residency.reserved_bytes, residency.used_bytes) == (0, 5 * MIB)


def test_a_failed_load_gives_its_bytes_back() -> None:
    residency = Residency(10 * MIB, 0)
    ask(residency, "a", 4, now=0)
    residency.failed(key("a"))
    assert residency.used_bytes == 0
    assert residency.state(key("a")) == "absent"


def test_evicted_bytes_are_free_only_once_the_model_is_closed() -> None:
    residency = Residency(10 * MIB, 0)
    load(residency, "a", 8, now=0)
    grant = residency.ask(key("b"), 8 * MIB, {"me"}, wanted={}, now=1)
    assert isinstance(grant, Grant)
    assert residency.used_bytes == 16 * MIB
    residency.closed(grant.evicted[0])
    assert residency.used_bytes == 8 * MIB


def test_nobody_else_is_evicted_while_others_are_still_being_closed() -> None:
    residency = Residency(12 * MIB, 0)
    load(residency, "a", 6, now=0)
    load(residency, "b", 6, now=1)
    grant = residency.ask(key("c"), 2 * MIB, {"me"}, wanted={}, now=2)
    assert isinstance(grant, Grant)
    assert ask(residency, "d", 4, now=3) is None
    residency.closed(grant.evicted[0])
    assert ask(residency, "d", 4, now=4) == []
    assert residency.state(key("b")) == "resident"


def test_as_few_as_needed_leave_the_least_recently_used_first() -> None:
    residency = Residency(12 * MIB, 0)
    for now, name in enumerate("abc"):
        load(residency, name, 4, now=now)
    residency.use(key("a"), {"me"}, 5)
    residency.release(key("a"), 5)
    assert ask(residency, "d", 4, now=6) == ["b"]


def test_what_is_in_use_stays_and_is_marked_to_leave() -> None:
    residency = Residency(10 * MIB, 0)
    load(residency, "a", 8, now=0)
    residency.use(key("a"), {"me"}, 1)
    assert ask(residency, "b", 8, now=2) is None
    assert residency.state(key("a")) == "leaving"
    residency.stay_all()
    assert residency.state(key("a")) == "resident"
    residency.release(key("a"), 3)
    assert ask(residency, "b", 8, now=4) == ["a"]


def test_nothing_is_marked_to_leave_when_that_would_not_be_needed() -> None:
    residency = Residency(12 * MIB, 0)
    for now, name in enumerate("ab"):
        load(residency, name, 4, now=now)
        residency.use(key(name), {"me"}, now)
    assert ask(residency, "c", 6, now=3) is None
    assert [residency.state(key(name)) for name in "ab"] == ["leaving", "resident"]


def test_a_young_model_another_user_used_stays_until_its_time_is_over() -> None:
    residency = Residency(10 * MIB, 30)
    load(residency, "a", 8, now=100, user="first class")
    assert ask(residency, "b", 8, now=101, user="second class") == 130
    assert ask(residency, "b", 8, now=130, user="second class") == ["a"]


def test_a_young_model_only_i_used_leaves_for_me() -> None:
    residency = Residency(10 * MIB, 30)
    load(residency, "a", 8, now=100)
    assert ask(residency, "b", 8, now=101) == ["a"]


def test_a_young_model_somebody_waits_for_stays() -> None:
    residency = Residency(10 * MIB, 30)
    load(residency, "a", 8, now=100)
    assert ask(residency, "b", 8, now=101, wanted={key("a"): {"me"}}) == 130


def test_a_model_loaded_for_somebody_is_used_before_it_leaves() -> None:
    residency = Residency(10 * MIB, 0)
    load(residency, "a", 8, now=0, use=False)
    assert ask(residency, "b", 8, now=1, wanted={key("a"): {"you"}}) is None
    assert residency.state(key("a")) == "resident"
    assert ask(residency, "b", 8, now=1) == ["a"]  # they left


def test_a_model_above_the_budget_is_refused_with_the_setting() -> None:
    with pytest.raises(InputError, match=r"a in float32 needs 11 MiB and models may take 10 MiB"):
        ask(Residency(10 * MIB, 0), "a", 11, now=0)


def test_a_model_of_no_bytes_always_fits() -> None:
    residency = Residency(0, 0)
    assert ask(residency, "a", 0, now=0) == []


def test_a_model_that_turns_out_larger_pushes_out_the_idle_but_not_itself() -> None:
    residency = Residency(10 * MIB, 30)
    load(residency, "a", 4, now=0)
    ask(residency, "b", 4, now=1)
    grant = residency.loaded(key("b"), Weights(20 * MIB), wanted={}, now=2)
    assert [slot.key.name for slot in grant.evicted] == ["a"]
    assert residency.state(key("b")) == "resident"


def test_when_memory_runs_out_every_idle_unwanted_model_leaves() -> None:
    residency = Residency(20 * MIB, 30)
    for name in "abc":
        load(residency, name, 4, now=0)
    residency.use(key("a"), {"me"}, 1)
    grant = residency.evict_idle({key("b"): {"me"}})
    assert [slot.key.name for slot in grant.evicted] == ["c"]
