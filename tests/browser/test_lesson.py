"""The attention tab's lesson, done by keyboard alone: guess first, then see."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from panels.lesson import LESSONS
from tests.browser.conftest import Served, Watched, build_in_loop, watch
from tests.browser.toy import ToyClient

LESSON = ".wb-lesson-host:visible"


@pytest.fixture(scope="module")
def attention() -> Iterator[Served]:
    """The real tabs before a model server that has measured nothing."""
    client = ToyClient()
    running = Served(build_in_loop(client=client), client)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def opened(attention: Served, open_context: Callable[..., BrowserContext]) -> Iterator[Watched]:
    found = watch(open_context().new_page(), attention.address)
    found.open("?tab=attention").locator("#wb-study-attention .main-svg").first.wait_for()
    yield found
    assert found.foreign() == []
    assert found.errors == []


def test_the_lesson_is_done_by_keyboard_and_reveals_only_after_a_guess(opened: Watched) -> None:
    steps = tomllib.loads((LESSONS / "attention.toml").read_text("utf-8"))["step"]
    page = opened.page
    lesson = page.locator(LESSON)
    lesson.get_by_role("button", name="Take the lesson").press("Enter")
    for number, step in enumerate(steps, 1):
        expect(lesson.get_by_role("heading")).to_be_focused()
        expect(lesson.get_by_role("heading")).to_have_text(step["title"])
        expect(lesson).not_to_contain_text(step["reveal"])
        expect(lesson.get_by_role("button", name="Next")).to_have_count(0)
        named = step.get("set", {})
        bound = named.get("bound_b")
        if bound is not None:
            slider = page.get_by_role("slider", name="Largest entry B")
            expect(slider).to_have_value(f"{bound:g}")
        wrong = (step["answer"] + 1) % len(step["choices"])
        choices = lesson.locator(".wb-choice")
        choices.nth(wrong).press("Enter")
        expect(lesson.locator(".wb-reveal")).to_have_text(step["reveal"])
        expect(choices.nth(step["answer"])).to_contain_text("(this is so)")
        expect(choices.nth(wrong)).to_contain_text("(your guess)")
        name = "Next" if number < len(steps) else "Finish"
        lesson.get_by_role("button", name=name).press("Enter")
    expect(lesson.get_by_role("button", name="Take the lesson")).to_be_visible()


def test_the_model_study_waits_for_run_when_nothing_is_measured(opened: Watched) -> None:
    opened.page.get_by_role("tab", name="Head atlas").click()
    expect(opened.page.locator("#wb-study-attention-heads")).to_contain_text(
        "Nothing is measured yet"
    )
