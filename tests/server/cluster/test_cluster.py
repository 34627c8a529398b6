"""What a cluster adds: equal requests meet on one replica, others spread, refusals come through."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.server.cluster.conftest import REPLICAS, Cluster
from tests.server.contract.asking import metric
from tests.server.fakes import WAIT_S, FakeOperations
from workbench.errors import BusyError
from workbench.server.api import Job, Request
from workbench.server.client import HttpClient

QUEUE_LIMIT = 2


def gated(name: str, **more: object) -> Request:
    return Request("fake.gated", arguments={"name": name, **more})  # type: ignore[dict-item]


def start_on_both(client: HttpClient, cluster: Cluster) -> list[Job]:
    """Jobs that run, at least one on each replica, and as many more as it took."""
    jobs = []
    for number in range(64):
        jobs.append(client.submit(gated(f"first {number}")))
        if len(set(cluster.stage.pids)) == REPLICAS:
            return jobs
        if not cluster.stage.pids:
            cluster.stage.operations.wait_started()
    raise AssertionError("64 different requests all went to one replica")


def test_different_requests_spread_over_the_replicas(
    http_client: HttpClient, cluster: Cluster, operations: FakeOperations
) -> None:
    jobs = start_on_both(http_client, cluster)
    operations.gate.set()
    for number, job in enumerate(jobs):
        assert job.result(WAIT_S).values == {"passed": f"first {number}"}


def test_equal_requests_of_many_people_at_once_are_computed_once(
    http_client: HttpClient, operations: FakeOperations
) -> None:
    def ask(number: int) -> dict[str, object]:
        request = Request(
            "fake.gated", arguments={"name": "same"}, user=f"person {number}", trace=f"t{number}"
        )
        return dict(http_client.call(request).values)

    with ThreadPoolExecutor(30) as people:
        asked = [people.submit(ask, number) for number in range(30)]
        operations.wait_started()
        operations.gate.set()
        assert [each.result(WAIT_S) for each in asked] == [{"passed": "same"}] * 30
    assert operations.count("fake.gated") == 1


def test_replicas_share_what_is_on_disk(
    http_client: HttpClient, cluster: Cluster, operations: FakeOperations, tmp_path: Path
) -> None:
    request = Request("fake.fill", arguments={"count": 1000})
    http_client.call(request)
    for n in range(20):  # 20 of them reach both replicas, in all but 1 of 500,000 tries
        http_client.call(Request("fake.fill", arguments={"count": n}))
    cluster.stage.begin(tmp_path, operations)  # fresh engines, the same folder
    assert http_client.call(request).receipt.source == "disk"
    sources = {
        http_client.call(Request("fake.fill", arguments={"count": n})).receipt.source
        for n in range(20)
    }
    assert sources == {"disk"}
    assert operations.count("fake.fill") == 21


def test_a_full_replica_refuses_at_once_and_keeps_what_it_took(
    http_client: HttpClient, cluster: Cluster, operations: FakeOperations, tmp_path: Path
) -> None:
    cluster.stage.begin(tmp_path, operations, queue_limit=QUEUE_LIMIT)
    jobs: list[Job] = []
    refused: BusyError | None = None
    for number in range(REPLICAS * (1 + QUEUE_LIMIT) + 1):
        try:
            jobs.append(http_client.submit(gated(f"more {number}")))
        except BusyError as error:
            refused = error
            break
    assert refused is not None
    assert refused.retry_after_s > 0
    assert len(jobs) <= REPLICAS * (1 + QUEUE_LIMIT)
    operations.gate.set()
    assert all(job.result(WAIT_S).values["passed"] for job in jobs)


def test_a_refusal_is_the_same_answer_over_http(
    http: httpx.Client, cluster: Cluster, operations: FakeOperations, tmp_path: Path
) -> None:
    cluster.stage.begin(tmp_path, operations, queue_limit=1)
    for number in range(2 * REPLICAS + 1):
        body = {"operation": "fake.gated", "arguments": {"name": f"raw {number}"}}
        answer = http.post("/v1/jobs", json=body)
        if answer.status_code != 202:
            break
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["error"] == "BusyError"


def test_places_in_the_queue_are_those_of_the_replica(
    http_client: HttpClient, operations: FakeOperations
) -> None:
    jobs = [http_client.submit(gated(f"waits {number}")) for number in range(24)]
    places = [next(iter(job.events())).place for job in jobs[2:]]
    told = [place for place in places if place is not None]
    assert len(set(told)) < len(told)  # in one queue no two are in the same place
    assert max(told) < 24
    operations.gate.set()
    assert all(job.result(WAIT_S).values["passed"] for job in jobs)


def test_two_replicas_share_a_gpu_of_which_each_takes_a_half(cluster: Cluster) -> None:
    assert set(cluster.stage.devices.values()) == {"0"}
    assert len(cluster.stage.devices) >= REPLICAS


def test_metrics_are_those_of_all_replicas(http: httpx.Client, http_client: HttpClient) -> None:
    before = metric(http, "workbench_executions_total")
    for n in range(20):
        http_client.call(Request("fake.echo", arguments={"n": n}))
    assert metric(http, "workbench_executions_total") == before + 20
    # measurements are fetched with the status, so the histograms are those of one look before
    assert metric(http, "workbench_compute_seconds_count", operation="fake.echo") >= 1


def test_the_server_says_what_it_can_do(http: httpx.Client) -> None:
    assert http.get("/readyz").json()["status"] == "ready"
    names = {operation["name"] for operation in http.get("/v1/operations").json()}
    assert names == {operation.name for operation in FakeOperations().all()}
