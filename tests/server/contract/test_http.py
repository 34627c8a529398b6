"""What only the HTTP home has: tokens, limits, formats, resumed streams, callers that vanish."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import httpx_sse
import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from tests.server.fakes import WAIT_S, FakeOperations, FakeSource
from workbench.errors import (
    InputError,
    NotAllowedError,
    TooLargeError,
    UnknownJobError,
    UnreachableError,
    from_wire,
)
from workbench.server import wire
from workbench.server.api import Request
from workbench.server.client import HttpClient
from workbench.server.engine import Engine
from workbench.server.exposure import check_exposure, is_loopback
from workbench.server.http import JOBS_BESIDE_THE_QUEUE, create_app
from workbench.server.serve import open_socket, running_server
from workbench.settings import Settings

ECHO = {"operation": "fake.echo", "arguments": {"a": 1}}
GATED = {"operation": "fake.gated"}


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with plain_client(url) as http:
        yield http


def plain_client(url: str) -> httpx.Client:
    """A client without proxies and certificates."""
    return httpx.Client(base_url=url, trust_env=False, verify=False, timeout=WAIT_S)  # noqa: S501


def events_of(source: httpx_sse.EventSource) -> list[httpx_sse.ServerSentEvent]:
    return [event for event in source.iter_sse() if event.data]


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

    def test_the_client_resumes_a_stream_that_breaks(
        self, engine: Engine, url: str, operations: FakeOperations
    ) -> None:
        del engine
        with dropping_proxy(url) as (proxy_url, drop):
            client = HttpClient(proxy_url)
            job = client.submit(Request("fake.gated", arguments={"partials": 4}))
            operations.wait_started()
            steps: list[object] = []
            for event in job.events():
                if event.kind == "partial":
                    steps.append(event.values["step"])
                    if len(steps) == 2:
                        drop()
                    if len(steps) == 4:
                        operations.gate.set()
            assert steps == [0, 1, 2, 3]
            assert job.result(WAIT_S).values == {"passed": ""}
            client.close()


@contextlib.contextmanager
def dropping_proxy(url: str) -> Iterator[tuple[str, Callable[[], None]]]:  # noqa: C901
    """A TCP relay in front of a server; the yielded function cuts its connections."""
    target = httpx.URL(url)
    sockets: list[socket.socket] = []

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection((target.host, target.port))
                sockets.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threads.append(threading.Thread(target=pump, args=pair))
                    threads[-1].start()

    def drop() -> None:
        for end in sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    listening = open_socket("127.0.0.1", 0)
    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", drop
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        drop()
        for thread in threads:
            thread.join(WAIT_S)
        for end in sockets:
            end.close()


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
        app = create_app(engine, settings, version="0", idle_s=0.05)
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
                assert http.get(other["result"]).status_code == 499
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


TOKEN = "s3cret"  # noqa: S105


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with a token."""
    here = Settings(home=tmp_path_factory.mktemp("guarded"), device="cpu", token=SecretStr(TOKEN))
    with (
        contextlib.closing(Engine(here, FakeSource(), FakeOperations().all())) as engine,
        running_server(create_app(engine, here, version="0")) as url,
    ):
        yield url


class TestGuards:
    @pytest.mark.parametrize(
        "path", ["/v1/models", "/v1/status", "/metrics", "/readyz", "/openapi.json", "/nonsense"]
    )
    @pytest.mark.parametrize(
        "given_", ["", "Bearer wrong", "Bearer s3cre", "Basic s3cret", "Bearer"]
    )
    def test_everything_but_healthz_asks_for_the_token(
        self, guarded: str, path: str, given_: str
    ) -> None:
        headers = {"Authorization": given_} if given_ else {}
        with plain_client(guarded) as http:
            answer = http.get(path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "WORKBENCH_TOKEN" in answer.json()["message"]
            assert http.get("/healthz").status_code == 200

    def test_the_client_brings_its_token(self, guarded: str) -> None:
        with contextlib.closing(HttpClient(guarded, token=TOKEN)) as client:
            assert client.call(Request("fake.echo")).values == {"arguments": {}}
        with (
            contextlib.closing(HttpClient(guarded, token="é" + TOKEN)) as client,
            pytest.raises(NotAllowedError, match="WORKBENCH_TOKEN"),
        ):
            client.submit(Request("fake.echo"))

    def test_without_a_token_other_names_of_this_machine_are_refused(
        self, http: httpx.Client
    ) -> None:
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
            answer = http.get("/v1/models", headers={"Host": host})
            assert answer.status_code == 401, host
        for host in ("localhost", "localhost:1", "127.0.0.1", "127.0.0.1:7870", "[::1]:7870"):
            assert http.get("/v1/models", headers={"Host": host}).status_code == 200, host

    def test_a_foreign_origin_gets_no_permission(self, http: httpx.Client) -> None:
        origin = {"Origin": "https://evil.example"}
        answer = http.get("/v1/models", headers=origin)
        asked = http.options(
            "/v1/run",
            headers=origin
            | {
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type",
            },
        )
        assert asked.status_code == 405
        for headers in (answer.headers, asked.headers):
            assert not [name for name in headers if name.startswith("access-control")]

    def test_a_form_of_another_page_cannot_start_work(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        """The three content types that browsers send without asking first."""
        for kind in ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded"):
            answer = http.post("/v1/run", content=json.dumps(ECHO), headers={"Content-Type": kind})
            assert answer.status_code == 422
        assert operations.executions == []

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9"])
    def test_this_machine_alone_needs_no_token(self, host: str) -> None:
        assert is_loopback(host)
        check_exposure(host, "")

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "example.org"])  # noqa: S104
    def test_the_network_needs_a_token(self, host: str) -> None:
        with pytest.raises(InputError, match="WORKBENCH_TOKEN"):
            check_exposure(host, "")
        check_exposure(host, "token")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """One server for all that must be refused."""
    here = Settings(home=tmp_path_factory.mktemp("shared"), device="cpu", token="")
    with (
        contextlib.closing(Engine(here, FakeSource(), FakeOperations().all())) as engine,
        running_server(create_app(engine, here, version="0")) as url,
        plain_client(url) as http,
    ):
        yield http


