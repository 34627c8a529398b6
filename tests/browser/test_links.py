"""A link opens what was seen, inputs not yet run included; a bad one explains itself."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import expect

from tests.browser.conftest import Watched

BANNER = ".wb-banner"
WAVES_TITLE = "A wave and its height"
SLOW_TITLE = "What a model says of the text"


def test_a_copied_link_restores_every_input_even_those_never_run(watched: Watched) -> None:
    page = watched.open_waves()
    page.get_by_role("slider", name="Height H").press("ArrowRight")
    page.get_by_role("radio", name="square").check()
    page.get_by_role("slider", name="Points n").press("ArrowRight")
    page.get_by_role("button", name="More").click()
    page.get_by_label("Centred").check()
    page.get_by_role("tab", name=SLOW_TITLE).click()
    page.get_by_role("textbox", name="Text").fill("Ünïcode & = + 漢字 “quotes”\nsecond line")
    page.locator("#wb-study-waves-slow").get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlsplit(link).query) == {
        "v": ["1"],
        "tab": ["waves"],
        "study": ["slow"],
        "height": ["1.1"],
        "shape": ["square"],
        "points": ["1100"],
        "centred": ["true"],
        "slow.text": ["Ünïcode & = + 漢字 “quotes”\nsecond line"],
        "slow.model": ["tiny"],
        "slow.scale": ["1"],
    }
    page.wait_for_function(f"location.href === {link!r}")

    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("textbox", name="Text")).to_have_value(
        "Ünïcode & = + 漢字 “quotes”\nsecond line"
    )
    page.get_by_role("tab", name=WAVES_TITLE).click()
    page.locator("#wb-study-waves .main-svg").first.wait_for()
    assert page.get_by_role("slider", name="Height H").input_value() == "1.1"
    assert page.get_by_role("slider", name="Points n").input_value() == "1100"
    expect(page.get_by_role("radio", name="square")).to_be_checked()
    page.get_by_role("button", name="More").click()
    expect(page.get_by_label("Centred")).to_be_checked()
    expect(page.locator("#wb-study-waves .wb-words")).to_have_text("A square wave of height 1.1.")
    expect(page.locator(BANNER)).to_be_hidden()


def test_a_text_too_long_for_a_link_is_still_there_when_the_page_comes_back(
    watched: Watched,
) -> None:
    page = watched.open_waves()
    page.get_by_role("tab", name=SLOW_TITLE).click()
    text = page.get_by_role("textbox", name="Text")
    opened_with = text.input_value()
    text.fill("a long word " * 1_000)
    page.wait_for_function("sessionStorage.getItem('wb-long-link') !== null")
    page.reload()
    expect(text).to_have_value("a long word " * 1_000)
    page.goto(watched.address + "?v=1&tab=waves&study=slow&slow.scale=2")  # another link wins
    expect(text).to_have_value(opened_with)


def test_a_value_out_of_range_opens_the_defaults_and_says_what_is_allowed(watched: Watched) -> None:
    page = watched.open_waves("?v=1&tab=waves&height=9")
    expect(page.locator(BANNER)).to_contain_text("Height H is 9; choose 0 to 3.")
    assert page.get_by_role("slider", name="Height H").input_value() == "1"
    page.locator(BANNER).get_by_role("button", name="Close").click()
    expect(page.locator(BANNER)).to_be_hidden()


def test_a_number_out_of_range_is_not_taken_and_the_link_keeps_the_last_good_one(
    watched: Watched,
) -> None:
    page = watched.open_waves()
    box = page.get_by_role("spinbutton", name="Height H, as a number")
    refused = page.locator("#waves-height-refused")
    box.fill("2.5")
    page.wait_for_url("**&height=2.5&**")
    expect(refused).to_be_hidden()
    before = len(watched.requests)
    box.fill("9")
    expect(refused).to_have_text("Height H: 0 to 3. 9 was not taken; 2.5 stays.")
    expect(page.get_by_role("slider", name="Height H")).to_have_value("2.5")
    box.press("Enter")
    expect(box).to_have_value("2.5")
    assert "height=2.5" in page.evaluate("workbench.address()")
    box.fill("")
    box.blur()
    expect(box).to_have_value("2.5")
    expect(refused).to_contain_text("2.5 stays")
    page.get_by_role("spinbutton", name="Points n, as a number").fill("100.5")
    expect(page.locator("#waves-points-refused")).to_contain_text("a whole number from 100")
    assert watched.requests[before:] == []  # nothing was asked of the server
    box.fill("1.5")
    expect(refused).to_be_hidden()
    assert "height=1.5" in page.evaluate("workbench.address()")


def test_a_link_opens_the_status_page(watched: Watched) -> None:
    page = watched.open("?v=1&tab=status")
    expect(page.get_by_role("tab", name="Status")).to_have_attribute("aria-selected", "true")
    expect(page.locator(BANNER)).to_be_hidden()


def test_an_unknown_version_is_explained(watched: Watched) -> None:
    page = watched.open_waves("?v=7&tab=waves&height=2")
    expect(page.locator(BANNER)).to_contain_text("version '7'")


def test_markup_in_a_link_is_shown_as_text(watched: Watched) -> None:
    attack = "<img src=x onerror=\"document.title='broken'\">"
    page = watched.open("?" + urlencode({"v": "1", "tab": attack}))
    expect(page.locator(BANNER)).to_contain_text("<img src=x")
    page = watched.open_slow(
        "?" + urlencode({"v": "1", "tab": "waves", "study": "slow", "slow.text": attack})
    )
    expect(page.get_by_role("textbox", name="Text")).to_have_value(attack)
    assert page.title() == "Foundation Model Workbench"


def test_a_text_too_long_for_a_link_is_offered_as_a_file_that_opens_again(
    watched: Watched,
) -> None:
    page = watched.open_slow()
    text = "word " * 1500
    page.get_by_role("textbox", name="Text").fill(text)
    study = page.locator("#wb-study-waves-slow")
    study.locator(".main-svg").first.wait_for()
    study.get_by_role("button", name="Copy link").click()
    expect(study.get_by_role("alert")).to_contain_text("too long for a link")
    with page.expect_download() as download:
        study.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_role("textbox", name="Text").fill("Hello.")
    study.get_by_label("Open settings").set_input_files(download.value.path())
    expect(page.get_by_role("textbox", name="Text")).to_have_value(text)


def test_of_a_link_with_too_many_phrases_nothing_is_followed(watched: Watched) -> None:
    five = "a%3B+b%3B+c%3B+d%3B+e"
    page = watched.open(f"?v=1&tab=waves&study=parts&parts.hint={five}")
    expect(page.locator(BANNER)).to_contain_text("Hint has 5 phrases; at most 4 are allowed.")
    study = page.locator("#wb-study-waves-parts")
    expect(study.locator(".wb-chip-text")).to_have_text(["harbour", "new ferry"])
    study.locator(".main-svg").first.wait_for()  # and the defaults are drawn
