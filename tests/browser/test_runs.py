"""Runs show where they stand, stop when told, and say kindly what went wrong."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import WAIT_S, Watched
from tests.browser.toy import ToyClient

SLOW = "#wb-study-waves-slow"


def test_a_parameter_that_is_not_live_runs_the_study(watched: Watched) -> None:
    page = watched.open_waves()
    page.get_by_role("slider", name="Points n").press("ArrowRight")
    page.wait_for_function(
        "document.querySelector('#wb-study-waves .js-plotly-plot').calcdata[0].length === 1100"
    )


def test_a_study_behind_a_button_opens_on_what_is_measured_already(
    watched: Watched, toy_client: ToyClient
) -> None:
    page = watched.open_slow()
    page.locator(f"{SLOW} .main-svg").first.wait_for()
    assert [request.fresh for request in toy_client.requests] == [False]


def test_a_study_never_measured_invites_to_run_and_measures_nothing(
    watched: Watched, toy_client: ToyClient
) -> None:
    toy_client.measured.clear()
    toy_client.gate.clear()
    page = watched.open_slow()
    expect(page.locator(SLOW)).to_contain_text("Nothing is measured yet")
    assert toy_client.stopped.wait(WAIT_S)
    assert toy_client.measured == set()
    toy_client.gate.set()
    page.get_by_role("button", name="Run to measure").click()
    expect(page.locator(f"{SLOW} .main-svg").first).to_be_visible()


def test_a_run_shows_its_progress_and_cancel_frees_the_device(
    watched: Watched, toy_client: ToyClient
) -> None:
    page = watched.open_slow()
    page.locator(f"{SLOW} .main-svg").first.wait_for()
    toy_client.gate.clear()
    toy_client.stopped.clear()
    page.get_by_role("textbox", name="Text").fill("A text of five words")
    expect(page.locator(SLOW)).to_contain_text("Press Run to measure again")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(f"{SLOW} .wb-message")).to_contain_text("Reading · 25 % · about 12 s left")
    page.get_by_role("button", name="Cancel").click()
    assert toy_client.stopped.wait(WAIT_S)
    expect(page.locator(f"{SLOW} .wb-message")).to_have_text("Cancelled. Words read are kept.")
    toy_client.gate.set()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function(
        "document.querySelector('#wb-study-waves-slow .js-plotly-plot').calcdata[0].length === 5"
    )
    expect(page.locator(f"{SLOW} .wb-message")).to_have_text("")


def test_cancel_touches_no_other_session(watched: Watched, toy_client: ToyClient) -> None:
    page = watched.open_slow()
    page.locator(f"{SLOW} .main-svg").first.wait_for()
    other = page.context.new_page()
    other.goto(watched.address + "?tab=waves&study=slow")
    other.locator(f"{SLOW} .main-svg").first.wait_for()
    toy_client.gate.clear()
    toy_client.stopped.clear()
    for each, text in ((page, "mine"), (other, "theirs and longer")):
        each.get_by_role("textbox", name="Text").fill(text)
        each.get_by_role("button", name="Run", exact=True).click()
        expect(each.locator(f"{SLOW} .wb-message")).to_contain_text("25 %")
    page.get_by_role("button", name="Cancel").click()
    assert toy_client.stopped.wait(WAIT_S)
    expect(other.locator(f"{SLOW} .wb-message")).to_contain_text("25 %")
    toy_client.gate.set()
    other.wait_for_function(
        "document.querySelector('#wb-study-waves-slow .js-plotly-plot').calcdata[0].length === 3"
    )


def test_closing_the_page_stops_its_run(watched: Watched, toy_client: ToyClient) -> None:
    other = watched.page.context.new_page()
    other.goto(watched.address + "?tab=waves&study=slow")
    other.locator(f"{SLOW} .main-svg").first.wait_for()
    toy_client.gate.clear()
    toy_client.stopped.clear()
    other.get_by_role("textbox", name="Text").fill("left behind")
    other.get_by_role("button", name="Run", exact=True).click()
    expect(other.locator(f"{SLOW} .wb-message")).to_contain_text("25 %")
    other.close()
    assert toy_client.stopped.wait(WAIT_S)


def test_bad_input_is_refused_with_one_sentence_and_nothing_is_asked(
    watched: Watched, toy_client: ToyClient
) -> None:
    page = watched.open_slow()
    page.locator(f"{SLOW} .main-svg").first.wait_for()
    asked = len(toy_client.requests)
    page.get_by_role("textbox", name="Text").fill("  ")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(SLOW).get_by_role("alert")).to_have_text(
        "Text is empty; type at least 1 character(s)."
    )
    page.get_by_role("textbox", name="Text").fill("x" * 20_001)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(SLOW).get_by_role("alert")).to_have_text(
        "Text has 20,001 characters; at most 20,000 are allowed. Shorten it."
    )
    assert len(toy_client.requests) == asked


def test_a_server_that_goes_down_is_announced_and_forgotten_when_it_is_back(
    watched: Watched, toy_client: ToyClient
) -> None:
    page = watched.open_slow()
    page.locator(f"{SLOW} .main-svg").first.wait_for()
    toy_client.gate.clear()
    page.get_by_role("textbox", name="Text").fill("in the middle")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(f"{SLOW} .wb-message")).to_contain_text("25 %")
    toy_client.is_down = True
    toy_client.gate.set()
    expect(page.locator(".wb-banner")).to_contain_text("toy:1 does not answer")
    expect(page.locator(f"{SLOW} .main-svg").first).to_be_visible()  # what was there stays
    toy_client.is_down = False
    expect(page.locator(".wb-banner")).to_be_hidden()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function(
        "document.querySelector('#wb-study-waves-slow .js-plotly-plot').calcdata[0].length === 3"
    )


def test_an_endpoint_that_fails_is_the_runs_own_trouble_and_not_the_servers(
    watched: Watched, toy_client: ToyClient
) -> None:
    page = watched.open_slow()
    page.locator(f"{SLOW} .main-svg").first.wait_for()
    page.evaluate(
        "workbench.seen = []; new MutationObserver(() => workbench.seen.push(1)).observe("
        "document.querySelector('.wb-banner'), { childList: true })"
    )
    toy_client.endpoint_says = "far at toy:2 refuses the key on its card: expired."
    page.get_by_role("textbox", name="Text").fill("asked of the endpoint")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(SLOW).get_by_role("alert")).to_have_text(toy_client.endpoint_says)
    expect(page.locator(f"{SLOW} .main-svg").first).to_be_visible()  # the last figure stays
    assert page.evaluate("workbench.seen") == []  # the page's banner never said a word


def test_a_page_opened_while_the_server_is_down_works_and_fills_when_it_is_back(
    watched: Watched, toy_client: ToyClient
) -> None:
    toy_client.is_down = True
    page = watched.open_waves()  # needs no model
    page.get_by_role("tab", name="What a model says of the text").click()
    expect(page.locator(".wb-banner")).to_contain_text("does not answer")
    toy_client.is_down = False
    page.locator(f"{SLOW} .main-svg").first.wait_for()
    expect(page.locator(".wb-banner")).to_be_hidden()


def test_a_run_that_others_waited_for_too_says_with_how_many_it_was_shared(
    watched: Watched, toy_client: ToyClient
) -> None:
    toy_client.shared_with = 11
    page = watched.open_slow()
    receipt = page.locator(f"{SLOW} .wb-receipt")
    expect(receipt).to_contain_text("shared with 11 others")
    for others, words in ((1, "shared with 1 other,"), (0, "measured now, 2026")):
        toy_client.shared_with = others
        page.get_by_role("button", name="Run", exact=True).click()
        expect(receipt).to_contain_text(words)


def test_models_are_listed_with_what_choosing_them_costs(watched: Watched) -> None:
    page = watched.open_slow()
    page.get_by_role("combobox", name="Model").click()
    expect(page.get_by_role("option", name="big")).to_contain_text("download 1,234 MiB")


def test_a_control_of_several_kinds_lists_them_all_each_with_its_kind(watched: Watched) -> None:
    page = watched.open_slow()
    options = page.get_by_role("combobox", name="Model").locator("option")
    expect(options).to_have_text(
        [
            "tiny · language model · ready",
            "big · language model · download 1,234 MiB",
            "hosted · endpoint · not available",
        ]
    )
    page.get_by_role("combobox", name="Model").select_option("hosted")
    assert page.evaluate("workbench.studies.get('waves.slow').values.model") == "hosted"


def test_a_run_carries_one_name_from_the_browser_to_the_model_server(
    watched: Watched, toy_client: ToyClient
) -> None:
    page = watched.open_slow()
    page.locator(f"{SLOW} .main-svg").first.wait_for()
    toy_client.requests.clear()
    for text in ("One more text.", "And another."):
        page.get_by_role("textbox", name="Text").fill(text)
        page.get_by_role("button", name="Run", exact=True).click()
        page.wait_for_function("!workbench.studies.get('waves.slow').panel.isBusy")
    first, second = (request.trace for request in toy_client.requests)
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert re.fullmatch("[0-9a-f]{16}", second)
    assert first != second


def test_a_file_is_sent_named_and_read_by_the_run_and_one_of_another_kind_refused(
    watched: Watched, toy_client: ToyClient, tmp_path: Path
) -> None:
    page = watched.open_slow()
    page.locator(f"{SLOW} .main-svg").first.wait_for()
    page.get_by_role("button", name="More").click()
    choose = page.get_by_label("Words", exact=True)
    wrong = tmp_path / "picture.png"
    wrong.write_bytes(b"x")
    choose.set_input_files(wrong)
    expect(page.get_by_text("picture.png is not a .txt file")).to_be_visible()
    mine = tmp_path / "my words.txt"
    mine.write_text(" and three more", "utf-8")
    choose.set_input_files(mine)
    expect(page.get_by_text("my words.txt", exact=True)).to_be_visible()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function(
        "document.querySelector('#wb-study-waves-slow .js-plotly-plot').calcdata[0].length === 4"
    )
    assert toy_client.requests[-1].arguments["text"] == "Hello. and three more"
    page.wait_for_function("location.search.includes('slow.file=')")
    page.reload()
    page.get_by_role("button", name="More").click()
    expect(page.get_by_text("my words.txt", exact=True)).to_be_visible()
    page.get_by_role("button", name="Remove the file of Words").click()
    expect(page.get_by_text("my words.txt", exact=True)).to_have_count(0)
