"""The instruction console in a real browser, over the shipped network."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from panels.visionllm import build
from tests.browser.conftest import Served, Watched, build_in_loop, watch
from workbench.methods.catalog import METHODS
from workbench.server.local import open_engine
from workbench.settings import Settings

STUDY = "#wb-study-visionllm-console"
QUERY = "?v=1&tab=visionllm&study=console"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    engine = open_engine(Settings(home=tmp_path_factory.mktemp("home"), offline=True))
    mine = tuple(method for method in METHODS if method.slug == "visionllm")
    running = Served(
        build_in_loop(client=engine, methods=mine, builders={"visionllm": build}),
        engine,  # type: ignore[arg-type]
    )
    running.start()
    yield running
    running.stop()
    engine.close()


@pytest.fixture
def console(served: Served, open_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    watched: Watched = watch(open_context().new_page(), served.address)
    page = watched.open(QUERY)
    page.locator(f"{STUDY} .main-svg").first.wait_for()
    yield page
    assert watched.foreign() == []
    assert watched.errors == []


def words(page: Page) -> Locator:
    return page.locator(f"{STUDY} .wb-words")


def test_a_name_taken_out_takes_its_boxes_with_it(console: Page) -> None:
    expect(words(console)).to_contain_text("3 things of score 0.50 or more")
    # nothing changes a dictionary by itself, so there is nothing to lock
    expect(console.locator(STUDY).get_by_role("button", name="Lock car")).to_have_count(0)
    console.locator(STUDY).get_by_role("button", name="Remove car", exact=True).click()
    # the first question of all imports torch and loads the network
    expect(words(console)).to_contain_text("1 thing of score 0.50 or more: lemon.", timeout=60_000)


def test_words_that_are_not_understood_are_marked_where_they_go_wrong(console: Page) -> None:
    box = console.locator(STUDY).get_by_role("textbox", name="Instruction in your own words")
    box.fill('Find {"dog": <c0>, "dog": <c1>}')
    box.press("Tab")
    expect(words(console)).to_contain_text("named twice. A valid one: Find every object")
    console.locator(f"{STUDY} .wb-views button", has_text="How it is read").click()
    expect(console.locator(f"{STUDY} .wb-passage .wb-role-bad")).to_have_text('"dog": <c1>}')
    box.fill("Write a short caption of <image>")
    box.press("Tab")
    expect(console.locator(f"{STUDY} .wb-passage").last).to_contain_text("lemon")


def test_the_same_refusal_twice_is_said_twice_and_leaves_the_last_picture(
    served: Served, open_context: Callable[..., BrowserContext]
) -> None:
    watched: Watched = watch(open_context().new_page(), served.address)
    page = watched.open("?v=1&tab=visionllm&study=wheel")
    wheel = page.locator("#wb-study-visionllm-wheel")
    expect(wheel.locator(".wb-words")).to_contain_text("it answers “three”")
    wheel.get_by_role("textbox", name="Question").fill("")
    refusal = wheel.get_by_role("alert")
    expect(refusal).to_contain_text("Question is empty")
    page.evaluate(
        """() => {
          const study = workbench.studies.get('visionllm.wheel');
          study.panel.tell('', '');
          study.update({points: 12});
        }"""
    )
    expect(refusal).to_contain_text("Question is empty")
    page.wait_for_function("!workbench.studies.get('visionllm.wheel').panel.isBusy")
    expect(wheel.locator(".wb-words")).to_contain_text("it answers “three”")
    assert watched.errors == []


def test_a_click_on_a_box_lays_its_arithmetic_open(
    served: Served, open_context: Callable[..., BrowserContext]
) -> None:
    watched: Watched = watch(open_context().new_page(), served.address)
    page = watched.open("?v=1&tab=visionllm&study=ledger")
    ledger = "#wb-study-visionllm-ledger"
    expect(page.locator(f"{ledger} .wb-words")).to_contain_text("Box 1: l = (")
    x, y, box = page.evaluate(CENTRE_APART, f"{ledger} .js-plotly-plot")
    assert box > 1
    page.mouse.click(x, y)
    expect(page.locator(f"{ledger} .wb-words")).to_contain_text(f"Box {box}: l = (")
    assert page.evaluate("workbench.studies.get('visionllm.ledger').values.box") == box
    assert watched.errors == []


CENTRE_APART = """selector => {
  const plot = document.querySelector(selector);
  plot.scrollIntoView({block: 'center'});
  const trace = plot._fullData.find(
    one => one.meta === 'pick' && one.mode === 'markers' && one.customdata);
  const {xaxis, yaxis} = plot._fullLayout;
  const [x, y] = [trace.x.map(v => xaxis.l2p(v)), trace.y.map(v => yaxis.l2p(v))];
  const all = [...trace.x.keys()];
  const apart = all.slice(1).find(
    n => all.every(m => m === n || Math.hypot(x[m] - x[n], y[m] - y[n]) > 12));
  const box = plot.getBoundingClientRect();
  return [
    box.left + xaxis._offset + x[apart],
    box.top + yaxis._offset + y[apart],
    trace.customdata[apart],
  ];
}"""
"""Where on the page a dot is with no other within twelve pixels, and its box."""
