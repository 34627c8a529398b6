"""A batch that is answered request by request: one that is refused leaves the others alone."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field

from tests.server.operations.recording import RecordingControl
from workbench.errors import CancelledError, InputError, UnknownNameError
from workbench.server.api import Request
from workbench.server.operation import Control, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments, preparing


def halve(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    del control
    if item.arguments % 2:
        raise InputError(f"{item.arguments} is odd.")
    return Output(values={"half": item.arguments // 2, "place": number, "with": loaded})


def run(*numbers: int, control: Control | None = None) -> list[Any]:
    items = [Prepared(number) for number in numbers]
    return list(one_by_one(halve)("a model", items, control or RecordingControl(), "cpu"))


def test_every_request_is_answered_in_its_place() -> None:
    assert [one.values for one in run(4, 8)] == [
        {"half": 2, "place": 0, "with": "a model"},
        {"half": 4, "place": 1, "with": "a model"},
    ]


def test_a_refused_request_leaves_the_others_alone() -> None:
    first, refused, last = run(4, 5, 8)
    assert (first.values["half"], last.values["half"]) == (2, 4)
    assert isinstance(refused, InputError)
    assert str(refused) == "5 is odd."


def test_a_batch_that_nobody_waits_for_stops_before_its_next_request() -> None:
    class Left(RecordingControl):
        looked = 0

        def check(self) -> None:
            self.looked += 1
            if self.looked > 1:
                raise CancelledError("Nobody waits.")

    with pytest.raises(CancelledError):
        run(4, 8, control=Left())


def test_what_is_no_refusal_fails_the_whole_batch() -> None:
    def breaks(loaded: Any, *_: Any) -> Output:
        raise ZeroDivisionError(loaded)

    with pytest.raises(ZeroDivisionError):
        one_by_one(breaks)(None, [Prepared(1)], RecordingControl(), "cpu")


class Words(Arguments):
    words: list[str] = Field(default_factory=list)


def test_a_request_is_prepared_from_its_arguments_with_cost_and_seed() -> None:
    prepare = preparing(Words, cost=lambda given: len(given.words))
    item = prepare(Request("toy.words", "m", {"words": ["a", "b"]}, seed=7))
    assert item == Prepared(Words(words=["a", "b"]), cost=2, seed=7)
    assert preparing(Words)(Request("toy.words", "m", {})).cost == 1
    with pytest.raises(UnknownNameError, match="letters"):
        prepare(Request("toy.words", "m", {"letters": 1}))
