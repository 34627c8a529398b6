"""The token theatre in a real browser, over a model server made of words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from panels.grounded import build
from tests.browser import toy
from tests.browser.conftest import Served, Watched, build_in_loop, watch
from tests.unit.grounded_client import WordClient
from workbench.errors import UnreachableError
from workbench.methods.catalog import METHODS
from workbench.methods.grounded import THEATRE
from workbench.methods.grounded.moments import CANDIDATES, moments
from workbench.server.api import Event, Request, Result

STUDY = "#wb-study-grounded-theatre"
QUERY = "?tab=grounded&study=theatre&moment=1"


@dataclass
class WordJob:
    """An answer that is there at once."""

    answer: Result
    id: str = "job"

    def events(self) -> Iterator[Event]:
        return iter(())

    def result(self, timeout_s: float | None = None) -> Result:
        del timeout_s
        return self.answer

    def cancel(self) -> None:
        return None


@dataclass
class Words(toy.ToyClient):
    """The toy server, answering as ``WordClient`` does."""

    words: WordClient = field(default_factory=WordClient)

    def submit(self, request: Request) -> WordJob:  # type: ignore[override]
        if request.operation != "language.score_skills":
            raise UnreachableError("Words alone are served here.")
        return WordJob(self.words.call(request))


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    client = Words()
    mine = tuple(method for method in METHODS if method.slug == "grounded")
    running = Served(
        build_in_loop(client=client, methods=mine, builders={"grounded": build}), client
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def theatre(served: Served, open_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    watched: Watched = watch(open_context().new_page(), served.address)
    page = watched.open(QUERY)
    page.locator(f"{STUDY} .main-svg").first.wait_for()
    yield page
    assert watched.foreign() == []
    assert watched.errors == []


def show(page: Page, view: str) -> None:
    page.locator(f"{STUDY} .wb-views button", has_text=view).click()


def test_a_click_on_a_bar_forces_its_token_and_the_rest_is_planned_anew(theatre: Page) -> None:
    params = THEATRE.params()
    plain = THEATRE.compute(THEATRE.gather(WordClient(), params), params)  # type: ignore[arg-type]
    first = moments(plain.grounded)[0]
    row = next(
        i for i in range(len(first.tokens)) if i != first.chosen and first.grounding[i] > 0.01
    )
    forced = THEATRE.params(forced=str(row))
    expected = THEATRE.compute(THEATRE.gather(WordClient(), forced), forced)  # type: ignore[arg-type]
    assert expected.grounded.commands != plain.grounded.commands
    assert np.isfinite(first.product).all()
    assert row < CANDIDATES
    bars = theatre.locator(f"{STUDY} .barlayer .trace").nth(1)  # what the scene allows
    bars.locator(".point path").nth(row).click(force=True)
    theatre.wait_for_function(
        f"workbench.studies.get('grounded.theatre').values.forced === '{row}'"
    )
    theatre.locator(STUDY).get_by_role("button", name="Run", exact=True).click()
    show(theatre, "Both plans")
    passage = theatre.locator(f"{STUDY} .wb-passage").first
    written = expected.grounded.commands[0].split()[-1]
    expect(passage).to_contain_text(written)
    steps = len(expected.grounded.steps)
    expect(passage).to_contain_text(f"Step {steps}:")
    expect(passage).not_to_contain_text(f"Step {steps + 1}:")


def test_the_plan_is_carried_out_before_the_readers_eyes(theatre: Page) -> None:
    show(theatre, "Carried out")
    words = theatre.locator(f"{STUDY} .wb-words")
    expect(words).to_contain_text("Grounded, step 1 of")
