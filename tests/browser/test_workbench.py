"""The workbench itself, started by its command line, with the attention tab on SmolLM2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Watched, watch
from tests.browser.launching import Launched, launched
from workbench.methods.catalog import METHODS
from workbench.settings import Settings

FIGURE = "#wb-study-attention .main-svg"
HEADS = "#wb-study-attention-heads"


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A fresh home that holds the fetched models and nothing else."""
    home = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(Settings().models_dir, target_is_directory=True)
    environment = {"WORKBENCH_HOME": str(home), "WORKBENCH_OFFLINE": "true"}
    with launched("--port", "0", environment=environment) as running:
        yield running


@pytest.fixture
def opened(workbench: Launched, open_context: Callable[..., BrowserContext]) -> Iterator[Watched]:
    found = watch(open_context().new_page(), workbench.address)
    yield found
    assert found.foreign() == []
    assert found.errors == []


def test_the_first_page_is_small_and_needs_no_model(workbench: Launched) -> None:
    assert len(workbench.first_page) < 300_000
    maps = Path(f"/proc/{workbench.process.pid}/maps")
    assert "smollm2" not in maps.read_text().lower()


def test_no_name_of_a_tab_is_cut_off(opened: Watched) -> None:
    page = opened.open()
    tabs = page.locator("#wb-tabs > .tab-wrapper [role=tab]:visible")
    tabs.first.wait_for()
    assert tabs.count() == 2 + len(METHODS)
    cut = "tabs => tabs.filter(tab => tab.scrollWidth > tab.clientWidth).map(tab => tab.innerText)"
    assert tabs.evaluate_all(cut) == []


def test_a_link_to_the_tab_shows_figures_from_shipped_results(opened: Watched) -> None:
    page = opened.open("?v=1&tab=attention&bound_b=3&degree=8&kind=taylor")
    page.locator(FIGURE).first.wait_for()
    expect(page.get_by_role("slider", name="Largest entry B")).to_have_value("3")
    expect(page.locator("#wb-study-attention .wb-words")).to_contain_text("B = 3")
    page.get_by_role("tab", name="Head atlas").click()
    page.locator(f"{HEADS} .main-svg").first.wait_for()
    expect(page.locator(f"{HEADS} .wb-words")).to_contain_text("heads")


@pytest.mark.model
@pytest.mark.timeout(180)
def test_the_head_atlas_runs_on_a_text_of_ones_own(opened: Watched) -> None:
    page = opened.open("?v=1&tab=attention&study=heads")
    page.locator(f"{HEADS} .main-svg").first.wait_for()
    study = page.locator(HEADS)
    study.get_by_role("textbox", name="Text").fill("Two short sentences. One of them is this.")
    study.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(f"{HEADS} .wb-receipt")).to_contain_text(
        "attention.head_statistics", timeout=120_000
    )
