"""The parts of the cluster that need no Ray: keys, settings, one status out of many, refusals."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from workbench.errors import BusyError, HandedBackError, InputError, WorkbenchError
from workbench.server.api import ModelEntry, Request
from workbench.server.cluster import serve
from workbench.server.cluster.keys import routing_key
from workbench.server.cluster.merging import merge_models, merge_statuses
from workbench.server.cluster.messages import pack_error, unpack_error
from workbench.settings import Settings

PLAIN = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "é", 0.5, -0.0, [1, "a"]])
"""Values of arguments; what JSON can hold at all is the contract's to try."""


def status(answers: str = "a", **counters: float) -> dict[str, Any]:
    return {
        "version": "0.1.0",
        "device": "cpu",
        "device_name": "a processor",
        "resident": [],
        "budget_mib": 100.0,
        "used_mib": 10.0,
        "queued": 1,
        "running": 2,
        "cache": {
            "on": True,
            "note": "",
            "entries": 5,
            "bytes": 500,
            "limit_bytes": 1000,
            "memory_entries": 1,
            "memory_bytes": 10,
            "memory_limit_bytes": 100,
            "hits": 0,
            "misses": 0,
        },
        "counters": {
            "requests": 0,
            "hits_memory": 0,
            "hits_disk": 0,
            "hits_shipped": 0,
            "misses": 0,
        }
        | counters,
        "uptime_s": 3.0,
        "answers": answers,
    }


@given(
    arguments=st.dictionaries(st.sampled_from("abc"), PLAIN, max_size=3),
    user=st.sampled_from(["x", "y"]),
    fresh=st.booleans(),
)
def test_who_asks_and_how_does_not_change_where_a_request_goes(
    arguments: dict[str, Any], user: str, fresh: bool
) -> None:
    request = Request("fake.echo", arguments=arguments, arrays={"a": np.arange(3)})
    other = replace(request, user=user, fresh=fresh, deadline_s=3.0, trace="t", label="l")
    assert routing_key(other) == routing_key(request)


@pytest.mark.parametrize(
    "change",
    [
        {"operation": "fake.other"},
        {"model": "tiny"},
        {"dtype": "float32"},
        {"seed": 1},
        {"arguments": {"a": 2}},
        {"arguments": {"a": 1.0}},
        {"arrays": {"a": np.arange(4)}},
    ],
    ids=str,
)
def test_what_changes_the_answer_changes_the_key(change: dict[str, Any]) -> None:
    request = Request("fake.echo", arguments={"a": 1}, arrays={"a": np.arange(3)})
    assert routing_key(replace(request, **change)) != routing_key(request)


def test_counters_of_a_replica_that_is_gone_stay_in_the_sums() -> None:
    both = merge_statuses(
        {"one": status(requests=3), "two": status(requests=4)}, {"one": "m", "two": "m"}, {}
    )
    left = merge_statuses({"two": status(requests=5)}, {"two": "m"}, {"requests": 3})
    assert (both.counters["requests"], left.counters["requests"]) == (7, 8)


def test_answers_of_a_cluster_change_their_name_when_those_of_one_replica_do() -> None:
    def name(**answers: str) -> str:
        described = {replica: status(answers=one) for replica, one in answers.items()}
        return merge_statuses(described, dict.fromkeys(answers, "m"), {}).answers

    assert name(one="a", two="b") == name(two="b", one="a")
    assert name(one="a", two="c") != name(one="a", two="b")


def test_replicas_of_one_machine_share_a_disk_and_have_memory_of_their_own() -> None:
    described = {"one": status(), "two": status(), "three": status()}
    merged = merge_statuses(described, {"one": "a", "two": "a", "three": "b"}, {})
    assert (merged.cache["entries"], merged.cache["bytes"]) == (10, 1000)
    assert (merged.cache["memory_entries"], merged.cache["memory_bytes"]) == (3, 30)
    assert (merged.queued, merged.running, merged.budget_mib) == (3, 6, 300.0)
    assert merged.device_name == "3 × a processor"


def test_hits_are_those_of_every_tier_and_replica() -> None:
    described = {
        "one": status(hits_memory=1, misses=2),
        "two": status(hits_disk=2, hits_shipped=4, misses=3),
    }
    merged = merge_statuses(described, {"one": "a", "two": "b"}, {"misses": 10})
    assert (merged.cache["hits"], merged.cache["misses"]) == (7, 15)


