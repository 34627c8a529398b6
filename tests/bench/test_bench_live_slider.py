"""How quickly a live slider redraws 2,000 and 10,000 points; prints figures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.bench.test_bench_page import describe, drag, percentile, report
from tests.browser import toy
from tests.browser.conftest import FLAGS, Served, build_in_loop, find_chromium

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=find_chromium(playwright), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    client = toy.ToyClient(measured={"Hello."})
    app = build_in_loop(client=client, methods=(toy.METHOD,), builders={"waves": toy.build})
    running = Served(app, client)
    running.start()
    yield running
    running.stop()


@pytest.mark.parametrize(("points", "limit_ms"), [(2_000, 33.0), (10_000, 60.0)])
def test_a_live_slider_redraws_in_time_without_a_request(
    browser: Browser, served: Served, points: int, limit_ms: float
) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{served.address}?tab=waves&points={points}")
    page.wait_for_timeout(2_000)  # what the page still fetches is not the slider's
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    milliseconds = drag(page, "Height H")
    page.close()
    report(f"{points:,} points: {describe(milliseconds)}; requests {len(requests)}")
    assert requests == []
    assert percentile(milliseconds, 95) <= limit_ms