class TestLimits:
    def test_a_body_over_the_limit_is_refused_with_the_limit(self, http_client: HttpClient) -> None:
        with pytest.raises(TooLargeError, match=r"16 MiB.*WORKBENCH_MAX_BODY_MIB"):
            http_client.submit(Request("fake.echo", arrays={"x": np.zeros(5 * 2**20, np.float32)}))

    def test_a_body_that_does_not_tell_its_length_is_cut_off(self, http: httpx.Client) -> None:
        chunk = b" " * 2**20
        answer = http.post(
            "/v1/run",
            content=(chunk for _ in range(20)),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 413
        assert answer.json()["error"] == "TooLargeError"

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"", "not JSON"),
            (b"{", "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b'{"operation": "x", "seed": %s}' % (b"9" * 5000), "not JSON"),
            (b"[]", "dictionary"),
            (b"null", "dictionary"),
            (b"{}", "operation"),
            (b'{"operation": 3}', "operation"),
            (b'{"operation": "fake.echo", "surprise": 1}', "surprise"),
            (b'{"operation": "fake.echo", "deadline_s": -1}', "deadline_s"),
            (b'{"operation": "fake.echo", "seed": "one"}', "seed"),
            (b'{"operation": "fake.echo", "arguments": {"a": NaN}}', "finite"),
            (b'{"operation": "fake.echo", "arguments": ' + b'{"a":' * 70 + b"1" + b"}" * 71, "64"),
        ],
        ids=lambda part: str(part)[:40],
    )
    def test_a_bad_body_is_refused_in_one_sentence(
        self, shared: httpx.Client, body: bytes, said: str
    ) -> None:
        answer = shared.post("/v1/run", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422
        assert said in answer.json()["message"]
        assert len(answer.json()["message"]) < 600

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/v1/jobs/x/result?wait_s=soon", 422),
            ("/v1/jobs/x/result?wait_s=1e9", 422),
            ("/v1/jobs/x/result?wait_s=nan", 422),
            ("/v1/nonsense", 404),
            ("/v1/../../etc/passwd", 404),
            ("/docs", 404),
            ("/v1/run", 405),
        ],
    )
    def test_bad_addresses_and_parameters_have_the_common_shape(
        self, shared: httpx.Client, path: str, status: int
    ) -> None:
        answer = shared.get(path)
        assert answer.status_code == status
        assert set(answer.json()) == {"error", "message"}

    def test_an_unknown_address_names_the_nearest(self, http: httpx.Client) -> None:
        assert "/v1/models" in http.get("/v1/model").json()["message"]

    def test_huge_headers_are_refused(self, http: httpx.Client) -> None:
        assert http.get("/v1/models", headers={"X-Long": "x" * 100_000}).status_code in {400, 431}


