"""What the HTTP server refuses: strangers, too much, and nonsense."""

from __future__ import annotations

import contextlib
import json
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.server.contract.asking import ECHO, TOKEN, plain_client
from tests.server.fakes import FakeOperations
from workbench.errors import (
    InputError,
    NotAllowedError,
    TooLargeError,
)
from workbench.server import wire
from workbench.server.api import Request
from workbench.server.client import HttpClient
from workbench.server.exposure import check_exposure, is_loopback


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
