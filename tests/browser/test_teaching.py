"""The teaching tab on nothing but shipped records: no model, no download."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Watched, watch
from tests.browser.launching import Launched, launched
from workbench.methods.teaching import HAND, hand
from workbench.server.local import open_engine
from workbench.settings import Settings
from workbench.study import execute

HAND_STUDY = "#wb-study-teaching-hand"
OWN_STUDY = "#wb-study-teaching-own"
GRAPH = f"document.querySelector('{HAND_STUDY} .js-plotly-plot')"
SIX = (0, 3, 7, 11, 15, 19)
ALONE = 9
"""Right answers of the first deal's student alone, as the lesson says and its test checks."""


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A fresh home: what is shown is what is shipped."""
    environment = {
        "WORKBENCH_HOME": str(tmp_path_factory.mktemp("home")),
        "WORKBENCH_OFFLINE": "true",
    }
    with launched("--port", "0", environment=environment) as running:
        yield running


@pytest.fixture
def opened(workbench: Launched, open_context: Callable[..., BrowserContext]) -> Iterator[Watched]:
    context = open_context()
    context.set_default_timeout(60_000)
    found = watch(context.new_page(), workbench.address)
    yield found
    assert found.foreign() == []
    assert found.errors == []


@pytest.fixture
def score(tmp_path: Path) -> hand.Score:
    """What the six explanations come to, from the same shipped records."""
    engine = open_engine(Settings(home=tmp_path, offline=True))
    try:
        params = HAND.params(picks=" ".join(map(str, SIX)))
        found = execute(HAND, engine, params).result.score
    finally:
        engine.close()
    assert found is not None
    return found


def row_of(page: Page, number: int) -> tuple[float, float]:
    """Where a question's row stands on the screen."""
    return tuple(
        page.evaluate(
            """([study, number]) => {
                const graph = document.querySelector(`${study} .js-plotly-plot`);
                const bars = graph.data.filter((trace) => trace.meta === "pick");
                const trace = bars.find((one) => [...one.customdata].includes(number));
                const place = [...trace.customdata].indexOf(number);
                const box = graph.getBoundingClientRect();
                const { xaxis, yaxis } = graph._fullLayout;
                const x = box.left + xaxis._offset + xaxis.l2p(0.3);
                const y = box.top + yaxis._offset + yaxis.l2p(trace.y[place]);
                return [x, y];
            }""",
            [HAND_STUDY, number],
        )
    )


def test_six_clicks_make_a_teacher_who_is_scored_on_the_shipped_records(
    opened: Watched, score: hand.Score
) -> None:
    page = opened.page
    page.set_viewport_size({"width": 1280, "height": 1400})
    opened.open("?v=1&tab=teaching&study=hand")
    study = page.locator(HAND_STUDY)
    study.locator(".main-svg").first.wait_for()
    words = study.locator(".wb-words")
    expect(words).to_contain_text("6 explanations left")
    for spent, number in enumerate(SIX, start=1):
        place = row_of(page, number)
        page.mouse.move(*place)
        page.wait_for_function(f"{GRAPH}._hoverdata?.[0].customdata === {number}")
        page.mouse.click(*place)
        expect(study.locator(".wb-control-picks .wb-count")).to_have_text(f"{spent} of 6")
        if spent < len(SIX):
            left = len(SIX) - spent
            expect(words).to_contain_text(f"{left} explanation{'s' if left > 1 else ''} left")
    expect(words).to_contain_text("Your 6 explanations gained")
    expect(words).to_contain_text(f"the student has {ALONE + score.mine} of 20 right")
    study.get_by_role("tab", name="Your score").click()
    chart = study.locator(".js-plotly-plot:visible")
    for name in ("you", "expected utility", "oracle"):
        expect(chart.locator(".annotation-text", has_text=name)).to_be_visible()


def test_the_chosen_picks_survive_in_a_link(opened: Watched) -> None:
    page = opened.open(f"?v=1&tab=teaching&study=hand&hand.picks={'+'.join(map(str, SIX))}")
    study = page.locator(HAND_STUDY)
    study.locator(".main-svg").first.wait_for()
    expect(study.locator(".wb-words")).to_contain_text("Your 6 explanations gained")
    study.get_by_role("button", name="Clear").click()
    expect(study.locator(".wb-words")).to_contain_text("6 explanations left")


def test_own_questions_open_with_budget_curves_that_follow_the_budget(opened: Watched) -> None:
    page = opened.open("?v=1&tab=teaching&study=own")
    study = page.locator(OWN_STUDY)
    study.locator(".main-svg").first.wait_for()
    expect(study.locator(".wb-words")).to_contain_text("8 of 40 questions are explained")
    before = len(opened.requests)
    budget = study.get_by_role("slider", name="Budget b")
    budget.press("ArrowRight")
    expect(study.locator(".wb-words")).to_contain_text("10 of 40 questions are explained")
    assert len(opened.requests) == before  # no request while the budget moves
