"""Only what the page asks for gets through, from its own origin and of a bounded size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from panels.access import Access
from panels.border import ADDRESSES, Border

HERE = "http://127.0.0.1:7860"
JOIN = "/gradio_api/queue/join"


async def _echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())} bytes")


def client(*, local_only: bool = True, origins: tuple[str, ...] = ()) -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", _echo, methods=["GET", "POST"])])
    access = Access(local_only=local_only, origins=origins, max_upload_mib=1)
    app.add_middleware(Border, access=access)
    return TestClient(app, base_url=HERE)


@pytest.mark.parametrize(
    "address",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=https://elsewhere.example/",
        "/gradio_api/proxy=https://elsewhere.example/",
        "/gradio_api/upload",
        "/gradio_api/process_recording",
        "/gradio_api/vibe-edit",
        "/gradio_api/call/predict",
        "/gradio_api/run/other",
        "/monitoring",
        "/monitoring/summary",
        "/login",
        "/docs",
        "/gradio_api/queue/join/../../file=/etc/passwd",
        "//elsewhere.example/",
    ],
)
def test_what_the_page_does_not_use_is_not_there(address: str) -> None:
    for method in ("GET", "POST"):
        answer = client().request(method, HERE + address)
        assert answer.status_code == 404
        assert "open the page at /" in answer.json()["complaint"]


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_address_outside_the_list_gets_through(tail: str) -> None:
    for start in ("/gradio_api/file=", "/gradio_api/upload", "/proxy=", "/gradio_api/stream/"):
        assert ADDRESSES.fullmatch(start + tail) is None


def test_a_foreign_origin_may_change_nothing() -> None:
    foreign = {"origin": "https://elsewhere.example"}
    answer = client().post(JOIN, content=b"{}", headers=foreign)
    assert answer.status_code == 403
    assert "Another site" in answer.json()["complaint"]
    for origin in (
        "null",
        "http://[",
        "127.0.0.1:7860",
        "http://127.0.0.1:9999",
        "http://127.0.0.1.elsewhere.example:7860",
    ):
        assert client().post(JOIN, headers={"origin": origin}).status_code == 403
    assert client().post(JOIN, headers={"origin": HERE}).status_code == 200
    assert client().post(JOIN).status_code == 200  # no browser
    allowed = client(origins=("https://elsewhere.example",))
    assert allowed.post(JOIN, headers=foreign).status_code == 200


def test_a_name_that_was_pointed_here_gets_nothing_unless_the_page_is_for_the_network() -> None:
    rebound = {"host": "elsewhere.example:7860"}
    refused = client().get("/", headers=rebound)
    assert refused.status_code == 403
    assert "WORKBENCH_PASSWORD" in refused.json()["complaint"]
    for broken in ("[", "[::1", ":7860", ""):
        assert client().get("/", headers={"host": broken}).status_code == 403
    assert client(local_only=False).get("/", headers=rebound).status_code == 200
    for name in ("localhost:7860", "127.0.0.1", "[::1]:7860"):
        assert client().get("/", headers={"host": name}).status_code == 200


def test_a_body_over_the_limit_is_refused_stated_or_not() -> None:
    full = b"x" * 2**20
    assert client().post(JOIN, content=full).text == f"{2**20} bytes"
    stated = client().post(JOIN, content=full + b"x")
    assert stated.status_code == 413

    def parts() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 2**16

    for answer in (stated, client().post(JOIN, content=parts())):
        assert answer.status_code == 413
        assert "At most 1 MiB" in answer.json()["complaint"]


def test_every_answer_forbids_scripts_from_elsewhere_and_guessing_of_types() -> None:
    headers = client().get("/").headers
    assert headers["x-content-type-options"] == "nosniff"
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http:" not in policy
    assert "*" not in policy
