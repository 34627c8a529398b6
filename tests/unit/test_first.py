"""What the page's script is answered while Gradio starts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from panels.gradio_files import FOLDER, MAXIMUM_PRELOADS
from tests.browser import toy
from tests.browser.conftest import build_in_loop


@pytest.fixture(scope="module")
def client() -> toy.ToyClient:
    return toy.ToyClient()


@pytest.fixture(scope="module")
def page(client: toy.ToyClient) -> Iterator[TestClient]:
    app = build_in_loop(client=client, methods=(toy.METHOD,), builders={"waves": toy.build})
    with TestClient(app, base_url="http://127.0.0.1") as opened:
        yield opened


def test_a_link_is_answered_with_the_result_it_asks_for(page: TestClient) -> None:
    answer = page.get("/workbench-first?v=1&tab=waves&height=2&shape=square")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["study"] == "waves"
    assert body["params"]["height"] == 2.0
    assert body["summary"]["area"] == 4.0
    assert body["figures"][0]["name"] == "curve"


@pytest.mark.parametrize(
    "query",
    ["", "?tab=overview", "?tab=status", "?tab=nowhere", "?tab=waves&height=99", "?tab=waves&x=1"],
)
def test_what_names_no_result_is_answered_with_nothing(page: TestClient, query: str) -> None:
    answer = page.get(f"/workbench-first{query}")
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_study_behind_a_button_is_never_measured_by_opening_its_link(
    page: TestClient, client: toy.ToyClient
) -> None:
    address = "/workbench-first?tab=waves&study=slow"
    assert page.get(address).status_code == 204
    assert client.measured == set()
    client.measured.add("Hello.")
    assert page.get(address).json()["study"] == "waves.slow"


def test_a_server_that_is_down_leaves_the_complaint_to_the_page(
    page: TestClient, client: toy.ToyClient
) -> None:
    client.is_down = True
    try:
        assert page.get("/workbench-first?tab=waves&study=slow").status_code == 204
    finally:
        client.is_down = False


def test_the_head_names_the_scripts_that_earlier_visitors_needed(page: TestClient) -> None:
    script = next(iter(sorted(path.name for path in FOLDER.glob("Blocks-*.js"))))
    assert page.get(f"/assets/{script}").status_code == 200
    assert page.get("/assets/no-such-script.js").status_code == 404
    head = page.get("/").text.split("</head>")[0]
    named = re.findall(r"<link rel='modulepreload' href='/assets/([^']+)'>", head)
    assert script in named
    assert len(named) <= MAXIMUM_PRELOADS
    assert all((FOLDER / name).is_file() for name in named)
