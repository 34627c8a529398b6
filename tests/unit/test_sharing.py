"""One computation and one address for all who ask for the same, each with a true receipt."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from panels.results import ResultStore
from panels.runs import Ask, Runner
from panels.sharing import NAMED_S, AnswersName, SharedAnswers
from tests.browser import toy
from workbench.server.api import Event, Request, Result, Status
from workbench.study import Outcome, Study, conclude, execute, gather, renew_receipt

ADDRESSES = "/workbench-results/"


class CachingClient(toy.ToyClient):
    """Answers every text once, and from memory afterwards, as the model server does."""

    def __init__(self) -> None:
        super().__init__()
        self.gate.set()
        self.answers: dict[str, Result] = {}
        self.shared_with = 0
        self.answers_name = ""
        self.asked = 0
        self.pause_s = 0.0

    def status(self) -> Status:
        return replace(super().status(), answers=self.answers_name)

    def submit(self, request: Request) -> Any:
        self.asked += 1
        time.sleep(self.pause_s)
        return _Done(self._answer(request))

    def _answer(self, request: Request) -> Result:
        text = str(request.arguments["text"])
        if request.fresh or text not in self.answers:
            found = toy.ToyClient.submit(self, request).result()
            seconds = 0.5 + len(self.requests) / 1000
            receipt = replace(
                found.receipt, key=text, seconds=seconds, shared_with=self.shared_with
            )
            self.answers[text] = replace(found, receipt=receipt)
            return self.answers[text]
        known = self.answers[text]
        return replace(known, receipt=replace(known.receipt, source="memory", shared_with=0))


class _Done:
    """A job that has its answer."""

    def __init__(self, answer: Result) -> None:
        self._answer = answer
        self.id, self.done = "x", True

    def events(self) -> Sequence[Event]:
        return ()

    def result(self, timeout_s: float | None = None) -> Result:
        del timeout_s
        return self._answer

    def cancel(self) -> None:
        pass


class Page:
    """A runner over a store of results; counts what it computes and draws."""

    def __init__(self) -> None:
        self.store = ResultStore()
        self.client = CachingClient()
        self.computed = 0
        self.study = replace(toy.SLOW, compute=self._compute)
        self.runner = Runner(self.client, self._finish, self.store.is_served, self.store.renew)

    def _compute(self, inputs: Any, params: Any) -> Any:
        self.computed += 1
        return toy.SLOW.compute(inputs, params)

    def _finish(self, _study: Study, outcome: Outcome) -> str:
        body = {"summary": dict(outcome.summary), "receipt": dict(outcome.receipt)}
        return self.store.put(json.dumps(body).encode())

    def run(self, text: str = "a b", *, measures: bool = True, **how: Any) -> str:
        async def last() -> Any:
            ask = Ask("me", measures=measures, **how)
            steps = self.runner.run(self.study, toy.SlowParams(text=text), ask)
            return [step async for step in steps][-1]

        return asyncio.run(last())

    def body(self, address: str) -> dict[str, Any]:
        from fastapi import FastAPI

        app = FastAPI()
        app.include_router(self.store.router())
        return TestClient(app).get(address).json()


@pytest.fixture
def page() -> Page:
    return Page()


def test_what_was_computed_for_one_is_not_computed_for_the_next(page: Page) -> None:
    addresses = [page.run() for _ in range(4)]
    assert page.computed == 1
    assert len({page.body(each)["summary"]["words"] for each in addresses}) == 1


def test_a_study_that_runs_by_itself_is_computed_once_from_its_first_run_on(page: Page) -> None:
    for _ in range(3):
        page.run(measures=False)
    assert page.computed == 1


def test_each_is_told_truly_where_its_answer_came_from(page: Page) -> None:
    sources = [page.body(page.run())["receipt"]["requests"][0]["source"] for _ in range(3)]
    assert sources == ["computed", "memory", "memory"]


def test_how_many_shared_a_computation_stands_in_the_receipt_of_that_run_only(page: Page) -> None:
    page.client.shared_with = 11
    first, second = page.run(), page.run()
    shared = [page.body(each)["receipt"]["requests"][0]["shared_with"] for each in (first, second)]
    assert shared == [11, 0]


def test_what_a_class_opens_again_and_again_has_one_address(page: Page) -> None:
    page.run()
    assert len({page.run() for _ in range(30)}) == 1


def test_other_parameters_and_other_answers_are_computed(page: Page) -> None:
    page.run("a b")
    page.run("a b c")
    assert page.computed == 2
    page.run("a b", fresh=True)
    assert page.computed == 3
    page.run("a b")  # the fresh answer is another one, drawn once
    page.run("a b")
    assert page.computed == 4


def test_while_the_servers_answers_stay_what_they_are_it_is_not_asked_again(page: Page) -> None:
    page.client.answers_name = "as they are"
    page.run()  # computed for this run: the next one is told that it came from memory
    known = page.run()
    asked = page.client.asked
    assert page.run() == page.run() == known
    assert page.client.asked == asked
    page.run("a b c")
    assert page.client.asked == asked + 1


def test_when_one_of_the_servers_answers_changes_it_is_asked_again(page: Page) -> None:
    page.client.answers_name = "as they are"
    first = [page.run() for _ in range(3)][-1]
    page.run(fresh=True)
    page.client.answers_name = "one is measured again"
    again = page.run()
    assert again != first
    assert page.body(again)["receipt"]["requests"] != page.body(first)["receipt"]["requests"]


def test_a_server_that_cannot_say_whether_its_answers_changed_is_asked_each_time(
    page: Page,
) -> None:
    for number in range(1, 4):
        page.run()
        assert page.client.asked == number


def test_the_server_is_asked_once_a_moment_whether_its_answers_changed() -> None:
    client, now, asked = CachingClient(), 100.0, 0
    client.answers_name = "first"
    status = client.status

    def count() -> Status:
        nonlocal asked
        asked += 1
        return status()

    client.status = count  # type: ignore[method-assign]
    name = AnswersName(client, lambda: now)
    assert {name.ask() for _ in range(30)} == {"first"}
    assert asked == 1
    client.answers_name = "second"
    now += NAMED_S
    assert name.ask() == "second"
    client.answers_name = "third"
    name.forget()
    assert (name.ask(), asked) == ("third", 3)


def test_a_server_that_is_away_names_nothing_and_is_asked_again() -> None:
    client, now = CachingClient(), 100.0
    client.answers_name, client.is_down = "as they are", True
    name = AnswersName(client, lambda: now)
    assert name.ask() == ""
    client.is_down = False
    now += NAMED_S
    assert name.ask() == "as they are"


def test_of_many_who_open_a_study_one_asks_for_what_is_known(page: Page) -> None:
    page.client.answers_name = "as they are"
    page.run()
    asked, page.client.pause_s = page.client.asked, 0.05

    async def open_at_once() -> set[Any]:
        async def open_one(session: str) -> Any:
            ask = Ask(session, mode="fill", measures=True)
            steps = page.runner.run(page.study, toy.SlowParams(text="a b"), ask)
            return [step async for step in steps][-1]

        return set(await asyncio.gather(*(open_one(str(n)) for n in range(30))))

    assert len(asyncio.run(open_at_once())) == 1
    assert page.client.asked == asked + 1


def test_a_check_measures_and_computes_again(page: Page) -> None:
    page.run()
    page.run(mode="check", fresh=True)
    assert page.computed == 2


def test_an_answer_that_the_store_dropped_is_computed_again(page: Page) -> None:
    address = page.run()
    page.store._bodies.clear()
    assert page.body(page.run()).keys() == {"summary", "receipt"}
    assert page.computed == 2
    assert not page.store.is_served(address)


def test_a_renewed_receipt_says_of_this_run_what_differs_and_keeps_the_numbers() -> None:
    client = CachingClient()
    params = toy.SlowParams(text="a b")
    first = conclude(toy.SLOW, gather(toy.SLOW, client, params))
    again = gather(toy.SLOW, client, params)
    renewed = renew_receipt(first.receipt, again)
    full = execute(toy.SLOW, client, params).receipt
    differing = {name for name in full if full[name] != renewed[name]}
    assert differing <= {"seconds", "created"}
    assert renewed.keys() == full.keys()


def test_a_block_of_one_key_is_entered_by_one_at_a_time_and_leaves_nothing_behind() -> None:
    answers = SharedAnswers(lambda _: True)
    inside, most = 0, 0

    def enter() -> None:
        nonlocal inside, most
        for _ in range(200):
            with answers.alone("k"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert answers._locks == {}
