"""Uniform and importance sampling of keys: what is read, how often, and with which weight."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.methods.attention import (
    importance_sampling_attention,
    make_inputs,
    uniform_sampling_attention,
)
from workbench.methods.attention.peers import (
    draw_by_chance,
    hamming_order,
    inclusion_probabilities,
)


def exponentials(queries: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return np.exp(queries @ keys.T / queries.shape[1])


def test_a_uniform_sample_is_exact_attention_over_some_keys() -> None:
    q, k, _ = make_inputs("needle", tokens=30, dimension=3, seed=1)
    # With the identity as values the output is the weights.
    weights = uniform_sampling_attention(3 * q, 3 * k, np.eye(30), samples=7, seed=3)
    read = weights[0] > 0.0
    assert read.sum() == 7
    wanted = np.where(read, exponentials(3 * q, 3 * k), 0.0)
    np.testing.assert_allclose(weights, wanted / wanted.sum(axis=1, keepdims=True), atol=1e-14)


def test_every_key_is_as_likely_in_a_uniform_sample() -> None:
    q, k, _ = make_inputs("uniform", tokens=10, dimension=2, seed=0)
    identity = np.eye(10)
    counts = sum(
        (uniform_sampling_attention(q[:1], k, identity, samples=3, seed=s)[0] > 0).astype(int)
        for s in range(2_000)
    )
    assert stats.chisquare(counts).pvalue > 0.01


@given(
    lengths=st.lists(st.floats(0.0, 10.0), min_size=1, max_size=30),
    share=st.floats(0.0, 1.0),
    seed=st.integers(0, 999),
)
@settings(max_examples=80, deadline=None)
def test_chances_sum_to_the_sample_and_grow_with_the_length_of_a_value(
    lengths: list[float], share: float, seed: int
) -> None:
    values = np.array(lengths)[:, None]
    count = 1 + round(share * (len(lengths) - 1))
    chance = inclusion_probabilities(values, count)
    assert chance.sum() == pytest.approx(count)
    assert (chance > 0.0).all()
    assert (chance <= 1.0).all()
    ordered = chance[np.argsort(lengths)]
    assert (np.diff(ordered) >= -1e-12).all()
    drawn = draw_by_chance(chance, np.random.default_rng(seed))
    assert len(set(drawn.tolist())) == len(drawn) == count


def test_keys_are_drawn_as_often_as_their_chance_says() -> None:
    values = np.array([[0.0], [1.0], [1.0], [2.0], [9.0], [0.5]])
    chance = inclusion_probabilities(values, 3)
    random = np.random.default_rng(0)
    draws = 4_000
    counts = np.zeros(6)
    for _ in range(draws):
        counts[draw_by_chance(chance, random)] += 1
    spread = np.sqrt(draws * chance * (1.0 - chance)) + 1e-9
    assert (np.abs(counts - draws * chance) <= 4.0 * spread).all()


@pytest.mark.parametrize("seed", range(6))
def test_importance_sampling_reads_a_block_and_weighs_the_sampled_rest(seed: int) -> None:
    n, block, samples = 40, 8, 10
    q, k, _ = make_inputs("clustered", tokens=n, dimension=4, seed=1)
    q, k = 2 * q, 2 * k
    weights = importance_sampling_attention(
        q, k, np.eye(n), block=block, samples=samples, seed=seed
    )
    ratio = weights / exponentials(q, k)
    lowest = np.where(ratio > 0.0, ratio, np.inf).min(axis=1, keepdims=True)
    # Rows of the identity are equally long, so every chance is samples / n.
    is_block = np.isclose(ratio, lowest)
    is_sample = np.isclose(ratio, lowest * n / samples)
    assert (is_block.sum(axis=1) == block).all()
    drawn = is_sample.any(axis=0)
    assert drawn.sum() == samples
    np.testing.assert_array_equal(is_sample, drawn & ~is_block)
    assert (is_block | is_sample | (ratio == 0.0)).all()


def test_importance_sampling_reads_likelier_keys_than_chance() -> None:
    n = 256
    q, k, _ = make_inputs("clustered", tokens=n, dimension=8, seed=1)
    weights = importance_sampling_attention(8 * q, 8 * k, np.eye(n), block=16, samples=1, seed=0)
    share = exponentials(8 * q, 8 * k)
    share /= share.sum(axis=1, keepdims=True)
    caught = np.where(weights > 0.0, share, 0.0).sum(axis=1).mean()
    assert caught > 2.0 * 17 / n  # 17 keys at random would catch 17 / n


def test_neighbours_in_hash_order_differ_in_the_side_of_few_planes() -> None:
    planes = np.eye(3)
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    ordered = corners[hamming_order(corners, planes)] > 0.0
    assert ((ordered[1:] != ordered[:-1]).sum(axis=1) == 1).all()


@pytest.mark.parametrize(("queries", "keys", "block"), [(3, 40, 2), (40, 3, 2), (7, 23, 5)])
def test_importance_sampling_allows_other_numbers_of_keys(
    queries: int, keys: int, block: int
) -> None:
    random = np.random.default_rng(0)
    q, k = random.normal(size=(queries, 4)), random.normal(size=(keys, 4))
    weights = importance_sampling_attention(q, k, np.eye(keys), block=block, samples=1, seed=0)
    assert ((weights > 0.0).sum(axis=1) >= block).all()
    assert ((weights > 0.0).sum(axis=1) <= block + 1).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
