"""FAVOR+: its features, its projection, and a peer library that computes the same."""

import importlib
import math
import warnings
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy import stats

from workbench.errors import InputError
from workbench.methods.attention import (
    favor_attention,
    make_inputs,
)
from workbench.methods.attention.peers import (
    favor,
    log_favor_features,
    orthogonal_projection,
)


def test_products_of_favor_features_are_the_exponential_on_average() -> None:
    random = np.random.default_rng(7)
    d, draws = 4, 2_000
    q, k = 1.5 * random.uniform(-1.0, 1.0, (2, 6, d))
    estimates = np.empty((draws, 6))
    for seed in range(draws):
        projection = orthogonal_projection(8, d, seed=seed)
        left, right = (np.exp(log_favor_features(x * d**-0.5, projection)) for x in (q, k))
        estimates[seed] = (left * right).sum(axis=1)
    wanted = np.exp((q * k).sum(axis=1) / d)  # lemma 1 of arXiv:2009.14794
    error = estimates.std(axis=0, ddof=1) / math.sqrt(draws)
    assert (np.abs(estimates.mean(axis=0) - wanted) < 3.0 * error).all()
    assert (error < 0.05 * wanted).all()  # three of them would show a missing factor


@pytest.mark.parametrize(("features", "dimension"), [(12, 4), (10, 4), (3, 5), (7, 1)])
def test_rows_of_a_block_of_the_projection_are_orthogonal(features: int, dimension: int) -> None:
    projection = orthogonal_projection(features, dimension, seed=1)
    assert projection.shape == (features, dimension)
    for start in range(0, features, dimension):
        block = projection[start : start + dimension]
        products = block @ block.T
        np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-12)


def test_rows_of_the_projection_are_standard_normal_vectors() -> None:
    d = 4
    rows = orthogonal_projection(8_000, d, seed=2)
    assert stats.kstest(np.linalg.norm(rows, axis=1), stats.chi(d).cdf).pvalue > 0.01
    # A normal vector's coordinates are normal, which needs the directions to be uniform too.
    for first in range(d):  # rows of one place in their block, which are independent
        for column in range(d):
            assert stats.kstest(rows[first::d, column], "norm").pvalue > 1e-3


def test_fewer_features_are_the_first_of_more() -> None:
    many, few = (orthogonal_projection(m, 3, seed=5) for m in (20, 8))
    np.testing.assert_array_equal(many[:8], few)


def test_orthogonal_rows_vary_less_than_independent_ones() -> None:
    # Theorem 2 of arXiv:2009.14794.
    d = 4
    x = np.full((1, d), 0.6)
    y = np.array([[0.6, 0.6, 0.6, -0.6]])

    def estimate(projection: np.ndarray) -> float:
        left, right = (np.exp(log_favor_features(one, projection)) for one in (x, y))
        return float((left * right).sum())

    random = np.random.default_rng(0)
    orthogonal = [estimate(orthogonal_projection(d, d, seed=i)) for i in range(3_000)]
    independent = [estimate(random.standard_normal((d, d))) for _ in range(3_000)]
    assert np.var(orthogonal) < 0.8 * np.var(independent)


def test_favor_in_blocks_equals_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = make_inputs("needle", tokens=50, dimension=4, seed=3)
    whole = favor_attention(4 * q, 4 * k, v, features=32, seed=0)
    monkeypatch.setattr(favor, "BLOCK_ENTRIES", 32 * 7)
    blocks = favor_attention(4 * q, 4 * k, v, features=32, seed=0)
    np.testing.assert_allclose(blocks, whole, rtol=1e-12, atol=1e-14)


def test_favor_survives_exponents_that_overflow() -> None:
    q, k, v = make_inputs("uniform", tokens=20, dimension=2, seed=0)
    output = favor_attention(60 * q, 60 * k, v, features=64, seed=0)
    assert np.isfinite(output).all()


def test_favor_refuses_entries_whose_features_never_meet() -> None:
    with pytest.raises(InputError, match="reach 1e\\+04; make them smaller"):
        favor_attention(
            np.array([[1e4, 0.0]]), np.array([[-1e4, 0.0]]), np.ones((1, 1)), features=3, seed=0
        )


@pytest.fixture(scope="module")
def performer() -> ModuleType:
    """lucidrains/performer-pytorch 1.1.4 (MIT), written after the authors' JAX code."""
    with warnings.catch_warnings():
        # It compares versions the way Python 3.9 did.
        warnings.filterwarnings("ignore", ".*distutils", DeprecationWarning)
        return importlib.import_module("performer_pytorch.performer_pytorch")


@pytest.mark.parametrize("scale", [0.5, 2.0, 4.0])
def test_favor_agrees_with_a_peer_library(performer: ModuleType, scale: float) -> None:
    n, d, features = 40, 4, 48
    q, k, v = make_inputs("clustered", tokens=n, dimension=d, seed=1)
    q, k = scale * q, scale * k
    projection = torch.from_numpy(orthogonal_projection(features, d, seed=9))
    left, right = (
        performer.softmax_kernel(
            torch.from_numpy(x * d**-0.5)[None, None],
            projection_matrix=projection,
            is_query=is_query,
            normalize_data=False,
            eps=0.0,
        )
        for x, is_query in ((q, True), (k, False))
    )
    theirs = performer.linear_attention(left, right, torch.from_numpy(v)[None, None])[0, 0]
    ours = favor_attention(q, k, v, features=features, seed=9)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-10, atol=1e-12)
