"""What a page says of itself to whoever watches it: docs/monitoring/README.md."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from panels.app import build_app
from tests.browser import toy
from workbench.errors import UnreachableError
from workbench.server.api import Status

README = Path(__file__).parents[2] / "docs" / "monitoring" / "README.md"


class _Away(toy.ToyClient):
    def status(self) -> Status:
        raise UnreachableError("The model server does not answer.")


def _page(client: toy.ToyClient) -> TestClient:
    async def build() -> FastAPI:
        return build_app(
            client=client, version="0", methods=(toy.METHOD,), builders={"waves": toy.build}
        )

    return TestClient(asyncio.run(build()), base_url="http://127.0.0.1")


@pytest.mark.parametrize(("client", "state"), [(toy.ToyClient, "ok"), (_Away, "unreachable")])
def test_a_page_says_whether_its_model_server_answers(
    client: type[toy.ToyClient], state: str
) -> None:
    answer = _page(client()).get("/healthz")
    assert answer.status_code == 200  # the page lives
    assert (answer.json()["page"], answer.json()["server"]) == ("ok", state)
    # the pattern by which the documentation has it watched tells the two apart
    found = re.search(r"fail_if_body_not_matches_regexp: \['(.+)'\]", README.read_text("utf-8"))
    assert found is not None
    assert (re.search(found.group(1), answer.text) is not None) == (state == "ok")


def test_what_a_page_does_is_told_on_no_address_that_visitors_reach() -> None:
    page = _page(toy.ToyClient())
    for address in ("/metrics", "/readyz", "/monitoring", "/monitoring/summary", "/v1/status"):
        assert page.get(address).status_code == 404, address
