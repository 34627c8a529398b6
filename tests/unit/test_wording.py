"""What figures say: numbers as they are printed, sentences without gaps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.figures.live import over_positions
from workbench.figures.wording import (
    each,
    join,
    keep_together,
    say_amount,
    say_count,
    say_gain,
    say_number,
    say_percent,
    say_points,
    say_signed,
    shorten,
)
from workbench.methods.intervals import Interval

SPACE, MINUS = "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("fraction", "digits", "said"),
    [
        (0.734, 1, "73.4 %"),
        (0.734, 0, "73 %"),
        (1.0, 0, "100 %"),
        (0.0, 1, "0.0 %"),
        (0.0004, 0, "below 1 %"),
        (0.0004, 1, "below 0.1 %"),
        (0.0006, 1, "0.1 %"),
    ],
)
def test_a_small_share_is_not_called_none(fraction: float, digits: int, said: str) -> None:
    assert say_percent(fraction, digits) == said.replace(" ", SPACE).replace(f"w{SPACE}", "w ")


def test_a_number_has_a_true_minus_and_only_a_difference_a_plus() -> None:
    assert say_number(-1.234) == f"{MINUS}1.23"
    assert say_number(1.234, 1) == "1.2"
    assert say_signed(-1.26) == f"{MINUS}1.3"
    assert say_signed(1.26) == "+1.3"
    assert say_points(0.021) == "+2.1"
    assert say_points(-0.021, 0) == f"{MINUS}2"


@given(st.floats(-0.049, 0.049))
def test_what_rounds_to_nothing_has_no_sign(number: float) -> None:
    assert say_signed(number) == "0.0"
    assert say_points(number / 10.0, 0) == "0"


def test_a_gain_is_said_with_its_interval_on_one_line_with_its_unit() -> None:
    gain = Interval(0.021, -0.004, 0.038)
    assert say_gain(gain) == f"+2.1 points (95{SPACE}% interval {MINUS}0.4 to +3.8)"
    assert say_gain(gain, 0) == f"+2 points (95{SPACE}% interval 0 to +4)"


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 policies"), (1, "1 policy"), (1.02, "1 policy"), (2.3, "2.3 policies")],
)
def test_one_thing_is_named_in_the_singular(count: float, said: str) -> None:
    assert say_count(count, "policy", "policies") == said


def test_a_plural_needs_no_telling_where_it_ends_in_s() -> None:
    assert say_count(1_200, "word") == "1,200 words"
    assert say_amount(1_200) == "1,200"


def test_texts_are_nested_as_the_positions_are() -> None:
    found = each(lambda i, j: f"{i}.{j}", 2, 3)
    assert found == [["0.0", "0.1", "0.2"], ["1.0", "1.1", "1.2"]]
    assert each(lambda: "alone") == "alone"


def test_sentences_of_positions_keep_numbers_with_their_units() -> None:
    assert over_positions((2,), lambda i: f"{i} % of 2 × 10³") == [
        f"{i}{SPACE}% of 2{SPACE}×{SPACE}10³" for i in range(2)
    ]
    assert keep_together("5 times") == "5 times"


def test_an_empty_sentence_leaves_no_gap() -> None:
    assert join(["One.", "", "Two."]) == "One. Two."


def test_a_text_is_never_longer_than_it_may_be() -> None:
    text = "the red block, on the bowl"
    assert shorten(text, len(text)) == text
    assert shorten(text, 10) == "the red b…"
    assert shorten(text, 16, at_word=True) == "the red block…"
