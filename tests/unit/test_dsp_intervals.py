"""Bootstrap, permutation and sign tests of directional stimulus prompting, against references."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import InputError
from workbench.methods.dsp.intervals import (
    bootstrap,
    order_test,
    paired_difference,
    sign_test,
)


def test_the_bootstrap_interval_is_that_of_scipy() -> None:
    values = np.random.default_rng(3).gamma(2.0, 0.1, 80)
    found = bootstrap(values).at()
    peer = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found.mean == pytest.approx(values.mean())
    # two bootstraps of 2,000 and 20,000 draws agree to a few percent of the interval
    assert found.low == pytest.approx(peer.low, abs=0.06 * (peer.high - peer.low))
    assert found.high == pytest.approx(peer.high, abs=0.06 * (peer.high - peer.low))


def test_pairing_takes_out_what_articles_share() -> None:
    random = np.random.default_rng(0)
    hard = random.normal(0.0, 1.0, 60)
    one, other = hard + 0.1 + random.normal(0, 0.02, 60), hard + random.normal(0, 0.02, 60)
    paired = paired_difference(one, other)
    assert not paired.covers_zero
    assert paired.mean == pytest.approx(one.mean() - other.mean())
    alone = bootstrap(np.stack([one, other]))
    assert alone.low[0] < other.mean()  # unpaired, the same effect is lost among the articles
    assert paired.high - paired.low < 0.2 * (alone.high[0] - alone.low[0])


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12), st.floats(-2, 2), st.floats(0.1, 3))
def test_intervals_move_and_stretch_with_the_scores(
    values: list[float], shift: float, scale: float
) -> None:
    here, there = bootstrap(np.array(values)), bootstrap(scale * np.array(values) + shift)
    for end in ("mean", "low", "high"):
        assert getattr(there, end) == pytest.approx(scale * getattr(here, end) + shift, abs=1e-9)


def test_equal_scores_leave_no_doubt_and_no_effect() -> None:
    found = paired_difference(np.full(9, 0.3), np.full(9, 0.3))
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)
    assert found.covers_zero


@pytest.mark.parametrize("wrong", [np.zeros(0), np.array([np.nan, 1.0])])
def test_no_articles_and_broken_scores_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InputError):
        bootstrap(wrong)


def test_scores_of_different_articles_cannot_be_paired() -> None:
    with pytest.raises(InputError, match="3 and 4 articles"):
        paired_difference(np.zeros(3), np.zeros(4))


def test_the_order_test_is_that_of_every_possible_order() -> None:
    scores = np.random.default_rng(5).normal(0, 1, (3, 5))
    scores[0] += 0.8
    means = [
        np.mean([scores[row, n] for n, row in enumerate(rows)])
        for rows in itertools.product(range(3), repeat=5)
    ]
    distance = np.abs(np.array(means) - scores.mean())
    exact = np.mean(distance >= abs(scores[0].mean() - scores.mean()) - 1e-12)
    found = order_test(scores, draws=40_000)
    assert found.observed == pytest.approx(scores[0].mean())
    assert found.p_value == pytest.approx(exact, abs=0.01)


def test_an_order_that_changes_nothing_is_never_found_to_matter() -> None:
    assert order_test(np.tile(np.linspace(0, 1, 6), (4, 1))).p_value == 1.0


def test_an_order_that_is_always_best_is_found_to_matter() -> None:
    scores = np.zeros((5, 40))
    scores[0] = 1.0
    assert order_test(scores).p_value < 0.01


def test_under_no_effect_p_values_are_even() -> None:
    random = np.random.default_rng(11)
    found = [order_test(random.normal(size=(4, 30)), draws=300).p_value for _ in range(300)]
    assert stats.kstest(found, "uniform").pvalue > 0.001


@pytest.mark.parametrize("shape", [(1, 4), (3, 0)])
def test_no_shuffled_order_or_no_article_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(InputError):
        order_test(np.zeros(shape))


@given(st.integers(0, 600), st.integers(0, 600))
@settings(deadline=None)  # scipy is slow on a busy machine
def test_the_sign_test_is_scipys_binomial_test(wins: int, losses: int) -> None:
    if wins + losses:
        assert sign_test(wins, losses) == pytest.approx(
            stats.binomtest(wins, wins + losses).pvalue, rel=1e-9
        )


def test_a_sign_test_without_a_preference_is_refused() -> None:
    with pytest.raises(InputError):
        sign_test(0, 0)
