"""Numbers, receipts, comparison and files: what a figure shows can be kept and checked."""

from __future__ import annotations

import csv
import json
import re
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched
from tests.browser.toy import ToyClient

WAVES = "#wb-study-waves"


def tool(page: Page, name: str) -> None:
    page.locator(WAVES).get_by_role("button", name=name, exact=True).click()


def test_the_table_behind_the_figure_holds_its_points(watched: Watched) -> None:
    page = watched.open_waves()
    tool(page, "Table")
    table = page.locator(f"{WAVES} .wb-drawer table").first
    expect(table.locator("caption")).to_contain_text("wave (first 200 of 1000 rows")
    expect(table.locator("tbody tr").nth(1)).to_contain_text("0.01201")


def test_as_python_names_the_study_and_the_changed_parameters(watched: Watched) -> None:
    page = watched.open_waves("?tab=waves&points=500&shape=square")
    tool(page, "As Python")
    code = page.locator(f"{WAVES} .wb-drawer code")
    expect(code).to_contain_text("study = find_study('waves')")
    expect(code).to_contain_text("points=500")
    expect(code).to_contain_text("shape='square'")


def test_pinning_shows_a_behind_b_and_the_differences_of_their_numbers(watched: Watched) -> None:
    page = watched.open_waves()
    tool(page, "Pin A")
    for _ in range(5):
        page.get_by_role("slider", name="Height H").press("ArrowRight")
    plot = f"document.querySelector('{WAVES} .js-plotly-plot')"
    page.wait_for_function(f"{plot}.data.length === 4 && {plot}.data[0].name === 'A · wave'")
    tops = f"{plot}.calcdata.map(trace => Math.max(...trace.map(point => point.y)))"
    page.wait_for_function(f"Math.abs({tops}[2] - 1.5) < 0.01")
    assert page.evaluate(tops)[0] == pytest.approx(1.0, abs=0.01)
    page.get_by_role("button", name="Bring them up to date").click()
    row = page.locator(f"{WAVES} .wb-drawer tr", has_text="area")
    expect(row.locator("td")).to_have_text(["2", "3", "1"])
    tool(page, "Unpin A")
    page.wait_for_function(f"{plot}.data.length === 2")


def test_pinned_matrices_stand_side_by_side(watched: Watched) -> None:
    page = watched.open_waves()
    page.get_by_role("tab", name="Matrix").click()
    tool(page, "Pin A")
    page.locator(f"{WAVES} .wb-side-a .main-svg").first.wait_for()
    page.get_by_role("slider", name="Height H").press("ArrowRight")
    cells = f"[...document.querySelectorAll('{WAVES} .js-plotly-plot')].map(p => p.data[0].z[1][1])"
    page.wait_for_function(f"Math.abs({cells}[1] - 1.1) < 1e-2")
    assert page.evaluate(cells)[0] == 1


def test_rerun_measures_afresh_and_compares_every_number(
    watched: Watched, toy_client: ToyClient
) -> None:
    page = watched.open_slow()
    slow = page.locator("#wb-study-waves-slow")
    slow.locator(".main-svg").first.wait_for()
    slow.get_by_role("button", name="Receipt").click()
    expect(slow.locator(".wb-drawer")).to_contain_text("summary sha256")
    slow.get_by_role("button", name="Re-run and check").click()
    expect(slow.locator(".wb-check")).to_contain_text("all 1 numbers came out the same")
    assert toy_client.requests[-1].fresh


def test_a_rerun_that_differs_says_which_number(watched: Watched) -> None:
    page = watched.open_waves()
    page.evaluate(
        "Object.assign(workbench.studies.get('waves').panel.bundle,"
        "{summary: {area: 7, points: 1000}, receipt: {summary_sha256: 'other'}})"
    )
    tool(page, "Receipt")
    page.get_by_role("button", name="Re-run and check").click()
    expect(page.locator(f"{WAVES} .wb-check")).to_have_text("Not the same: area was 7, is 2.")


def export(page: Page, kind: str) -> Path:
    with page.expect_download() as download:
        page.locator(f"{WAVES} [data-export={kind}]").click()
    return Path(download.value.path())


