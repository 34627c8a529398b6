"""Shipped answers: what says the same keeps its bytes, and what nobody wants goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.server.api import Receipt, Result
from workbench.server.cache import ShippedStore
from workbench.shipping import Shipped, ship

RECEIPT = Receipt(
    "toy.add", 1, None, None, "float32", "cpu", None, "a", "0" * 64, "2026-01-01", 0.1, {}
)


def answer(key: str = "0") -> Result:
    arrays = {"scores": np.array([1.0, np.nan], dtype=np.float32)}
    values = {"texts": ["a", "b"], "seconds": 1.5, "parts": [{"fit_seconds": 2.0, "rounds": 3}]}
    return Result(arrays, values, replace(RECEIPT, key=key * 64))


def measured_later(one: Result) -> Result:
    """The same numbers on another day, by another route, in other times."""
    values = {**one.values, "seconds": 9.0, "parts": [{"fit_seconds": 7.0, "rounds": 3}]}
    receipt = replace(one.receipt, created="2026-02-02", seconds=8.0, source="disk")
    return Result(one.arrays, values, receipt)


def test_an_answer_that_was_measured_again_keeps_its_bytes_and_its_receipt(tmp_path: Path) -> None:
    assert ship(tmp_path, [answer()]) == Shipped(new=1, kept=0, removed=0)
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    assert ship(tmp_path, [measured_later(answer())]) == Shipped(new=0, kept=1, removed=0)
    assert path.read_bytes() == before
    found = ShippedStore(tmp_path).get("0" * 64)
    assert found
    assert found.result().receipt.created == "2026-01-01"


@pytest.mark.parametrize(
    "changed",
    [
        replace(answer(), values={**answer().values, "texts": ["a", "c"]}),
        replace(answer(), values={**answer().values, "parts": [{"rounds": 4}]}),
        replace(answer(), values={**answer().values, "more": 1}),
        replace(answer(), arrays={"scores": np.array([1.0, 2.0], dtype=np.float32)}),
        replace(answer(), arrays={"scores": np.array([1.0, np.nan])}),
        replace(answer(), arrays={}),
    ],
    ids=["text", "number", "name", "entry", "type", "array"],
)
def test_an_answer_that_says_something_else_is_written(tmp_path: Path, changed: Result) -> None:
    ship(tmp_path, [answer()])
    assert ship(tmp_path, [changed]) == Shipped(new=1, kept=0, removed=0)
    assert ship(tmp_path, [changed]) == Shipped(new=0, kept=1, removed=0)


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    ship(tmp_path, [answer()])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert ship(tmp_path, [answer()]) == Shipped(new=1, kept=0, removed=0)
    assert ShippedStore(tmp_path).get("0" * 64)


def test_what_no_tab_opens_with_is_removed_and_counted_in_words(tmp_path: Path) -> None:
    ship(tmp_path, [answer("0"), answer("1")])
    shipped = ship(tmp_path, [answer("1"), answer("2")])
    assert str(shipped) == "1 new, 1 kept as they were, 1 removed"
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["1", "2"]
