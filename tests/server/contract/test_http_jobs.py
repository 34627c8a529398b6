"""Jobs over HTTP: asking, streams, callers that vanish, a server that is full."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import httpx_sse
import numpy as np
import pytest
from pydantic import SecretStr

from tests.server.contract.asking import ECHO, GATED, events_of, metric, plain_client
from tests.server.fakes import WAIT_S, FakeOperations, FakeSource
from workbench.errors import (
    UnknownJobError,
    UnreachableError,
    from_wire,
)
from workbench.server import routes, wire
from workbench.server.api import Request
from workbench.server.client import HttpClient
from workbench.server.engine import Engine
from workbench.server.http import JOBS_BESIDE_THE_QUEUE, create_app
from workbench.server.serve import running_server
from workbench.settings import Settings


class TestAsking:
    def test_run_waits_for_the_answer(self, http: httpx.Client) -> None:
        answer = http.post("/v1/run", json=ECHO)
        assert answer.headers["content-type"] == wire.MEDIA_TYPE
        assert wire.unpack_result(answer.content).values == {"arguments": {"a": 1}}

    def test_a_miss_gives_a_job_and_a_hit_the_result_at_once(self, http: httpx.Client) -> None:
        first = http.post("/v1/jobs", json=ECHO)
        assert first.status_code == 202
        there = http.get(first.json()["result"], params={"wait_s": 10})
        second = http.post("/v1/jobs", json=ECHO)
        assert second.status_code == 200
        assert wire.unpack_result(second.content).values == wire.unpack_result(there.content).values

    def test_results_come_as_json_when_asked(self, http: httpx.Client) -> None:
        arrays = {"x": np.array([[1.5, np.nan]]), "empty": np.zeros((0, 2), np.float32)}
        answer = http.post(
            "/v1/run",
            content=wire.pack_request(Request("fake.echo", arrays=arrays)),
            headers={"Content-Type": wire.MEDIA_TYPE, "Accept": "application/json"},
        )
        assert answer.json()["arrays"] == {
            "x": {"dtype": "float64", "shape": [1, 2], "data": [[1.5, None]]},
            "empty": {"dtype": "float32", "shape": [0, 2], "data": []},
        }
        assert answer.json()["receipt"]["operation"] == "fake.echo"

    def test_large_results_as_json_are_refused_with_the_way_to_get_them(
        self, http: httpx.Client
    ) -> None:
        request = {"operation": "fake.fill", "arguments": {"count": 200_000}}
        answer = http.post("/v1/run", json=request, headers={"Accept": "application/json"})
        assert answer.status_code == 422
        assert f"Accept: {wire.MEDIA_TYPE}" in answer.json()["message"]

    def test_an_unfinished_result_says_where_to_look(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        job = http.post("/v1/jobs", json=GATED).json()
        pending = http.get(job["result"])
        assert (pending.status_code, pending.json()) == (202, job)
        operations.gate.set()
        assert http.get(job["result"], params={"wait_s": 10}).status_code == 200

    def test_job_ids_cannot_be_guessed(self, http: httpx.Client) -> None:
        ids = {http.post("/v1/jobs", json=GATED).json()["job"] for _ in range(8)}
        assert len(ids) == 8
        assert all(len(job_id) >= 22 for job_id in ids)  # 128 bits in base64

    @pytest.mark.parametrize("path", ["events", "result"])
    def test_an_unknown_job_is_not_found(self, http: httpx.Client, path: str) -> None:
        answer = http.get(f"/v1/jobs/nonsense/{path}")
        assert answer.status_code == 404
        assert isinstance(from_wire(answer.json()), UnknownJobError)
        assert http.delete("/v1/jobs/nonsense").status_code == 404

    def test_a_user_is_the_header_else_the_address(
        self, http: httpx.Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []
        submit = engine.submit

        def spy(request: Request):
            seen.append(request.user)
            return submit(request)

        monkeypatch.setattr(engine, "submit", spy)
        http.post("/v1/run", json=ECHO)
        http.post("/v1/run", json=ECHO, headers={"X-Workbench-User": "Ren%C3%A9"})
        http.post("/v1/run", json=ECHO | {"user": "Zoé"})
        assert seen == ["127.0.0.1", "René", "Zoé"]


class TestStreams:
    def test_a_stream_is_numbered_and_ends_with_how_it_went(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        job = http.post("/v1/jobs", json=GATED | {"arguments": {"partials": 2}}).json()
        operations.gate.set()
        with httpx_sse.connect_sse(http, "GET", job["events"]) as source:
            events = events_of(source)
        numbers = [int(event.id) for event in events[:-1]]
        assert numbers == list(range(1, len(events)))
        assert [event.event for event in events].count("partial") == 2
        assert (events[-1].event, json.loads(events[-1].data)) == ("end", {"state": "done"})

    def test_a_dropped_stream_resumes_behind_the_last_event(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        job = http.post("/v1/jobs", json=GATED | {"arguments": {"partials": 3}}).json()
        operations.wait_started()
        with httpx_sse.connect_sse(http, "GET", job["events"]) as source:
            stream = source.iter_sse()
            before = [next(stream) for _ in range(3)]
        operations.gate.set()
        resumed = {"Last-Event-ID": before[-1].id}
        with httpx_sse.connect_sse(http, "GET", job["events"], headers=resumed) as source:
            after = events_of(source)
        with httpx_sse.connect_sse(http, "GET", job["events"]) as source:
            whole = events_of(source)
        assert [e.data for e in before + after] == [e.data for e in whole]

    def test_a_failed_job_ends_its_stream_with_the_error(self, http: httpx.Client) -> None:
        request = {"operation": "fake.fail", "arguments": {"error": "AssetError", "message": "m"}}
        job = http.post("/v1/jobs", json=request).json()
        with httpx_sse.connect_sse(http, "GET", job["events"]) as source:
            end = json.loads(events_of(source)[-1].data)
        assert end == {"state": "failed", "error": {"error": "AssetError", "message": "m"}}

    def test_a_silent_stream_is_kept_alive(
        self, http: httpx.Client, operations: FakeOperations, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(routes, "PING_S", 0.02)
        job = http.post("/v1/jobs", json=GATED).json()
        operations.wait_started()
        with http.stream("GET", job["events"]) as answer:
            assert any(line.startswith(": ping") for line in answer.iter_lines())


class TestLeaving:
    def test_hanging_up_on_run_stops_the_work(self, url: str, operations: FakeOperations) -> None:
        target = httpx.URL(url)
        body = json.dumps(GATED).encode()
        with socket.create_connection((target.host, target.port)) as connection:
            connection.sendall(
                b"POST /v1/run HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            operations.wait_started()
        operations.wait_stopped()  # the gate was never opened

    def test_delete_takes_one_caller_away_and_leaves_the_other(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        one, other = (http.post("/v1/jobs", json=GATED).json() for _ in range(2))
        operations.wait_started()
        assert http.delete(f"/v1/jobs/{one['job']}").status_code == 204
        assert http.get(one["result"], params={"wait_s": 10}).status_code == 499
        operations.gate.set()
        assert http.get(other["result"], params={"wait_s": 10}).status_code == 200

    def test_a_job_nobody_listens_to_is_cancelled(
        self, engine: Engine, settings: Settings, operations: FakeOperations
    ) -> None:
        app = create_app(engine, settings, version="0", idle_s=0.1)
        with running_server(app) as url, plain_client(url) as http:
            job = http.post("/v1/jobs", json=GATED).json()
            operations.wait_started()
            operations.wait_stopped()
            assert http.get(job["result"], params={"wait_s": 10}).status_code == 499
            assert metric(http, "workbench_abandoned_jobs_total") == 1

    def test_a_job_somebody_listens_to_is_kept(
        self, engine: Engine, settings: Settings, operations: FakeOperations
    ) -> None:
        # long enough that a loaded machine has begun to listen before the first job is given up
        app = create_app(engine, settings, version="0", idle_s=2.0)
        with running_server(app) as url, plain_client(url) as http:
            kept = http.post("/v1/jobs", json=GATED | {"arguments": {"name": "kept"}}).json()
            operations.wait_started()
            with httpx_sse.connect_sse(http, "GET", kept["events"]) as source:
                stream = source.iter_sse()
                next(stream)
                # another job comes and is cancelled for want of a listener while this one is heard
                other = http.post("/v1/jobs", json=GATED | {"arguments": {"name": "other"}}).json()
                while metric(http, "workbench_abandoned_jobs_total") == 0:
                    pass
                # counted first, cancelled then: the answer may be a moment away
                assert http.get(other["result"], params={"wait_s": 10}).status_code == 499
                operations.gate.set()
                assert [event.event for event in stream if event.data][-1] == "end"
            assert http.get(kept["result"]).status_code == 200

    def test_finished_jobs_are_forgotten(self, engine: Engine, settings: Settings) -> None:
        app = create_app(engine, settings, version="0", keep_s=0.05)
        with running_server(app) as url, plain_client(url) as http:
            job = http.post("/v1/jobs", json=ECHO).json()
            assert http.get(job["result"], params={"wait_s": 10}).status_code == 200
            while metric(http, "workbench_kept_jobs") > 0:
                pass
            assert http.get(job["result"]).status_code == 404


class TestStopping:
    def test_stopping_the_server_cancels_its_jobs_and_ends_its_streams(
        self, engine: Engine, settings: Settings, operations: FakeOperations
    ) -> None:
        with running_server(create_app(engine, settings, version="0")) as url:
            client = HttpClient(url, patience_s=0)
            job = client.submit(Request("fake.gated"))
            operations.wait_started()
        operations.wait_stopped()
        with pytest.raises(UnreachableError):
            job.result()
        client.close()


class TestBusy:
    def test_a_full_queue_says_when_to_come_back(
        self, tmp_path: Path, operations: FakeOperations
    ) -> None:
        here = Settings(home=tmp_path, device="cpu", queue_limit=1, token=SecretStr(""))
        with (
            contextlib.closing(Engine(here, FakeSource(), operations.all())) as engine,
            running_server(create_app(engine, here, version="0")) as url,
            plain_client(url) as http,
        ):
            http.post("/v1/jobs", json=GATED)
            operations.wait_started()
            http.post("/v1/jobs", json=GATED | {"arguments": {"name": "waits"}})
            answer = http.post("/v1/jobs", json=GATED | {"arguments": {"name": "too many"}})
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) >= answer.json()["retry_after_s"]
            assert metric(http, "workbench_rejected_total") == 1
            operations.gate.set()

    def test_open_jobs_are_bounded_even_when_they_share_one_computation(
        self, http: httpx.Client, settings: Settings, operations: FakeOperations
    ) -> None:
        limit = settings.queue_limit + JOBS_BESIDE_THE_QUEUE
        for _ in range(limit):
            assert http.post("/v1/jobs", json=GATED).status_code == 202
        answer = http.post("/v1/jobs", json=GATED)
        assert answer.status_code == 429
        assert str(limit) in answer.json()["message"]
        operations.gate.set()


class TestEventLoop:
    def test_a_slow_engine_does_not_hold_up_others(
        self, http: httpx.Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entered, released = threading.Event(), threading.Event()
        submit = engine.submit

        def slow(request: Request):
            entered.set()
            assert released.wait(WAIT_S)
            return submit(request)

        monkeypatch.setattr(engine, "submit", slow)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(lambda: http.post("/v1/run", json=ECHO))
            assert entered.wait(WAIT_S)
            assert http.get("/healthz").status_code == 200
            assert http.get("/v1/models").status_code == 200
            released.set()
            assert asked.result(WAIT_S).status_code == 200
