"""Exact and approximate attention, factors, the grid of the sliders and refused inputs."""

from math import comb, exp, factorial, prod

import numpy as np
import pytest
import torch

from workbench.errors import InputError, UnknownNameError
from workbench.methods.attention import (
    GENERATORS,
    KINDS,
    exact_attention,
    exponential_polynomial,
    factored_attention,
    low_rank,
    low_rank_factors,
    make_inputs,
    output_error_bound,
    paper_rank_bound,
    polynomial_attention,
    polynomial_features,
    rank,
)
from workbench.methods.attention.grid import sweep_grid
from workbench.methods.attention.low_rank import check_rank, exponents


def by_hand(queries: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Attention as the definition says it, one number at a time."""
    d = queries.shape[1]
    output = np.zeros((len(queries), values.shape[1]))
    for i, q in enumerate(queries):
        weights = [exp(sum(a * b for a, b in zip(q, k, strict=True)) / d) for k in keys]
        for c in range(values.shape[1]):
            output[i, c] = sum(w * v[c] for w, v in zip(weights, values, strict=True)) / sum(
                weights
            )
    return output


def test_exact_attention_is_the_definition() -> None:
    q, k, v = make_inputs("uniform", tokens=11, dimension=3, seed=2)
    np.testing.assert_allclose(
        exact_attention(3 * q, 2 * k, v), by_hand(3 * q, 2 * k, v), rtol=1e-13
    )


def test_exact_attention_in_blocks_equals_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = make_inputs("needle", tokens=50, dimension=4, seed=3)
    whole = exact_attention(q, k, v)
    monkeypatch.setattr("workbench.methods.attention.exact.BLOCK_ENTRIES", 170)
    np.testing.assert_allclose(exact_attention(q, k, v), whole, rtol=1e-12, atol=1e-15)


def test_factored_attention_in_blocks_equals_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = make_inputs("clustered", tokens=50, dimension=4, seed=3)
    whole = polynomial_attention(q, k, v, degree=5, kind="minimax")
    monkeypatch.setattr("workbench.methods.attention.approximate.BLOCK_ENTRIES", 1_000)
    blocks = polynomial_attention(q, k, v, degree=5, kind="minimax")
    np.testing.assert_allclose(blocks, whole, rtol=1e-12)


def test_large_scores_do_not_overflow_exact_attention() -> None:
    q = np.array([[2_000.0]])
    k = np.array([[1.0], [-1.0]])
    assert exact_attention(q, k, np.array([[1.0], [5.0]]))[0, 0] == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_factored_output_is_the_normalised_polynomial_matrix(kind: str) -> None:
    q, k, v = make_inputs("planted", tokens=40, dimension=3, seed=4)
    polynomial = exponential_polynomial(2.25, degree=6, kind=kind)
    output, row_sums = factored_attention(1.5 * q, 1.5 * k, v, polynomial)
    weights = polynomial(2.25 * q @ k.T / 3)
    np.testing.assert_allclose(row_sums, weights.sum(axis=1), rtol=1e-10)
    np.testing.assert_allclose(output, weights @ v / weights.sum(axis=1)[:, None], rtol=1e-9)


def test_torch_tensors_give_what_arrays_give() -> None:
    q, k, v = make_inputs("uniform", tokens=30, dimension=4, seed=6)
    tensors = [torch.tensor(x) for x in (q, k, v)]
    np.testing.assert_allclose(exact_attention(*tensors), exact_attention(q, k, v), rtol=1e-13)
    for kind in KINDS:
        found = polynomial_attention(*tensors, degree=5, kind=kind)
        assert isinstance(found, torch.Tensor)
        wanted = polynomial_attention(q, k, v, degree=5, kind=kind)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_single_precision_is_computed_in_double() -> None:
    q, k, v = (x.astype(np.float32) for x in make_inputs("uniform", tokens=9, dimension=2, seed=6))
    assert exact_attention(q, k, v).dtype == np.float64
    assert polynomial_attention(q, k, v, degree=3, kind="taylor").dtype == np.float64


def test_zero_queries_get_the_mean_of_the_values() -> None:
    _, k, v = make_inputs("uniform", tokens=12, dimension=3, seed=1)
    zero = np.zeros((2, 3))
    for output in (
        exact_attention(zero, k, v),
        polynomial_attention(zero, k, v, degree=4, kind="minimax"),
    ):
        np.testing.assert_allclose(output, np.tile(v.mean(axis=0), (2, 1)), rtol=1e-9)


# Source: method specification, section 3.
@pytest.mark.parametrize(
    ("dimension", "degree", "matched", "paper"),
    [(4, 4, 70, 12_870), (8, 4, 495, 735_471), (64, 4, 814_385, comb(136, 8))],
)
def test_ranks_match_the_counts_of_monomials(
    dimension: int, degree: int, matched: int, paper: int
) -> None:
    assert rank(degree, dimension) == matched
    assert paper_rank_bound(degree, dimension) == paper


def test_features_are_the_weighted_monomials_in_the_order_of_their_exponents() -> None:
    x = np.array([[2.0, -3.0, 0.5], [0.0, 1.0, 7.0]])
    coefficients = np.array([0.5, -2.0, 1.5, 4.0])
    features = polynomial_features(x, coefficients)
    alphas = exponents(3, 3)
    assert len({tuple(a) for a in alphas.tolist()}) == rank(3, 3) == len(alphas)
    for column, alpha in enumerate(alphas.tolist()):
        total = sum(alpha)
        weight = abs(coefficients[total]) * factorial(total) / prod(factorial(a) for a in alpha)
        expected = weight**0.5 * np.prod(x ** np.array(alpha), axis=1)
        np.testing.assert_allclose(features[:, column], expected, rtol=1e-13)


def test_taylor_features_carry_one_over_the_root_of_the_factorials() -> None:
    taylor = exponential_polynomial(1.0, degree=4, kind="taylor").power
    features = polynomial_features(np.ones((1, 2)), taylor)[0]
    expected = [prod(factorial(a) for a in alpha) ** -0.5 for alpha in exponents(4, 2).tolist()]
    np.testing.assert_allclose(features, expected, rtol=1e-12)


def test_too_high_a_rank_is_refused_with_the_nearest_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("allocated")

    monkeypatch.setattr(low_rank, "_empty", refuse)
    x = np.zeros((100, 64))
    with pytest.raises(InputError, match=r"rank 11,238,513.*degree 4 \(rank 814,385\)"):
        low_rank_factors(x, x, np.ones(6))
    with pytest.raises(InputError, match="fewer tokens"):
        check_rank(1, 4, rows=10**12)


def test_a_rank_that_never_fits_is_refused_by_the_whole_method() -> None:
    x = np.full((8, 64), 0.1)
    with pytest.raises(InputError, match="largest that fits"):
        polynomial_attention(x, x, x, degree=8, kind="taylor")


@pytest.mark.parametrize(
    ("queries", "keys", "values", "said"),
    [
        (np.ones(3), np.ones((3, 1)), np.ones((3, 1)), "queries have shape"),
        (np.ones((3, 2)), np.ones((3, 1)), np.ones((3, 1)), "make them equal"),
        (np.ones((3, 2)), np.ones((3, 2)), np.ones((2, 1)), "one value per key"),
        (
            np.ones((3, 2)),
            np.array([[1.0, 2.0], [np.nan, 1.0]]),
            np.ones((2, 1)),
            "row 1, column 0",
        ),
        (np.ones((0, 2)), np.ones((3, 2)), np.ones((3, 1)), "queries have shape"),
    ],
)
def test_matrices_that_do_not_fit_are_refused_with_where(
    queries: np.ndarray, keys: np.ndarray, values: np.ndarray, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        exact_attention(queries, keys, values)
    with pytest.raises(InputError, match=said):
        polynomial_attention(queries, keys, values, degree=2, kind="taylor")


def test_an_unknown_generator_is_told_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean clustered"):
        make_inputs("cluster", tokens=4, dimension=2, seed=0)


def test_the_error_bound_is_the_closed_form_and_infinite_from_one_on() -> None:
    assert output_error_bound(0.2, 3.0) == pytest.approx(2 * 0.2 / 0.8 * 3.0)
    assert output_error_bound(0.0, 3.0) == 0.0
    assert output_error_bound(1.0, 3.0) == np.inf
    np.testing.assert_array_equal(output_error_bound([0.5, 2.0], 1.0), [2.0, np.inf])


@pytest.mark.parametrize("generator", GENERATORS)
def test_the_grid_equals_the_factored_path_everywhere(generator: str) -> None:
    q, k, v = make_inputs(generator, tokens=150, dimension=3, seed=8)  # more than one block
    bounds_b, degrees = [0.3, 1.1, 2.0], [1, 2, 5, 8]
    grid = sweep_grid(q, k, v, bounds_b, degrees)
    for i, kind in enumerate(KINDS):
        for j, degree in enumerate(degrees):
            for at, b in enumerate(bounds_b):
                polynomial = exponential_polynomial(b * b, degree=degree, kind=kind)
                output, row_sums = factored_attention(b * q, b * k, v, polynomial)
                exact = exact_attention(b * q, b * k, v)
                place = (i, j, at)
                # A row sum close to zero magnifies rounding without limit.
                loose = 1e-7 / min(1.0, float(np.abs(row_sums).min()))
                error = np.abs(output - exact).max()
                assert grid.max_abs_error[place] == pytest.approx(error, rel=loose, abs=1e-12)
                assert grid.minimum_row_sum[place] == pytest.approx(
                    row_sums.min(), rel=1e-8, abs=1e-8
                )
                assert grid.negative_rows[place] == (row_sums <= 0).sum()
                assert grid.relative_error[place] == pytest.approx(
                    polynomial.relative_error, rel=1e-4
                )
                assert grid.mean_of_values_error[at] == pytest.approx(
                    np.abs(v.mean(axis=0) - exact).max(), rel=1e-10
                )


# Source: method specification, section 6: n = 1024, d = 8, V in [-1, 1], Taylor of degree 4
# (rank 495), largest error at B = 0.5, 1, 2, 3, 4; another seed, so within a factor of 2.
def test_errors_agree_with_the_reference_curve() -> None:
    q, k, v = make_inputs("uniform", tokens=1024, dimension=8, seed=0)
    grid = sweep_grid(q, k, v, [0.5, 1.0, 2.0, 3.0, 4.0], [2, 4])
    expected = [[2e-6, 1e-4, 7e-3, 0.06, 0.30], [1e-9, 1e-6, 9e-4, 0.03, 0.25]]
    ratio = grid.max_abs_error[0] / np.array(expected)
    assert ((ratio > 0.5) & (ratio < 2.0)).all(), ratio
    mean = grid.mean_of_values_error / np.array([3e-3, 0.01, 0.04, 0.12, 0.32])
    assert ((mean > 0.5) & (mean < 2.0)).all(), mean
