"""The arithmetic of a budget of explanations, against brute force."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.teaching_records import make_records, without_effect
from workbench.errors import InputError, UnknownNameError
from workbench.methods.teaching.budget import (
    accuracy_curve,
    anti_oracle_curve,
    explained,
    oracle_curve,
    qini,
    random_curve,
)
from workbench.methods.teaching.interventions import (
    INTERVENTIONS,
    RANDOM,
    Known,
    intervention_order,
    realised_gain,
    targets,
)
from workbench.methods.teaching.resampling import Resampling

NAMES = [each.name for each in INTERVENTIONS]
EVERY_NAME = [*NAMES, RANDOM]
OUTCOMES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30)
RECORDS = make_records()


def split(outcomes: list[tuple[bool, bool]]) -> tuple[np.ndarray, np.ndarray]:
    alone, taught = np.array(outcomes).T
    return alone, taught


# ---------------------------------------------------------------- the curves


@given(outcomes=OUTCOMES, data=st.data())
def test_a_curve_counts_who_is_right_when_the_first_k_are_explained(outcomes, data) -> None:
    alone, taught = split(outcomes)
    order = np.array(data.draw(st.permutations(range(len(alone)))))
    curve = accuracy_curve(alone, taught, order)
    for k in range(len(alone) + 1):
        answers = alone.copy()
        answers[order[:k]] = taught[order[:k]]
        assert curve[k] == answers.mean()


@pytest.mark.parametrize("name", EVERY_NAME)
def test_no_budget_is_the_student_alone_and_the_whole_is_help_everywhere(name: str) -> None:
    order = intervention_order(name, RECORDS)
    curve = accuracy_curve(RECORDS.student_correct, RECORDS.taught_correct, order)
    assert np.array_equal(curve[:, 0], RECORDS.student_correct.mean(axis=1))
    assert np.array_equal(curve[:, -1], RECORDS.taught_correct.mean(axis=1))


@given(outcomes=OUTCOMES, data=st.data())
def test_every_order_lies_between_the_anti_oracle_and_the_oracle(outcomes, data) -> None:
    alone, taught = split(outcomes)
    order = np.array(data.draw(st.permutations(range(len(alone)))))
    curve = accuracy_curve(alone, taught, order)
    best, worst = oracle_curve(alone, taught), anti_oracle_curve(alone, taught)
    assert (worst <= curve).all()
    assert (curve <= best).all()
    assert (random_curve(alone, taught).mean <= best + 1e-12).all()


@given(outcomes=OUTCOMES)
def test_the_oracle_is_the_closed_form_with_what_is_helped_and_harmed(outcomes) -> None:
    alone, taught = split(outcomes)
    n, k = len(alone), np.arange(len(alone) + 1)
    helped, harmed = (~alone & taught).sum(), (alone & ~taught).sum()
    closed = (np.minimum(k, helped) - np.maximum(0, k - (n - harmed))) / n
    assert oracle_curve(alone, taught) == pytest.approx(alone.mean() + closed)
    worst = (np.maximum(0, k - (n - helped)) - np.minimum(k, harmed)) / n
    assert anti_oracle_curve(alone, taught) == pytest.approx(alone.mean() + worst)


def test_the_oracle_reaches_the_best_of_all_choices() -> None:
    alone = np.array([1, 0, 0, 1, 0, 1], dtype=bool)
    taught = np.array([0, 1, 1, 1, 0, 0], dtype=bool)
    for k in range(7):
        reached = [
            (alone.sum() + sum(int(taught[i]) - int(alone[i]) for i in chosen)) / 6
            for chosen in itertools.combinations(range(6), k)
        ]
        assert oracle_curve(alone, taught)[k] == pytest.approx(max(reached))
        assert anti_oracle_curve(alone, taught)[k] == pytest.approx(min(reached))
        chance = random_curve(alone, taught)
        assert chance.mean[k] == pytest.approx(np.mean(reached))
        assert chance.variance[k] == pytest.approx(np.var(reached))


def test_random_choice_drawn_many_times_has_the_closed_mean_and_variance() -> None:
    alone, taught = RECORDS.student_correct[0], RECORDS.taught_correct[0]
    generator = np.random.default_rng(3)
    draws = np.array(
        [accuracy_curve(alone, taught, generator.permutation(len(alone))) for _ in range(4_000)]
    )
    closed = random_curve(alone, taught)
    error = np.sqrt(closed.variance / len(draws))
    assert (np.abs(draws.mean(axis=0) - closed.mean) <= 4.5 * error + 1e-12).all()
    assert draws.var(axis=0) == pytest.approx(closed.variance, rel=0.12, abs=1e-12)


def test_one_question_has_no_spread() -> None:
    assert random_curve(np.array([False]), np.array([True])).variance.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", EVERY_NAME)
def test_help_that_changes_nothing_flattens_every_curve(name: str) -> None:
    flat = without_effect(RECORDS)
    order = intervention_order(name, flat)
    curve = accuracy_curve(flat.student_correct, flat.taught_correct, order)
    assert (curve == curve[:, :1]).all()
    assert (qini(flat.student_correct, flat.taught_correct, order) == 0.0).all()


@pytest.mark.parametrize(
    ("budget", "questions", "count"),
    [(0.2, 229, 45), (0.29, 100, 29), (0.57, 100, 57), (1.0, 7, 7), (0.0, 7, 0)],
)
def test_a_budget_pays_for_whole_questions(budget: float, questions: int, count: int) -> None:
    assert explained(budget, questions) == count


def test_the_normalised_area_is_one_for_the_oracle_and_mirrored_when_reversed() -> None:
    alone, taught = RECORDS.student_correct, RECORDS.taught_correct
    assert qini(alone, taught, intervention_order("oracle", RECORDS)) == pytest.approx(1.0)
    order = intervention_order("expected_utility", RECORDS)
    forward, backward = (qini(alone, taught, o) for o in (order, order[:, ::-1]))
    assert forward == pytest.approx(-np.asarray(backward))


def test_what_cannot_be_counted_is_refused_in_words() -> None:
    right = np.array([True, False])
    with pytest.raises(InputError, match="every question once"):
        accuracy_curve(right, right, np.array([0, 0]))
    with pytest.raises(InputError, match="one place"):
        accuracy_curve(right, right, np.array([0]))
    with pytest.raises(InputError, match="both for every question"):
        random_curve(right, np.array([True]))
    with pytest.raises(InputError, match="no question"):
        oracle_curve(np.array([]), np.array([]))


# ---------------------------------------------------------------- the functions


@pytest.mark.parametrize("name", NAMES)
def test_a_ranking_does_not_change_under_an_increasing_transform(name: str) -> None:
    found = next(each for each in INTERVENTIONS if each.name == name)
    score = found.score(Known(RECORDS, targets(RECORDS)))
    stretched = np.argsort(-np.exp(3.0 * score), axis=-1, kind="stable")
    assert np.array_equal(intervention_order(name, RECORDS), stretched)


def test_to_deceive_is_to_turn_expected_utility_round() -> None:
    forward = intervention_order("expected_utility", RECORDS)
    assert np.array_equal(intervention_order("deceive", RECORDS), forward[:, ::-1])


@pytest.mark.parametrize("name", NAMES)
def test_ties_stay_in_the_order_of_the_questions(name: str) -> None:
    shape = RECORDS.student_probabilities.shape
    alike = {
        f: np.full(shape, 0.5)
        for f in (
            "student_probabilities",
            "taught_probabilities",
            "teacher_probabilities",
            "simulated_before",
            "simulated_after",
        )
    }
    tied = without_effect(replace(RECORDS, **alike))
    assert (intervention_order(name, tied) == np.arange(shape[1])).all()


def test_least_confidence_picks_the_one_that_is_nearly_even() -> None:
    two = make_records(2, (41,))
    sure = replace(two, student_probabilities=np.array([[[0.9, 0.1], [0.55, 0.45]]]))
    assert intervention_order("least_confidence", sure).tolist() == [[1, 0]]


def test_the_names_of_the_released_code_are_understood() -> None:
    for each in INTERVENTIONS:
        if each.flag:
            assert np.array_equal(
                intervention_order(each.flag, RECORDS), intervention_order(each.name, RECORDS)
            )
    with pytest.raises(UnknownNameError, match="expected_utility"):
        intervention_order("expected_utilty", RECORDS)
    with pytest.raises(UnknownNameError):
        intervention_order("", RECORDS)


def test_expected_utility_is_a_difference_of_probabilities() -> None:
    known = Known(RECORDS, targets(RECORDS))
    found = next(each for each in INTERVENTIONS if each.name == "expected_utility").score(known)
    assert (np.abs(found) <= 1.0).all()
    for s, i in itertools.product(range(2), range(40)):
        gold = RECORDS.questions[i].gold
        after, before = RECORDS.simulated_after[s, i], RECORDS.simulated_before[s, i]
        assert found[s, i] == after[gold] - before[gold]


def test_a_teacher_who_does_not_know_ranks_by_the_answer_it_would_give() -> None:
    answers = RECORDS.teacher_answers.copy()
    answers[:, 0] = -1
    unsure = replace(RECORDS, teacher_answers=answers)
    found = targets(unsure, answer_known=False)
    assert np.array_equal(found[:, 1:], answers[:, 1:])
    assert np.array_equal(found[:, 0], RECORDS.teacher_probabilities[:, 0].argmax(-1))
    assert not np.array_equal(
        intervention_order("expected_utility", unsure, answer_known=False),
        intervention_order("expected_utility", unsure),
    )


def test_random_choice_is_one_order_for_each_seed() -> None:
    first, second = intervention_order(RANDOM, RECORDS)
    assert sorted(first) == sorted(second) == list(range(40))
    assert not np.array_equal(first, second)
    assert np.array_equal(intervention_order(RANDOM, RECORDS)[0], first)


# ---------------------------------------------------------------- the bootstrap


@given(outcomes=OUTCOMES, data=st.data())
def test_a_resample_is_ranked_anew(outcomes, data) -> None:
    alone, taught = split(outcomes)
    n = len(alone)
    score = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)))
    order = np.argsort(-score, kind="stable")
    gains = taught.astype(int) - alone.astype(int)
    resampling = Resampling(n, replicates=5, seed=1)
    found = resampling.curves(alone, gains, order, np.arange(n + 1))
    for times, curve in zip(resampling.times, found, strict=True):
        by_number = np.repeat(np.arange(n), times)
        again = np.argsort(-score[by_number], kind="stable")
        assert curve == pytest.approx(
            accuracy_curve(alone[by_number], taught[by_number], again), abs=1e-6
        )


def test_the_bootstrap_repeats_the_standard_error_of_a_mean() -> None:
    right = np.random.default_rng(0).random(200) < 0.6
    found = Resampling(200).means(right).std()
    assert found == pytest.approx(np.sqrt(right.mean() * (1 - right.mean()) / 200), rel=0.06)


def test_the_gain_is_that_of_each_question() -> None:
    gains = realised_gain(RECORDS)
    for s, i in itertools.product(range(2), range(40)):
        gold = RECORDS.questions[i].gold
        assert gains[s, i] == int(RECORDS.taught_answers[s, i] == gold) - int(
            RECORDS.student_answers[s, i] == gold
        )
