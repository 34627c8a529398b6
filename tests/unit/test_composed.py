"""Parameters of many parts read back what was written, and say what is wrong with the rest."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.composed import Board, Chip, Chips, Picks, Piece, Placed, chips, picked, placed
from workbench.errors import InputError, UnknownNameError

BOARD = Board("Table", (Piece("red block"), Piece("bowl")), max_items=3)


def test_picks_are_sorted_and_counted_once() -> None:
    assert picked(" 17 3  3 ") == (3, 17)
    assert picked("") == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("3 four", "'four'; write whole numbers from 0 to 9"),
        ("3 10", "'10'"),
        ("-1", "'-1'"),
        ("1 2 3 4", "has 4 numbers; at most 3"),
        (7, "must be text, not int; write up to 3 whole numbers from 0 to 9"),
    ],
)
def test_picks_outside_the_list_are_refused(value: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Picks("Questions", highest=9, max_items=3).check(value)


def test_chips_keep_their_order_and_locks_and_lose_stray_space() -> None:
    assert chips("new  ferry ; !harbour;; ! ;") == (Chip("new ferry"), Chip("harbour", True))


@pytest.mark.parametrize(
    ("value", "said"),
    [("a; b; c", "has 3 phrases; at most 2"), ("x" * 13, "a phrase of 13 characters; at most 12")],
)
def test_too_many_or_too_long_phrases_are_refused(value: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Chips("Hint", max_items=2, max_chars=12).check(value)


def test_a_later_piece_lies_on_top() -> None:
    assert placed("red block@0.20,0.35; bowl@1,0.5;") == (
        Placed("red block", 0.2, 0.35),
        Placed("bowl", 1.0, 0.5),
    )


@pytest.mark.parametrize("value", ["red block", "bowl@0.5", "bowl@2.5,0", "bowl@-0.1,0.3", "@1,1"])
def test_what_is_not_a_piece_in_its_place_is_refused(value: str) -> None:
    with pytest.raises(InputError, match="name@x,y"):
        BOARD.check(value)


def test_pieces_must_be_known_few_and_inside() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean red block"):
        BOARD.check("red blok@0,0")
    with pytest.raises(InputError, match="at most 3"):
        BOARD.check("; ".join(["bowl@0,0"] * 4))
    with pytest.raises(InputError, match="from 0 to 1"):
        BOARD.check("bowl@1.5,0")


@given(value=st.one_of(st.text(max_size=80), st.none(), st.integers(), st.floats()))
def test_any_value_is_taken_or_refused_in_words(value: object) -> None:
    for kind in (Picks("P", highest=5), Chips("C"), BOARD):
        with contextlib.suppress(InputError):  # any other error fails the test
            kind.check(value)
