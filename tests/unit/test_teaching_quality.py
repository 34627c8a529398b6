"""The mental model judged, and explanations priced."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, spearmanr

from tests.unit.live_positions import every_position
from tests.unit.teaching_records import make_records, without_effect
from workbench.data.teaching import question
from workbench.figures import teaching as figures
from workbench.methods.teaching import allocation, cost, roles, simulation
from workbench.methods.teaching.examples import Pupil, shuffle_answers
from workbench.methods.teaching.foresight import area_under_curve, spearman
from workbench.methods.teaching.interventions import realised_gain
from workbench.methods.teaching.resampling import Resampling
from workbench.methods.teaching.simulation import reliability
from workbench.server.api import canonical_json

INSIGHTFUL = make_records(60, (41, 42), insight=1.0)
BLIND = make_records(60, (41, 42), insight=0.0, teacher="tiny")
INPUTS = {"human": INSIGHTFUL, "model": BLIND}
NUMBERS = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=25)


@pytest.fixture(scope="module")
def judged() -> simulation.Result:
    return simulation.compute(INPUTS, simulation.Params())


@pytest.fixture(scope="module")
def priced() -> cost.Result:
    return cost.compute(INPUTS, cost.Params())


# ---------------------------------------------------------------- foresight


@settings(deadline=None)  # the first call imports SciPy's statistics
@given(pairs=NUMBERS)
def test_rank_correlation_is_scipys_on_every_resample(pairs) -> None:
    x, y = np.array(pairs, dtype=float).T
    times = Resampling(len(x), replicates=4, seed=2).times
    found = spearman(x, y, times)
    for row, mine in zip(times, found, strict=True):
        a, b = np.repeat(x, row), np.repeat(y, row)
        if np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
            assert mine == 0.0
        else:
            assert mine == pytest.approx(spearmanr(a, b).statistic)


@settings(deadline=None)  # the first call imports SciPy's statistics
@given(pairs=NUMBERS)
def test_the_area_is_that_of_mann_and_whitney_on_every_resample(pairs) -> None:
    score, other = np.array(pairs, dtype=float).T
    positive = other > 0
    times = Resampling(len(score), replicates=4, seed=2).times
    for row, mine in zip(times, area_under_curve(score, positive, times), strict=True):
        a, b = (
            np.repeat(score[positive], row[positive]),
            np.repeat(score[~positive], row[~positive]),
        )
        if not a.size or not b.size:
            assert mine == 0.5
        else:
            assert mine == pytest.approx(mannwhitneyu(a, b).statistic / (a.size * b.size))


# ---------------------------------------------------------------- the mental model


def test_guesses_that_are_frequencies_have_no_calibration_error() -> None:
    guessed = np.repeat([0.25, 0.75], 8)
    right = np.array([1, 0, 0, 0] * 2 + [1, 1, 1, 0] * 2, dtype=bool)
    found = reliability(guessed, right, bins=2)
    assert found.error == 0.0
    assert found.right.tolist() == [0.25, 0.75]
    assert reliability(1.0 - guessed, right, bins=2).error == pytest.approx(0.5)


def test_every_guess_is_in_one_bin() -> None:
    found = reliability(np.linspace(0, 1, 7), np.arange(7) > 3, bins=12)
    assert len(found.guessed) == 7
    assert found.mean_right == pytest.approx(3 / 7)


def test_insight_is_told_from_blindness(judged: simulation.Result) -> None:
    good, bad = judged.qualities["human"], judged.qualities["model"]
    assert good.correlation.mean == pytest.approx(1.0)
    assert good.helped.low > 0.6
    assert bad.correlation.covers_zero
    assert bad.helped.low < 0.5 < bad.helped.high
    words = figures.draw_ranking(judged)
    assert "no detectable relation" in words.words_at(teacher="model")
    assert "no better than a coin" in words.words_at(teacher="model")
    assert "better than a coin" in words.words_at(teacher="human")


def test_the_numbers_of_a_mental_model_are_flat_and_finite(judged: simulation.Result) -> None:
    canonical_json(dict(simulation.summarise(judged)))
    nothing = {t: without_effect(r) for t, r in INPUTS.items()}
    summary = simulation.summarise(simulation.compute(nothing, simulation.Params()))
    canonical_json(dict(summary))
    assert summary["auroc_helped"] == 0.5
    assert summary["spearman_utility"] == 0.0


def test_shuffled_demonstrations_keep_the_answers_and_lose_the_questions() -> None:
    pool = tuple(
        question.Question(f"q{i}", f"Is {i} even?", question.YES_NO, i % 2, "A fact.")
        for i in range(40)
    )
    said = tuple(question.YES_NO[i % 2] for i in range(40))
    answers = np.arange(40) % 2
    nothing = np.zeros((40, 2))
    alone = roles.Reasoned(said, said, answers > 1, nothing, answers, said)
    helped = roles.Answered(nothing, answers, said)
    pupil = Pupil(pool, alone, helped, helped, said)
    shuffled = shuffle_answers(pupil, 41)
    assert sorted(shuffled.alone.said) == sorted(said)
    assert 0 < (shuffled.alone.answers != answers).sum() < 40
    for place, one in enumerate(shuffled.alone.said):
        assert question.YES_NO.index(one) == shuffled.alone.answers[place]
    assert shuffled.human is pupil.human


def test_the_ablation_and_the_demonstrations_reach_the_measurement() -> None:
    asked = simulation.Params(is_shuffled=True, simulations=8).settings("human")
    assert (asked.is_shuffled, asked.simulations) == (True, 8)
    assert simulation.Params().settings("model") == allocation.Params().settings("model")


# ---------------------------------------------------------------- the price of words


def test_an_explanation_is_given_only_where_it_pays(priced: cost.Result) -> None:
    price = priced.prices["human"]
    gold = INSIGHTFUL.gold
    gains, tokens = realised_gain(INSIGHTFUL), INSIGHTFUL.explanation_tokens
    for w, worth in enumerate(priced.worths):
        right, net, explained = [], [], 0
        for s in range(2):
            for i in range(60):
                after = INSIGHTFUL.simulated_after[s, i, gold[i]]
                before = INSIGHTFUL.simulated_before[s, i, gold[i]]
                pays = (after - before) * worth > tokens[s, i]
                explained += int(pays)
                right.append(int(INSIGHTFUL.student_correct[s, i]) + int(pays) * gains[s, i])
                net.append(int(pays) * (gains[s, i] - tokens[s, i] / worth))
        assert price.accuracy[w] == pytest.approx(np.mean(right))
        assert price.explained[w] == pytest.approx(explained / 2)
        assert price.net.at(w).mean == pytest.approx(np.mean(net))
        assert price.net.at(w).low <= np.mean(net) <= price.net.at(w).high


def test_all_tokens_buy_what_everything_explained_gives(priced: cost.Result) -> None:
    for teacher, records in INPUTS.items():
        for curve in priced.prices[teacher].curves.values():
            assert curve[0] == pytest.approx(records.student_correct.mean())
            assert curve[-1] == pytest.approx(records.taught_correct.mean())


def test_no_rule_spends_more_than_its_share_of_tokens() -> None:
    order = np.argsort(-INSIGHTFUL.explanation_tokens[0])
    tokens = INSIGHTFUL.explanation_tokens[0].astype(float)
    ones = np.ones(60)
    bought = cost._bought(ones, tokens, order) * 60  # how many were explained
    for share, count in zip(cost.SHARES, bought, strict=True):
        k = round(count)
        assert tokens[order[:k]].sum() <= share * tokens.sum() + 1e-6
        assert k == 60 or tokens[order[: k + 1]].sum() > share * tokens.sum() - 1e-6


def test_a_higher_worth_never_explains_less(priced: cost.Result) -> None:
    for price in priced.prices.values():
        assert (np.diff(price.explained) >= 0).all()
        assert (np.diff(price.net_of_all.mean) > 0).all()


def test_the_price_is_told_in_flat_finite_numbers(priced: cost.Result) -> None:
    summary = cost.summarise(priced)
    canonical_json(dict(summary))
    words = figures.draw_net(priced).words_at(worth=500, teacher="human")
    assert f"{100 * float(summary['accuracy']):.1f}" in words
    assert f"{100 * float(summary['net']):+.1f}" in words


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize(
    ("draw", "study", "at"),
    [
        (figures.draw_reliability, simulation, {"teacher": "model"}),
        (figures.draw_ranking, simulation, {"teacher": "model"}),
        (figures.draw_tokens, cost, {"teacher": "model", "worth": 1_000}),
        (figures.draw_net, cost, {"teacher": "model", "worth": 1_000}),
    ],
)
def test_a_figure_carries_every_position_of_its_live_controls(draw, study, at, request) -> None:
    live = draw(request.getfixturevalue("judged" if study is simulation else "priced"))
    known = every_position(study.Params)
    assert {name: list(positions) for name, positions in live.axes.items()} == known
    live.at(**at)
    assert live.words_at(**at)
    assert len(json.dumps(live.payload())) < 100_000
