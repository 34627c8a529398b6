"""What must hold of priors and adjusted logits for any input."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.methods.gla import adjust, estimate_log_prior, fit_log_prior
from workbench.methods.gla.accuracy import thirds
from workbench.methods.gla.softmax import softmax


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Logits of some size and skew, labels with every class, and a generator for the rest."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    k, n = draw(st.integers(2, 8)), draw(st.integers(0, 40))
    labels = random.permutation(np.concatenate([np.arange(k), random.integers(0, k, n)]))
    scale = draw(st.floats(0.1, 6.0))
    logits = scale * random.normal(size=(n + k, k)) + draw(st.floats(0.0, 4.0)) * np.eye(k)[labels]
    return logits + 2.0 * random.normal(size=k), labels, random


@given(problem=problems())
@settings(max_examples=60, deadline=None)
def test_mean_probabilities_equal_label_shares_at_the_optimum(problem: tuple) -> None:
    logits, labels, _ = problem
    found = estimate_log_prior(logits, labels)
    shares = np.bincount(labels, minlength=logits.shape[1]) / len(labels)
    assert np.abs(softmax(logits - found).mean(axis=0) - shares).max() < 1e-6


@given(problem=problems())
@settings(max_examples=60, deadline=None)
def test_a_vector_added_to_all_logits_is_added_to_the_log_prior(problem: tuple) -> None:
    logits, labels, random = problem
    shift = 3.0 * random.normal(size=logits.shape[1])
    moved = estimate_log_prior(logits + shift, labels) - estimate_log_prior(logits, labels) - shift
    assert np.abs(moved - moved.mean()).max() < 1e-5


@given(problem=problems())
@settings(max_examples=40, deadline=None)
def test_debiased_logits_have_no_prior_left(problem: tuple) -> None:
    logits, labels, _ = problem
    again = estimate_log_prior(logits - estimate_log_prior(logits, labels), labels)
    assert np.abs(again - again.mean()).max() < 1e-5


@given(problem=problems())
@settings(max_examples=40, deadline=None)
def test_order_of_pictures_and_names_of_classes_do_not_matter(problem: tuple) -> None:
    logits, labels, random = problem
    n, k = logits.shape
    rows, columns = random.permutation(n), random.permutation(k)
    found = estimate_log_prior(logits, labels)
    assert np.allclose(estimate_log_prior(logits[rows], labels[rows]), found, atol=1e-6)
    renamed = estimate_log_prior(logits[:, columns], np.argsort(columns)[labels])
    assert np.allclose(renamed, found[columns], atol=1e-6)


@given(problem=problems())
@settings(max_examples=40, deadline=None)
def test_constants_on_rows_and_priors_change_no_decision(problem: tuple) -> None:
    logits, labels, random = problem
    other = random.normal(size=logits.shape)
    prior = estimate_log_prior(logits, labels)
    plain = adjust(other, logits, log_prior_pretrain=prior)
    rows = random.normal(size=(len(labels), 1))
    assert np.allclose(estimate_log_prior(logits + rows, labels), prior, atol=1e-6)
    moved = adjust(other, logits + rows, log_prior_pretrain=prior + 2.5)
    gap = np.sort(plain, axis=1)
    clear = gap[:, -1] - gap[:, -2] > 1e-9
    assert np.array_equal(plain.argmax(axis=1)[clear], moved.argmax(axis=1)[clear])


@given(problem=problems(), ridge=st.floats(1e-6, 1.0))
@settings(max_examples=30, deadline=None)
def test_a_ridge_only_draws_the_prior_towards_uniform(problem: tuple, ridge: float) -> None:
    logits, labels, _ = problem
    free, held = fit_log_prior(logits, labels), fit_log_prior(logits, labels, ridge=ridge)
    assert np.var(held.log_prior) <= np.var(free.log_prior) + 1e-9


@given(seed=st.integers(0, 2**32 - 1), k=st.integers(3, 50))
@settings(max_examples=40, deadline=None)
def test_thirds_are_ordered_and_of_equal_size(seed: int, k: int) -> None:
    prior = np.random.default_rng(seed).normal(size=k)
    groups = thirds(prior)
    assert np.ptp(np.bincount(groups, minlength=3)) <= 1
    assert prior[groups == 0].min() >= prior[groups == 1].max()
    assert prior[groups == 1].min() >= prior[groups == 2].max()