def png_chunks(data: bytes) -> dict[bytes, bytes]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(
            data[at + 8 + size : at + 12 + size], "big"
        )
        chunks[kind] = body
        at += 12 + size
    return chunks


def test_every_export_carries_the_receipt(watched: Watched) -> None:
    page = watched.open_waves("?tab=waves&height=2")
    tool(page, "Export")
    digest = page.evaluate("workbench.studies.get('waves').panel.bundle.receipt.summary_sha256")

    keyword, _, text = png_chunks(export(page, "png").read_bytes())[b"tEXt"].partition(b"\0")
    assert keyword == b"receipt"
    assert json.loads(text)["summary_sha256"] == digest

    svg = export(page, "svg").read_text("utf-8")
    assert digest in re.search(r"<metadata[^>]*>(.*?)</metadata>", svg, re.DOTALL).group(1)

    lines = export(page, "csv").read_text("utf-8").splitlines()
    assert json.loads(lines[0].removeprefix("# receipt: "))["summary_sha256"] == digest
    rows = list(csv.reader(lines[1:]))
    assert rows[0] == ["series", "x", "y"]
    assert max(float(y) for name, _, y in rows[1:1001] if name == "wave") == pytest.approx(
        2, abs=1e-3
    )

    body = json.loads(export(page, "json").read_text("utf-8"))
    assert body["receipt"]["summary_sha256"] == digest
    assert body["params"]["height"] == 2
    assert body["summary"]["area"] == 4

    html = export(page, "html").read_text("utf-8")
    receipt = re.search(r'id="receipt">(.*?)</script>', html, re.DOTALL).group(1)
    assert json.loads(receipt)["summary_sha256"] == digest


def test_a_studys_own_file_is_of_the_figure_that_is_shown(watched: Watched) -> None:
    page = watched.open_waves("?tab=waves&points=500")
    page.get_by_role("slider", name="Height H").press("ArrowRight")
    tool(page, "Export")
    with page.expect_download() as download:
        page.get_by_role("button", name="Points as CSV").click()
    assert download.value.suggested_filename == "waves-points.csv"
    assert Path(download.value.path()).read_text("utf-8") == "n,height\n500,1.1\n"


def test_a_file_that_cannot_be_written_is_refused_in_words(watched: Watched) -> None:
    page = watched.open_waves("?tab=waves&shape=square")
    tool(page, "Export")
    page.get_by_role("button", name="Points as CSV").click()
    expect(page.locator(WAVES).get_by_role("alert")).to_have_text(
        "A square wave has no points between; choose sine."
    )
    expect(page.get_by_role("button", name="Points as CSV")).to_be_enabled()


def test_the_exported_page_draws_its_figure_without_a_server(watched: Watched) -> None:
    page = watched.open_waves()
    tool(page, "Export")
    path = export(page, "html")
    target = path.with_suffix(".html")
    target.write_bytes(path.read_bytes())
    page.goto(target.as_uri())
    page.locator("#figure .main-svg").first.wait_for()


def test_settings_of_another_program_are_refused_in_words(watched: Watched, tmp_path: Path) -> None:
    page = watched.open_waves()
    tool(page, "Export")
    wrong = tmp_path / "notes.json"
    wrong.write_text("not json")
    page.locator(WAVES).get_by_label("Open settings").set_input_files(wrong)
    expect(page.locator(WAVES).get_by_role("alert")).to_contain_text("notes.json is not JSON")
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({"params": {"height": 99}}))
    page.locator(WAVES).get_by_label("Open settings").set_input_files(bad)
    expect(page.locator(WAVES).get_by_role("alert")).to_contain_text(
        "bad.json sets height to 99. Height H: 0 to 3. Nothing was changed."
    )


def test_reset_brings_the_defaults_back(watched: Watched) -> None:
    page = watched.open_waves("?tab=waves&height=2.5&points=300")
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(page.get_by_role("slider", name="Height H")).to_have_value("1")
    page.wait_for_function(
        f"document.querySelector('{WAVES} .js-plotly-plot').calcdata[0].length === 1000"
    )
