"""What must hold of polynomials, factors and attention for any input."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.methods.attention import (
    GENERATORS,
    KINDS,
    exact_attention,
    exponential_polynomial,
    factored_attention,
    low_rank_factors,
    make_inputs,
    output_error_bound,
    polynomial_attention,
    rank,
)
from workbench.methods.attention.polynomial import fit_grid

bounds = st.floats(0.05, 9.0)
degrees = st.integers(0, 10)
kinds = st.sampled_from(KINDS)


@st.composite
def matrices(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Queries, keys, values and their largest entry B."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m, d = draw(st.integers(1, 24)), draw(st.integers(1, 24)), draw(st.integers(1, 5))
    b = draw(st.floats(0.1, 2.5))
    q, k = random.uniform(-b, b, (n, d)), random.uniform(-b, b, (m, d))
    if draw(st.booleans()):  # planted: the widest scores
        q, k = b * np.sign(q), b * np.sign(k)
    return q, k, random.uniform(-3.0, 3.0, (m, draw(st.integers(1, 3)))), b


@given(bound=bounds, degree=degrees, kind=kinds)
@settings(max_examples=60, deadline=None)
def test_the_certified_error_holds_on_the_whole_interval(
    bound: float, degree: int, kind: str
) -> None:
    polynomial = exponential_polynomial(bound, degree=degree, kind=kind)
    x = np.linspace(-bound, bound, 501)
    error = np.abs(polynomial(x) * np.exp(-x) - 1.0)
    rounding = 1e-14 * np.exp(2.0 * bound)
    assert error.max() <= polynomial.relative_error * (1.0 + 1e-6) + rounding


@given(bound=bounds, degree=st.integers(0, 9), kind=kinds)
@settings(max_examples=40, deadline=None)
def test_a_higher_minimax_degree_is_never_worse_and_no_other_kind_is_better(
    bound: float, degree: int, kind: str
) -> None:
    best = exponential_polynomial(bound, degree=degree, kind="minimax").relative_error
    higher = exponential_polynomial(bound, degree=degree + 1, kind="minimax").relative_error
    other = exponential_polynomial(bound, degree=degree, kind=kind).relative_error
    slack = 1.0 + 1e-6
    assert higher <= best * slack
    assert best <= other * slack


@given(bound=bounds, degree=st.integers(0, 10))
@settings(max_examples=40, deadline=None)
def test_chebyshev_has_the_smaller_additive_error_than_taylor(bound: float, degree: int) -> None:
    x = np.linspace(-bound, bound, 801)
    errors = [
        np.abs(exponential_polynomial(bound, degree=degree, kind=kind)(x) - np.exp(x)).max()
        for kind in ("chebyshev", "taylor")
    ]
    assert errors[0] <= errors[1] + 1e-14 * np.exp(bound)


@given(inputs=matrices(), degree=st.integers(0, 7), kind=kinds)
@settings(max_examples=60, deadline=None)
def test_the_factors_multiply_to_the_polynomial_of_every_score(
    inputs: tuple[np.ndarray, np.ndarray, np.ndarray, float], degree: int, kind: str
) -> None:
    q, k, _, b = inputs
    polynomial = exponential_polynomial(b * b, degree=degree, kind=kind)
    left, right = low_rank_factors(q, k, polynomial.power)
    wanted = polynomial(q @ k.T / q.shape[1])
    assert left.shape == (len(q), rank(degree, q.shape[1]))
    assert right.shape == (len(k), rank(degree, q.shape[1]))
    np.testing.assert_allclose(
        left @ right.T, wanted, rtol=1e-10, atol=1e-12 * np.abs(polynomial.chebyshev).sum()
    )


@given(inputs=matrices(), degree=st.integers(0, 9), kind=kinds)
@settings(max_examples=80, deadline=None)
def test_the_output_error_stays_within_the_certified_bound(
    inputs: tuple[np.ndarray, np.ndarray, np.ndarray, float], degree: int, kind: str
) -> None:
    q, k, v, b = inputs
    polynomial = exponential_polynomial(b * b, degree=degree, kind=kind)
    output, row_sums = factored_attention(q, k, v, polynomial)
    if polynomial.relative_error < 0.999:
        error = np.abs(output - exact_attention(q, k, v)).max()
        bound = output_error_bound(polynomial.relative_error, float(np.abs(v).max()))
        assert error <= bound + 1e-9
        assert row_sums.min() > 0.0
    else:
        assert output_error_bound(max(1.0, polynomial.relative_error), 1.0) == np.inf


@given(inputs=matrices(), half_degree=st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_an_even_taylor_polynomial_never_has_a_negative_row_sum(
    inputs: tuple[np.ndarray, np.ndarray, np.ndarray, float], half_degree: int
) -> None:
    q, k, v, b = inputs
    polynomial = exponential_polynomial(b * b, degree=2 * half_degree, kind="taylor")
    assert factored_attention(q, k, v, polynomial)[1].min() > 0.0


@given(inputs=matrices(), degree=st.integers(0, 6), kind=kinds)
@settings(max_examples=40, deadline=None)
def test_values_of_one_give_one_and_the_order_of_tokens_does_not_matter(
    inputs: tuple[np.ndarray, np.ndarray, np.ndarray, float], degree: int, kind: str
) -> None:
    q, k, v, b = inputs
    polynomial = exponential_polynomial(b * b, degree=degree, kind=kind)
    ones, row_sums = factored_attention(q, k, np.ones_like(v), polynomial)
    # Where the row sum nearly cancels, division magnifies rounding.
    size = np.abs(polynomial.chebyshev).sum() * len(k)
    safe = np.abs(row_sums) > 1e-3 * size
    np.testing.assert_allclose(ones[safe], 1.0, rtol=1e-9)
    order = np.random.default_rng(0).permutation(len(k))
    output, _ = factored_attention(q, k, v, polynomial)
    shuffled, _ = factored_attention(q, k[order], v[order], polynomial)
    np.testing.assert_allclose(shuffled[safe], output[safe], rtol=1e-8, atol=1e-9)


@given(
    degree=st.integers(0, 6), coefficients=st.lists(st.floats(-2.0, 2.0), min_size=7, max_size=7)
)
@settings(max_examples=30, deadline=None)
def test_a_target_that_is_a_polynomial_is_met_exactly(
    degree: int, coefficients: list[float]
) -> None:
    q, k, _ = make_inputs("uniform", tokens=9, dimension=3, seed=5)
    kept = np.array(coefficients[: degree + 1])
    left, right = low_rank_factors(q, k, kept)
    scores = q @ k.T / 3
    wanted = sum(c * scores**j for j, c in enumerate(kept))
    np.testing.assert_allclose(left @ right.T, wanted, atol=1e-12)


@given(
    generator=st.sampled_from(tuple(GENERATORS)),
    tokens=st.integers(2, 60),
    dimension=st.integers(1, 8),
    seed=st.integers(0, 2**31 - 1),
)
@settings(max_examples=60, deadline=None)
def test_every_generator_reaches_its_largest_entry_and_repeats_itself(
    generator: str, tokens: int, dimension: int, seed: int
) -> None:
    first = make_inputs(generator, tokens=tokens, dimension=dimension, seed=seed)
    again = make_inputs(generator, tokens=tokens, dimension=dimension, seed=seed)
    for one, other in zip(first, again, strict=True):
        assert one.shape == (tokens, dimension)
        assert np.array_equal(one, other)
    assert np.abs(first[0]).max() == 1.0
    assert np.abs(first[1]).max() == 1.0
    assert np.abs(first[2]).max() <= 1.0


@given(bound=st.floats(0.02, 16.0), degree=st.integers(1, 12))
@settings(max_examples=25, deadline=None)
def test_fitting_many_intervals_at_once_equals_one_by_one(bound: float, degree: int) -> None:
    together = fit_grid((0.5, bound, 3.0), degree, "minimax")
    alone = fit_grid((bound,), degree, "minimax")
    np.testing.assert_allclose(together[1][1], alone[1][0], rtol=1e-3)


def test_polynomial_attention_takes_the_largest_entries_for_its_bound() -> None:
    q, k, v = make_inputs("uniform", tokens=40, dimension=4, seed=1)
    given_bound = polynomial_attention(2 * q, k, v, degree=6, kind="minimax", bound=2.0)
    taken = polynomial_attention(2 * q, k, v, degree=6, kind="minimax")
    np.testing.assert_array_equal(given_bound, taken)
