"""Numbers and their 95 % intervals, against closed forms and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import InputError
from workbench.methods.intervals import (
    NORMAL_95,
    Interval,
    Spread,
    interval,
    interval_ends,
    wilson,
    wilson_ends,
)

SHARES = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_the_normal_interval_is_that_of_a_table() -> None:
    assert f"{NORMAL_95:.6f}" == "1.959964"  # Abramowitz and Stegun 1964, table 26.5


def test_a_share_has_the_score_interval_of_the_closed_form() -> None:
    found = wilson(8, 10)  # Brown, Cai and DasGupta 2001, section 3: closed form, by hand
    assert (found.low, found.high) == pytest.approx((0.49016, 0.94332), abs=1e-4)
    assert wilson(0, 20).high == pytest.approx(0.16113, abs=1e-4)


def test_the_interval_of_none_and_of_all_ends_at_the_share() -> None:
    assert wilson(0, 20).low == 0.0
    assert wilson(20, 20).high == 1.0


@given(SHARES)
@settings(deadline=None)  # scipy is slow on a busy machine
def test_the_score_interval_is_scipys(share: tuple[int, int]) -> None:
    successes, count = share
    found = wilson(successes, count)
    peer = stats.binomtest(successes, count).proportion_ci(method="wilson")
    assert found.mean == successes / count
    assert (found.low, found.high) == pytest.approx((peer.low, peer.high), abs=1e-9)


@given(st.lists(SHARES, min_size=1, max_size=6))
@settings(deadline=None)
def test_many_shares_at_once_have_the_intervals_of_each(shares: list[tuple[int, int]]) -> None:
    right, count = np.array(shares).T
    low, high = wilson_ends(right / count, count)
    each = [wilson(*share) for share in shares]
    assert low.tolist() == [one.low for one in each]
    assert high.tolist() == [one.high for one in each]


@pytest.mark.parametrize(("successes", "count"), [(0, 0), (-1, 5), (6, 5)])
def test_what_is_not_a_share_is_refused(successes: int, count: int) -> None:
    with pytest.raises(InputError, match=f"{successes} of {count} is not a share"):
        wilson(successes, count)


def test_an_interval_leaves_two_and_a_half_percent_on_either_side() -> None:
    found = interval(500.0, np.arange(1001.0))
    assert (found.mean, found.low, found.high) == pytest.approx((500.0, 25.0, 975.0))


def test_resamples_may_lie_on_any_axis() -> None:
    replicates = np.random.default_rng(0).normal(size=(3, 400, 2))
    low, high = interval_ends(replicates, axis=1)
    assert low.shape == high.shape == (3, 2)
    for f, b in np.ndindex(3, 2):
        one = interval(0.0, replicates[f, :, b])
        assert (one.low, one.high) == (low[f, b], high[f, b])


@pytest.mark.parametrize(
    ("low", "high", "is_covered"),
    [(-0.1, 0.2, True), (0.0, 0.2, True), (-0.2, 0.0, True), (0.01, 0.2, False), (-2, -1, False)],
)
def test_an_effect_is_seen_only_where_the_interval_leaves_zero_out(
    low: float, high: float, is_covered: bool
) -> None:
    assert Interval((low + high) / 2, low, high).covers_zero is is_covered


def test_one_of_many_numbers_has_its_own_interval() -> None:
    mean = np.arange(6.0).reshape(2, 3)
    assert Spread(mean, mean - 1.0, mean + 1.0).at(1, 0) == Interval(3.0, 2.0, 4.0)


def test_a_summary_is_given_the_number_and_both_ends() -> None:
    numbers: dict[str, float] = {"articles": 3}
    Interval(2 / 3, -1e-7 / 3, 20 / 3).put(numbers, "gain", 3)
    assert numbers == {"articles": 3, "gain": 0.667, "gain_low": -3.33e-8, "gain_high": 6.67}


@given(st.floats(allow_nan=False), st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_a_summary_keeps_every_digit_unless_told(mean: float, low: float, high: float) -> None:
    numbers: dict[str, float] = {}
    Interval(mean, low, high).put(numbers, "gain")
    assert numbers == {"gain": mean, "gain_low": low, "gain_high": high}