def test_a_model_on_two_replicas_is_one_with_the_memory_of_both() -> None:
    def holding(mib: float, *, in_use: bool) -> dict[str, Any]:
        model = {"name": "tiny", "dtype": "float32", "mib": mib, "in_use": in_use}
        return status() | {"resident": [model]}

    described = {"one": holding(1.5, in_use=False), "two": holding(2.0, in_use=True)}
    merged = merge_statuses(described, {"one": "a", "two": "a"}, {})
    assert merged.resident == ({"name": "tiny", "dtype": "float32", "mib": 3.5, "in_use": True},)


def test_a_model_is_as_ready_as_on_the_readiest_machine_and_resident_where_any_holds_it() -> None:
    def entry(state: str, *, resident: bool) -> dict[str, Any]:
        return {
            "name": "tiny", "kind": "fake", "summary": "", "licence": "", "source": "",
            "state": state, "download_mib": 1.0, "memory_mib": 1.0, "resident": resident,
            "digest": None, "reason": "",
        }  # fmt: skip

    merged = merge_models(
        [[entry("downloadable", resident=True)], [entry("ready", resident=False)]]
    )
    assert merged == (ModelEntry(**entry("ready", resident=True)),)


@pytest.mark.parametrize(
    "error", [InputError("Wrong é."), BusyError("Full.", retry_after_s=7.5), HandedBackError("x")]
)
def test_an_error_of_a_replica_arrives_as_itself(error: WorkbenchError) -> None:
    arrived = unpack_error(pack_error(error))
    assert (type(arrived), str(arrived)) == (type(error), str(error))
    assert getattr(arrived, "retry_after_s", None) == getattr(error, "retry_after_s", None)


def test_replicas_are_given_no_secret(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, token=SecretStr("t0p"), password=SecretStr("s3cret"))
    kept = serve.for_replicas(settings).model_dump_json() + repr(
        serve.for_replicas(settings).token.get_secret_value()
    )
    assert "t0p" not in kept
    assert serve.for_replicas(settings).password.get_secret_value() == ""


def test_a_replica_takes_as_many_threads_as_it_has_cores(tmp_path: Path) -> None:
    def threads(**given: Any) -> int:
        found = Settings(home=tmp_path, **{"torch_threads": 0} | given)
        return serve.for_replicas(found).torch_threads

    assert threads(cluster_cpus=3.0) == 3
    assert threads(cluster_cpus=0.5) == 1
    assert threads(cluster_cpus=3.0, torch_threads=2) == 2


def test_the_front_holds_the_jobs_of_every_replica(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, queue_limit=10, cluster_max_replicas=3)
    assert serve.for_front(settings).queue_limit == 30


def test_an_open_cluster_without_a_token_is_refused_before_ray_starts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="WORKBENCH_TOKEN"):
        serve.serve_on_cluster(Settings(home=tmp_path), host="0.0.0.0", port=0)  # noqa: S104


def test_without_ray_one_is_told_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(InputError, match=r"pip install .*\[cluster\]"):
        serve.serve_on_cluster(Settings(home=tmp_path), host="127.0.0.1", port=0)


@pytest.mark.parametrize("reason", ["No cluster at x", "No cluster at x.\nMore of it."])
def test_why_ray_cannot_be_joined_is_a_sentence_before_what_to_do(reason: str) -> None:
    assert "'auto': No cluster at x. Start it with `ray start" in serve._no_ray("auto", reason)
    assert "machine: No cluster at x. Serve without" in serve._no_ray("", reason)


def test_a_cluster_that_ended_is_not_begun_anew_by_what_is_still_asked_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("RAY_ENABLE_AUTO_CONNECT", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "")
    asked = (
        "from workbench.server.cluster.serve import prepare_environment\n"
        "prepare_environment(is_own=True)\n"
        "import ray\n"
        "try:\n"
        "    ray.wait([], timeout=0)\n"
        "except Exception:\n"
        "    pass\n"
        "print(ray.is_initialized())\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=120
    )
    assert told.stdout.strip() == "False"
