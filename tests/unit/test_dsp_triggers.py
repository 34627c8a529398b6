"""Choosing a trigger, and what the choice itself adds."""

import itertools

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.methods.dsp import triggers
from workbench.methods.dsp.triggers import select_triggers, train_selector


def grid(is_right: np.ndarray, **options):
    n, t = is_right.shape
    return select_triggers(
        is_right, [f"t{i}" for i in range(t)], [f"q{i}" for i in range(n)], **options
    )


def brute_force(is_right: np.ndarray) -> tuple[float, float]:
    """Every half of the questions chooses; ties are shared evenly."""
    n = len(is_right)
    inside, outside = [], []
    for chosen in itertools.combinations(range(n), n // 2):
        rest = [i for i in range(n) if i not in chosen]
        here, there = is_right[list(chosen)].mean(axis=0), is_right[rest].mean(axis=0)
        best = np.flatnonzero(here == here.max())
        inside.append(here.max())
        outside.append(there[best].mean())
    return float(np.mean(inside)), float(np.mean(outside))


def test_split_halves_are_those_of_every_possible_half() -> None:
    is_right = np.random.default_rng(2).random((10, 4)) < [0.3, 0.5, 0.55, 0.6]
    inside, outside = brute_force(is_right)
    found = grid(is_right, splits=20_000)
    assert found.fair == pytest.approx(outside, abs=0.005)
    assert found.selection_noise == pytest.approx(inside - outside, abs=0.008)


def test_among_equals_the_best_is_only_lucky() -> None:
    found = [
        grid(np.random.default_rng(seed).random((40, 14)) < 0.5, splits=200) for seed in range(20)
    ]
    best = np.mean([one.accuracy.mean[one.best] for one in found])
    fair = np.mean([one.fair for one in found])
    assert best > 0.57  # 14 coins thrown 40 times: the luckiest
    assert fair == pytest.approx(0.5, abs=0.03)
    assert np.mean([one.selection_noise for one in found]) > 0.1


def test_a_trigger_that_is_always_right_is_chosen_without_noise() -> None:
    is_right = np.random.default_rng(0).random((30, 5)) < 0.4
    is_right[:, 3] = True
    found = grid(is_right)
    assert (found.best, found.fair, found.oracle.mean) == (3, 1.0, 1.0)
    assert found.selection_noise == 0.0
    assert found.chosen_share[3] == pytest.approx(1.0)


def test_the_oracle_counts_questions_that_any_trigger_answers() -> None:
    is_right = np.array([[1, 0], [0, 1], [0, 0], [1, 1]], dtype=bool)
    found = grid(is_right)
    assert found.oracle.mean == 0.75
    assert found.accuracy.mean.tolist() == [0.5, 0.5]
    assert found.gain.mean.tolist() == [0.0, 0.0]


def test_shares_of_choice_add_up_to_one() -> None:
    found = grid(np.random.default_rng(4).random((21, 6)) < 0.5)
    assert found.chosen_share.sum() == pytest.approx(1.0)


def test_a_grid_that_does_not_fit_its_names_is_refused() -> None:
    with pytest.raises(InputError, match="3 questions"):
        select_triggers(np.ones((3, 2), dtype=bool), ["a"], ["x", "y", "z"])


def two_kinds(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Questions of two kinds, each answered by its own trigger alone; vectors tell the kind."""
    kind = np.arange(count) % 2
    random = np.random.default_rng(3)
    vectors = np.eye(2)[kind] + random.normal(0, 0.05, (count, 2))
    return np.stack([kind == 0, kind == 1, np.zeros(count, bool)], axis=1), vectors


def test_a_selector_learns_which_trigger_suits_which_question() -> None:
    is_right, vectors = two_kinds(40)
    found = train_selector(is_right, vectors)
    assert found.accuracy.mean > 0.95
    assert found.gain.mean == pytest.approx(found.accuracy.mean - 0.5, abs=0.1)
    assert found.gain.low > 0
    assert found.triggers_used == 2.0


def test_a_selector_without_anything_to_learn_wins_nothing() -> None:
    random = np.random.default_rng(0)
    is_right, vectors = random.random((60, 5)) < 0.5, random.normal(size=(60, 8))
    found = train_selector(is_right, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    assert 0.4 < found.accuracy.mean < 0.6
    assert found.gain.low < 0
    assert found.gain.mean < 0.05


def test_among_equals_no_column_is_favoured() -> None:
    is_right, vectors = np.zeros((12, 4), dtype=bool), np.ones((12, 2)) / np.sqrt(2)
    is_right[:6, 0] = is_right[6:, 3] = True
    forward = train_selector(is_right, vectors)
    backward = train_selector(is_right[:, ::-1], vectors)
    assert forward.accuracy == pytest.approx(backward.accuracy)
    assert forward.gain.mean == pytest.approx(0, abs=1e-9)  # vectors that are equal teach nothing


def test_a_tie_is_worth_the_mean_of_those_that_tie() -> None:
    right = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    preferred = np.array([[0.5, 0.5, 0.1], [0.2, 0.3, 0.1]])
    assert triggers._worth(right, preferred) == pytest.approx([0.5, 1.0])


def test_predictions_are_those_of_ridge_regression() -> None:
    random = np.random.default_rng(1)
    known, asked, right = (random.normal(size=s) for s in ((9, 4), (5, 4), (9, 3)))
    centre, level = known.mean(axis=0), right.mean(axis=0)
    primal = np.linalg.solve(
        (known - centre).T @ (known - centre) + triggers.RIDGE * np.eye(4),
        (known - centre).T @ (right - level),
    )
    found = triggers._predict(right, known, asked)
    assert found == pytest.approx(level + (asked - centre) @ primal)


def test_a_selector_needs_questions_and_their_vectors() -> None:
    with pytest.raises(InputError, match="at least 4"):
        train_selector(np.ones((3, 2), dtype=bool), np.ones((3, 2)))
