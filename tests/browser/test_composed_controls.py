"""Controls of many parts and views of texts, moved as a person moves them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import toy
from tests.browser.conftest import Watched

PLOT = "document.querySelector('#wb-study-waves-parts .js-plotly-plot')"


@pytest.fixture
def parts(watched: Watched) -> Page:
    page = watched.open("?tab=waves&study=parts")
    page.wait_for_function(f"{PLOT}?.calcdata")
    return page


def study(page: Page) -> Locator:
    return page.locator("#wb-study-waves-parts")


def value(page: Page, name: str) -> str:
    return page.evaluate(f"workbench.studies.get('waves.parts').values.{name}")


def words(page: Page) -> Locator:
    return study(page).locator(".wb-words")


def test_a_clicked_point_is_chosen_and_clicked_again_is_not(parts: Page) -> None:
    def click(number: int) -> None:
        point = study(parts).locator(".scatterlayer .point").nth(number)
        point.hover(force=True)
        parts.wait_for_function(f"{PLOT}._hoverdata?.[0].customdata === {number}")
        point.click(force=True)

    click(7)
    expect(words(parts)).to_have_text("Chosen: 2 7.")
    parts.wait_for_function(f"{PLOT}._hoverdata === undefined")  # drawn anew
    expect(study(parts).get_by_text("2 of 3")).to_be_visible()
    click(2)
    expect(words(parts)).to_have_text("Chosen: 7.")
    study(parts).get_by_role("textbox", name="Chosen").fill("9 4, 4")
    study(parts).get_by_role("textbox", name="Chosen").press("Enter")
    expect(words(parts)).to_have_text("Chosen: 4 9.")


def test_phrases_are_added_locked_moved_and_removed(parts: Page) -> None:
    study(parts).get_by_role("button", name="old bridge", exact=True).click()
    assert value(parts, "hint") == "harbour; new ferry; old bridge"
    expect(study(parts).get_by_role("button", name="old bridge", exact=True)).to_have_count(0)
    expect(study(parts).locator(".wb-chip.wb-role-good")).to_contain_text("harbour")
    study(parts).get_by_role("button", name="Lock harbour").click()
    study(parts).locator(".wb-chip-text", has_text="old bridge").press("ArrowLeft")
    assert value(parts, "hint") == "!harbour; old bridge; new ferry"
    chips = study(parts).locator(".wb-chip")
    chips.filter(has_text="new ferry").drag_to(chips.filter(has_text="harbour"))
    assert value(parts, "hint") == "new ferry; !harbour; old bridge"
    study(parts).get_by_role("button", name="Remove harbour").click()
    study(parts).get_by_role("textbox", name="Add a phrase").fill("tide; ebb; a fifth is too many")
    study(parts).get_by_role("textbox", name="Add a phrase").press("Enter")
    assert value(parts, "hint") == "new ferry; old bridge; tide; ebb"
    expect(study(parts).get_by_text("4 phrases at most: 1 left out.")).to_be_visible()


def test_a_phrase_is_renamed_in_its_place_and_keeps_its_lock(parts: Page) -> None:
    def rename(old: str, new: str, key: str) -> None:
        field = study(parts).get_by_role("textbox", name=f"Rename {old}")
        expect(field).to_be_focused()
        field.fill(new)
        field.press(key)

    labels = study(parts).locator(".wb-chip-text")
    study(parts).get_by_role("button", name="Lock harbour").click()
    labels.filter(has_text="harbour").dblclick()
    rename("harbour", " old  quay ", "Enter")
    assert value(parts, "hint") == "!old quay; new ferry"
    expect(labels.first).to_be_focused()
    labels.filter(has_text="new ferry").press("Enter")
    rename("new ferry", "something else", "Escape")
    assert value(parts, "hint") == "!old quay; new ferry"
    labels.filter(has_text="new ferry").press("F2")
    rename("new ferry", "", "Enter")  # what says nothing renames nothing
    assert value(parts, "hint") == "!old quay; new ferry"
    labels.filter(has_text="new ferry").dblclick()
    rename("new ferry", "tide; ebb", "Tab")
    assert value(parts, "hint") == "!old quay; tide; ebb"


def test_pieces_are_put_dragged_stepped_and_taken_away(parts: Page) -> None:
    square = study(parts).locator(".wb-board")
    square.scroll_into_view_if_needed()
    box = square.bounding_box()
    assert box
    start = (box["x"] + 0.2 * box["width"], box["y"] + 0.8 * box["height"])
    parts.mouse.move(*start)
    parts.mouse.down()
    parts.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.25 * box["height"], steps=6)
    parts.mouse.up()
    assert re.fullmatch(r"red block@0\.(49|50|51),0\.(74|75|76)", value(parts, "table"))
    study(parts).get_by_role("button", name="bowl", exact=True).click()
    piece = study(parts).get_by_role("button", name=re.compile("^bowl; drag"))
    piece.press("ArrowUp")
    assert value(parts, "table").endswith("bowl@0.50,0.52")
    study(parts).get_by_role("button", name=re.compile("^bowl; drag")).press("Delete")
    assert "bowl" not in value(parts, "table")


def test_a_drawing_arrives_as_a_png_file(parts: Page) -> None:
    study(parts).get_by_role("button", name="Draw").click()
    box = study(parts).locator(".wb-sheet").bounding_box()
    assert box
    parts.mouse.move(box["x"] + 40, box["y"] + 40)
    parts.mouse.down()
    parts.mouse.move(box["x"] + 200, box["y"] + 200, steps=5)
    parts.mouse.up()
    study(parts).get_by_role("button", name="Use this drawing").click()
    expect(study(parts).locator(".wb-upload-name")).to_have_text("drawing.png")
    assert re.fullmatch(r"[0-9a-f]{64}/drawing\.png", value(parts, "sketch"))


def test_texts_follow_a_live_control_and_a_clicked_part_sets_it(parts: Page) -> None:
    study(parts).get_by_role("tab", name="Texts").click()
    cards = study(parts).locator(".wb-stage .wb-passage")
    expect(cards).to_have_count(2)
    expect(cards.nth(1)).to_have_text(re.compile("harbour new ferry"))
    cards.nth(1).get_by_text("harbour").click()
    expect(words(parts)).to_have_text("2 times")
    expect(cards.nth(1)).to_have_text(re.compile("harbour harbour new ferry new ferry"))
    study(parts).get_by_role("button", name="Pin A").click()
    expect(study(parts).locator(".wb-stage .wb-passage")).to_have_count(4)
    study(parts).get_by_role("button", name="Table", exact=True).click()
    expect(study(parts).locator(".wb-drawer table")).to_contain_text("harbour harbour")
    study(parts).get_by_role("button", name="Export").click()
    expect(study(parts).get_by_role("button", name="PNG picture")).to_have_count(0)
    with parts.expect_download() as download:
        study(parts).get_by_role("button", name="HTML page").click()
    page_text = download.value.path().read_text("utf-8")
    assert "harbour harbour" in page_text
    assert '"study": "waves.parts"' in page_text


def test_a_link_brings_every_part_back(watched: Watched) -> None:
    page = watched.open("?v=1&tab=waves&study=parts&parts.hint=%21quay%3B+tide&parts.chosen=1+5")
    expect(words(page)).to_have_text("Chosen: 1 5.")
    expect(study(page).locator(".wb-chip")).to_have_count(2)
    expect(study(page).locator(".wb-chip.wb-locked")).to_contain_text("quay")


def test_what_a_model_writes_is_seen_while_it_writes(
    watched: Watched, toy_client: toy.ToyClient
) -> None:
    toy_client.gate.clear()
    page = watched.open("?tab=waves&study=slow&slow.text=A+new+text")
    slow = page.locator("#wb-study-waves-slow")
    slow.get_by_text("Nothing is measured yet").wait_for()
    slow.get_by_role("button", name="Run", exact=True).click()
    card = slow.locator(".wb-writing .wb-passage")
    expect(card).to_have_text(re.compile("The model readsOnce upon"))
    toy_client.gate.set()
    expect(card).to_have_count(0)
