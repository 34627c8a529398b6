"""Files of a study's own: of the settings that were sent, safely named, refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from panels.view import Download
from tests.browser import toy
from tests.browser.conftest import build_in_loop

OWN = {"X-Workbench": "1"}
POINTS = "/workbench-download?study=waves&name=points"


@pytest.fixture(scope="module")
def page() -> Iterator[TestClient]:
    app = build_in_loop(
        client=toy.ToyClient(), methods=(toy.METHOD,), builders={"waves": toy.build}
    )
    with TestClient(app, base_url="http://127.0.0.1") as opened:
        yield opened


def test_a_file_is_written_of_the_settings_that_were_sent(page: TestClient) -> None:
    answer = page.post(POINTS, json={"height": 2.5, "points": 300}, headers=OWN)
    assert answer.text == "n,height\n300,2.5\n"
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="waves-points.csv"'
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b'{"height": 99}', 422, "Height H is 99; choose 0 to 3."),
        (b'{"shape": "square"}', 422, "A square wave has no points between; choose sine."),
        (b'{"width": 1}', 404, "width"),
        (b"[1]", 422, "not named"),
        (b"height", 422, "not JSON"),
        (b'{"shape": "' + b"x" * 2**20 + b'"}', 422, "more than 1 MiB"),
    ],
)
def test_what_cannot_be_written_is_refused_in_words(
    page: TestClient, body: bytes, status: int, text: str
) -> None:
    answer = page.post(POINTS, content=body, headers=OWN)
    assert answer.status_code == status
    assert answer.json()["kind"] == "input"
    assert text in answer.json()["text"]


@pytest.mark.parametrize("query", ["study=waves&name=other", "study=waves.slow&name=points"])
def test_a_file_that_no_study_offers_is_not_there(page: TestClient, query: str) -> None:
    assert page.post(f"/workbench-download?{query}", json={}, headers=OWN).status_code == 404


def test_a_page_of_another_origin_gets_no_file(page: TestClient) -> None:
    assert page.post(POINTS, json={}).status_code == 404


def test_a_bug_in_a_writer_is_a_reference_and_not_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def build(shown: toy.Page) -> None:
        def write(_result: object, _position: object) -> str:
            raise KeyError("secret of the house")

        shown.study(
            toy.WAVES,
            figures=(toy.View("curve", "Curve", toy.draw_curve),),
            run="auto",
            downloads=(Download("points", "Points", "application/json", write),),
        )

    app = build_in_loop(client=toy.ToyClient(), methods=(toy.METHOD,), builders={"waves": build})
    with TestClient(app, base_url="http://127.0.0.1") as opened:
        answer = opened.post(POINTS, json={}, headers=OWN)
    assert answer.status_code == 500
    assert answer.json()["kind"] == "bug"
    assert "secret" not in answer.text
    assert "secret of the house" in caplog.text


@pytest.mark.parametrize("name", ["", "../x", "a b", "Boxes", 'a"b', "a--b", "a/b"])
def test_a_name_that_is_no_plain_part_of_a_files_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        Download(name, "Label", "application/json", lambda _result, _position: "")


def test_a_media_type_without_an_ending_is_refused() -> None:
    with pytest.raises(ValueError, match="no ending"):
        Download("boxes", "Label", "application/unheard-of", lambda _result, _position: "")


def test_a_file_is_named_after_its_study() -> None:
    boxes = Download("boxes", "Boxes", "application/json", lambda _result, _position: "")
    assert boxes.file_name("visionllm.console") == "visionllm-console-boxes.json"


def _build_twice(shown: toy.Page) -> None:
    points = Download("points", "Points", "text/csv", toy.write_points)
    curve = toy.View("curve", "Curve", toy.draw_curve)
    shown.study(toy.WAVES, figures=(curve,), run="auto", downloads=(points, points))


def _build_local(shown: toy.Page) -> None:
    points = Download("points", "Points", "text/csv", toy.write_points)
    curve = toy.View("curve", "Curve", toy.draw_curve)
    local = replace(toy.WAVES, is_local=True)
    shown.study(local, figures=(curve,), run="button", downloads=(points,))


@pytest.mark.parametrize(
    ("build", "reason"), [(_build_twice, "one name"), (_build_local, "another run")]
)
def test_a_study_whose_files_could_not_be_told_apart_or_written_again_is_not_built(
    build: object, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        build_in_loop(client=toy.ToyClient(), methods=(toy.METHOD,), builders={"waves": build})
