"""A page with a password, as a person meets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from panels.access import Access
from tests.browser import toy
from tests.browser.conftest import Served, build_in_loop, watch


@pytest.fixture(scope="module")
def locked() -> Iterator[Served]:
    client = toy.ToyClient()
    app = build_in_loop(
        client=client,
        methods=(toy.METHOD,),
        builders={"waves": toy.build},
        access=Access(password="open sesame"),  # noqa: S106
    )
    running = Served(app, client)
    running.start()
    yield running
    running.stop()


def test_a_link_opens_what_it_names_once_the_password_is_entered(
    locked: Served, open_context: Callable[..., BrowserContext]
) -> None:
    watched = watch(open_context().new_page(), locked.address)
    page = watched.open("?tab=waves&height=3")
    page.get_by_label("Password of this server").fill("sesame")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the password.")
    page.get_by_label("Password of this server").fill("open sesame")
    page.keyboard.press("Enter")
    page.locator("#wb-study-waves .main-svg").first.wait_for()
    assert "height=3" in page.url
    assert watched.errors == []
    page.reload()
    page.locator("#wb-study-waves .main-svg").first.wait_for()


def test_the_door_is_readable_in_light_and_dark(
    locked: Served, open_context: Callable[..., BrowserContext]
) -> None:
    for scheme, ground in (("light", "rgb(251, 248, 241)"), ("dark", "rgb(23, 27, 33)")):
        page = open_context(color_scheme=scheme).new_page()
        page.goto(locked.address)
        expect(page.locator("body")).to_have_css("background-color", ground)
        expect(page.get_by_label("Password of this server")).to_be_focused()
