"""What the tabs open with is drawn before anybody asks, and nothing is measured for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from panels import preparing
from panels.preparing import Preparing
from panels.runs import Ask
from tests.browser import toy
from tests.browser.conftest import build_in_loop


def build(client: toy.ToyClient) -> Preparing:
    app = build_in_loop(client=client, methods=(toy.METHOD,), builders={"waves": toy.build})
    return app.state.preparing


@pytest.fixture
def client() -> toy.ToyClient:
    found = toy.ToyClient(measured={"Hello."})
    found.gate.set()
    return found


def test_every_study_is_drawn_once_and_then_answered_from_what_was_drawn(
    client: toy.ToyClient,
) -> None:
    drawing = build(client)
    asyncio.run(drawing.run())
    assert drawing.is_done
    assert drawing.drawn == drawing.count == 3
    known = len(client.requests)

    async def open_first() -> str | None:
        desk = drawing._desk
        async for step in desk.runner.run(toy.WAVES, toy.WaveParams(), Ask("me", mode="fill")):
            last = step if isinstance(step, str) else None
        return last

    address = asyncio.run(open_first())
    assert address is not None
    assert drawing._desk.results.is_served(address)
    assert len(client.requests) == known


def test_what_nobody_has_measured_is_passed_over_and_not_measured(client: toy.ToyClient) -> None:
    client.measured.clear()
    client.gate.clear()  # a model that was asked would never answer
    drawing = build(client)
    asyncio.run(drawing.run())
    assert drawing.is_done
    assert drawing.drawn == drawing.count - 1


def test_a_model_server_that_is_not_there_yet_is_waited_for(
    client: toy.ToyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "AGAIN_S", 0.01)
    client.is_down = True
    drawing = build(client)

    async def run() -> None:
        task = asyncio.create_task(drawing.run())
        await asyncio.sleep(0.1)
        assert not task.done()
        client.is_down = False
        await task

    asyncio.run(run())
    assert drawing.drawn == drawing.count


def test_a_study_that_cannot_be_drawn_holds_up_no_other(client: toy.ToyClient) -> None:
    drawing = build(client)

    def fail(_inputs: object, _params: object) -> object:
        raise ZeroDivisionError

    broken = replace(toy.WAVES, compute=fail)
    drawing._panels[0].study = broken
    asyncio.run(drawing.run())
    assert drawing.is_done
    assert drawing.drawn == drawing.count - 1