GOOD = wire.pack_request(Request("fake.echo", arrays={"x": np.arange(3.0)}))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = ("operation", "model", "arguments", "dtype", "seed", "fresh", "user", "deadline_s", "more")
FUZZ = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class TestRandomBodies:
    @FUZZ
    @given(
        body=st.binary(max_size=200), kind=st.sampled_from([wire.MEDIA_TYPE, "application/json"])
    )
    @example(body=GOOD[:20], kind=wire.MEDIA_TYPE)
    def test_random_bytes_are_never_a_server_error(
        self, shared: httpx.Client, body: bytes, kind: str
    ) -> None:
        answer = shared.post("/v1/run", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 422
        assert set(answer.json()) == {"error", "message"}

    @FUZZ
    @given(place=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
    def test_a_flipped_bit_is_always_noticed(
        self, shared: httpx.Client, place: int, bit: int
    ) -> None:
        body = bytearray(GOOD)
        body[place] ^= 1 << bit
        answer = shared.post(
            "/v1/run", content=bytes(body), headers={"Content-Type": wire.MEDIA_TYPE}
        )
        assert answer.status_code == 422

    @FUZZ
    @given(body=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
    def test_random_json_is_answered_or_refused(
        self, shared: httpx.Client, body: dict[str, object]
    ) -> None:
        content = json.dumps({"operation": "fake.echo"} | body)
        for accept in ("application/json", wire.MEDIA_TYPE):
            answer = shared.post(
                "/v1/run",
                content=content,
                headers={"Content-Type": "application/json", "Accept": accept},
            )
            assert answer.status_code in {200, 404, 422, 504}
            if answer.status_code != 200:
                assert set(answer.json()) == {"error", "message"}

    @FUZZ
    @given(path=st.text(max_size=30), query=st.text(max_size=10))
    def test_random_addresses_are_never_a_server_error(
        self, shared: httpx.Client, path: str, query: str
    ) -> None:
        with contextlib.suppress(httpx.InvalidURL):
            url = shared.base_url.copy_with(path="/v1/jobs/" + path, query=quote(query).encode())
            assert shared.get(url).status_code < 500


def metric(http: httpx.Client, name: str, **labels: str) -> float:
    """The value of one metric."""
    for family in text_string_to_metric_families(http.get("/metrics").text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    raise AssertionError(f"no metric {name} {labels}")


class TestState:
    def test_the_metrics_count_what_happened(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        for _ in range(3):
            http.post("/v1/run", json=ECHO)
        http.post("/v1/run", json={"operation": "fake.model", "model": "tiny", "dtype": "float32"})
        http.post("/v1/run", json={"operation": "fake.fail", "arguments": {"error": "AssetError"}})
        jobs = [http.post("/v1/jobs", json=GATED).json() for _ in range(2)]
        operations.wait_started()
        assert metric(http, "workbench_open_jobs") == 2
        assert metric(http, "workbench_running") == 1
        assert metric(http, "workbench_coalesced_total") == 1
        assert metric(http, "workbench_hits_total", tier="memory") == 2
        assert metric(http, "workbench_requests_total") == 7
        assert metric(http, "workbench_failures_total") == 1
        assert metric(http, "workbench_resident_bytes") == 2**20
        assert metric(http, "workbench_load_seconds_count", model="tiny") == 1
        for histogram in ("queue_seconds", "compute_seconds", "batch_items"):
            assert metric(http, f"workbench_{histogram}_count", operation="fake.echo") == 1
        for job in jobs:
            http.delete(f"/v1/jobs/{job['job']}")
        operations.wait_stopped()
        assert metric(http, "workbench_cancelled_total") == 2
        for name in ("evictions", "rejected", "out_of_memory"):
            assert metric(http, f"workbench_{name}_total") == 0

    def test_two_apps_keep_their_metrics_apart(self, engine: Engine, settings: Settings) -> None:
        for _ in range(2):
            create_app(engine, settings, version="0")

    def test_the_server_says_that_it_is_alive_and_ready(self, http: httpx.Client) -> None:
        assert http.get("/healthz").json() == {"status": "alive", "version": "0.0.0"}
        assert http.get("/readyz").json() == {"status": "ready", "last_error": None}

    def test_readiness_tells_the_last_bug_of_the_worker(self, http: httpx.Client) -> None:
        request = {"operation": "fake.fail", "arguments": {"error": "bug", "message": "division"}}
        told = http.post("/v1/run", json=request).json()["message"]
        assert told in http.get("/readyz").json()["last_error"]

    def test_operations_are_listed(self, http: httpx.Client) -> None:
        by_name = {entry["name"]: entry for entry in http.get("/v1/operations").json()}
        assert by_name["fake.model"] == {
            "name": "fake.model",
            "version": 1,
            "kinds": ["fake"],
            "summary": "For tests: fake.model.",
        }


class TestDescription:
    def test_the_description_is_valid_openapi(self, http: httpx.Client) -> None:
        validate(http.get("/openapi.json").json())

    def test_every_reference_of_the_description_is_there(self, http: httpx.Client) -> None:
        document = http.get("/openapi.json").json()
        references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
        assert {"RequestBody", "ErrorBody"} <= references
        assert references | {"RequestBody", "EventBody", "EndBody"} <= set(
            document["components"]["schemas"]
        )
        assert "security" not in document

    def test_the_token_is_described_where_it_is_needed(self, guarded: str) -> None:
        with plain_client(guarded) as http:
            document = http.get(
                "/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}
            ).json()
        validate(document)
        assert document["security"] == [{"token": []}]
        assert document["paths"]["/healthz"]["get"]["security"] == []

    def test_events_match_their_description(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        components = http.get("/openapi.json").json()["components"]
        job = http.post("/v1/jobs", json=GATED | {"arguments": {"partials": 3}}).json()
        operations.gate.set()
        with httpx_sse.connect_sse(http, "GET", job["events"]) as source:
            for event in events_of(source):
                name = "EndBody" if event.event == "end" else "EventBody"
                schema = {"$ref": f"#/components/schemas/{name}", "components": components}
                jsonschema.validate(json.loads(event.data), schema)

    def test_every_route_is_described_with_its_errors(self, http: httpx.Client) -> None:
        paths = http.get("/openapi.json").json()["paths"]
        assert set(paths) == {
            "/v1/run",
            "/v1/jobs",
            "/v1/jobs/{job_id}",
            "/v1/jobs/{job_id}/events",
            "/v1/jobs/{job_id}/result",
            "/v1/models",
            "/v1/operations",
            "/v1/status",
            "/healthz",
            "/readyz",
            "/metrics",
        }
        assert set(paths["/v1/run"]["post"]["responses"]) == {
            "200", "401", "404", "413", "422", "429", "499", "500", "503", "504",
        }  # fmt: skip

    def test_json_answers_match_their_description(
        self, http: httpx.Client, operations: FakeOperations
    ) -> None:
        document = http.get("/openapi.json").json()
        operations.gate.set()

        def check(answer: httpx.Response, path: str, method: str = "get") -> None:
            described = document["paths"][path][method]["responses"][str(answer.status_code)]
            schema = described["content"]["application/json"]["schema"]
            jsonschema.validate(answer.json(), schema | {"components": document["components"]})

        for path in ("/v1/models", "/v1/operations", "/v1/status", "/healthz", "/readyz"):
            check(http.get(path), path)
        wants_json = {"Accept": "application/json"}
        check(http.post("/v1/run", json=ECHO, headers=wants_json), "/v1/run", "post")
        check(http.post("/v1/run", json={}), "/v1/run", "post")
        check(http.post("/v1/jobs", json=GATED), "/v1/jobs", "post")


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


class TestUnreachable:
    def test_a_client_is_built_while_the_server_is_down(self) -> None:
        client = HttpClient("http://127.0.0.1:9", patience_s=0)
        for ask in (client.models, client.status, lambda: client.call(Request("fake.echo"))):
            with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9.*python launch\.py serve"):
                ask()
        client.close()

    @pytest.mark.parametrize("url", ["", "localhost:7870", "ftp://x", "http://", "http://[", "é"])
    def test_an_address_that_is_none_is_refused_with_an_example(self, url: str) -> None:
        with pytest.raises(InputError, match="http://127"):
            HttpClient(url)

    def test_another_kind_of_server_is_noticed(self) -> None:
        async def page(scope, receive, send) -> None:
            del receive
            if scope["type"] == "http":
                await send({"type": "http.response.start", "status": status, "headers": []})
                await send({"type": "http.response.body", "body": b"<html>"})

        for status in (200, 404, 500):  # noqa: B007  the page answers with it
            with running_plain(page) as url, contextlib.closing(HttpClient(url)) as client:
                with pytest.raises(UnreachableError, match="not as a model server"):
                    client.call(Request("fake.echo"))
                with pytest.raises(UnreachableError, match="not as a model server"):
                    client.models()

    def test_threads_share_one_client(self, http_client: HttpClient) -> None:
        with ThreadPoolExecutor(24) as pool:
            asked = [
                pool.submit(http_client.call, Request("fake.fill", arguments={"count": n}))
                for n in range(120)
            ]
            sizes = [one.result(WAIT_S).arrays["filled"].size for one in asked]
        assert sizes == list(range(120))


@contextlib.contextmanager
def running_plain(app) -> Iterator[str]:
    """Serve an app that knows no lifespan."""

    async def with_lifespan(scope, receive, send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})

    with running_server(with_lifespan) as url:
        yield url


class TestRestart:
    def test_a_restarted_server_is_asked_again_once(
        self, engine: Engine, settings: Settings, operations: FakeOperations
    ) -> None:
        with running_server(create_app(engine, settings, version="0")) as url:
            client = HttpClient(url)
            job = client.submit(Request("fake.gated", arguments={"name": "asked twice"}))
            operations.wait_started()
        operations.wait_stopped()
        port = httpx.URL(url).port
        assert port is not None
        with running_server(create_app(engine, settings, version="0"), port=port):
            operations.gate.set()
            kinds = [event.kind for event in job.events()]
            assert "running" in kinds
            assert job.result(WAIT_S).values == {"passed": "asked twice"}
            client.close()
        assert operations.count("fake.gated") == 2
