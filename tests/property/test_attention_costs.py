"""What must hold of counted costs, tolerances and fits for any size."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.methods.attention import output_error_bound, paper_rank_bound, rank
from workbench.methods.attention.costs import (
    cost_exponent,
    exact_flops,
    factored_bytes,
    factored_flops,
    full_matrix_bytes,
    log_rank,
)
from workbench.methods.attention.hardness_instance import plant, recover_row_sums, signal_gap
from workbench.methods.attention.polynomial import minimum_chebyshev_degrees, minimum_degree
from workbench.methods.attention.speed import find_crossover, fit_slope
from workbench.methods.attention.transition import relative_tolerance
from workbench.methods.attention.transition_limit import limit_degree_factor, limit_exponent

sizes = st.integers(1, 2**40)
dimensions = st.integers(1, 64)


@given(tokens=sizes, dimension=dimensions, values=dimensions, columns=st.integers(1, 10**9))
@settings(deadline=None)
def test_counted_operations_have_slopes_of_exactly_two_and_one(
    tokens: int, dimension: int, values: int, columns: int
) -> None:
    exact = [exact_flops(n, dimension, values) for n in (tokens, 2 * tokens)]
    factored = [factored_flops(n, columns, values) for n in (tokens, 2 * tokens)]
    assert exact[1] == 4 * exact[0]
    assert factored[1] == 2 * factored[0]
    assert math.log2(exact[1] // exact[0]) == 2.0
    assert math.log2(factored[1] // factored[0]) == 1.0
    assert full_matrix_bytes(2 * tokens) == 4 * full_matrix_bytes(tokens)


@given(tokens=st.integers(2, 2**40), degree=st.integers(0, 40), dimension=st.integers(1, 40))
@settings(deadline=None)
def test_the_exponent_is_two_less_the_logarithm_of_the_counted_speed_up(
    tokens: int, degree: int, dimension: int
) -> None:
    columns = rank(degree, dimension)
    speed_up = exact_flops(tokens, dimension, dimension) / factored_flops(
        tokens, columns, dimension
    )
    found = cost_exponent(
        np.array(math.log(tokens)), np.array(math.log(columns)), np.array(dimension)
    )
    assert float(found) == pytest.approx(2.0 - math.log(speed_up, tokens), abs=1e-9)


@given(degree=st.integers(0, 100), dimension=st.integers(1, 100))
@settings(deadline=None)
def test_logarithms_of_ranks_are_those_of_the_counts(degree: int, dimension: int) -> None:
    matched = log_rank(np.array(degree), np.array(dimension))
    paper = log_rank(np.array(2 * degree), np.array(2 * dimension))
    assert float(matched) == pytest.approx(math.log(rank(degree, dimension)), abs=1e-9)
    assert float(paper) == pytest.approx(math.log(paper_rank_bound(degree, dimension)), abs=1e-9)


@given(tokens=st.integers(1, 2**17), columns=st.integers(1, 4_000), dimension=st.integers(1, 16))
@settings(deadline=None)
def test_counted_memory_is_linear_within_a_block_and_never_grows_faster(
    tokens: int, columns: int, dimension: int
) -> None:
    once = factored_bytes(tokens, columns, dimension, dimension)
    twice = factored_bytes(2 * tokens, columns, dimension, dimension)
    assert once < twice <= 2 * once
    if 2 * tokens * columns <= 1 << 22:
        assert twice == 2 * once


@given(error=st.floats(1e-30, 1.0), value=st.floats(0.01, 100.0))
@settings(deadline=None)
def test_the_polynomials_tolerance_is_what_the_output_error_allows(
    error: float, value: float
) -> None:
    epsilon = float(relative_tolerance(error, np.array(value)))
    assert 0.0 < epsilon < 1.0
    assert output_error_bound(epsilon, value) == pytest.approx(error, rel=1e-9)


@given(
    bounds=st.lists(st.floats(0.01, 60.0), min_size=1, max_size=40),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=25, deadline=None)
def test_many_intervals_with_their_own_tolerances_equal_one_by_one(
    bounds: list[float], seed: int
) -> None:
    tolerances = 10.0 ** np.random.default_rng(seed).uniform(-20.0, -0.1, len(bounds))
    together = minimum_chebyshev_degrees(np.array(bounds), tolerances)
    alone = [
        minimum_degree(a, float(t), kind="chebyshev")
        for a, t in zip(bounds, tolerances, strict=True)
    ]
    assert together.tolist() == alone


@given(
    ratio=st.floats(0.01, 2.0),
    power=st.floats(0.1, 3.0),
    factor=st.floats(0.1, 4.0),
)
@settings(deadline=None)
def test_in_the_limit_wider_entries_and_more_accuracy_never_cost_less(
    ratio: float, power: float, factor: float
) -> None:
    degree = limit_degree_factor(ratio, power)
    assert limit_degree_factor(1.1 * ratio, power) > degree
    assert limit_degree_factor(ratio, 1.1 * power) > degree
    matched = limit_exponent(degree, factor)
    paper = limit_exponent(degree, factor, counted_as_in_paper=True)
    assert matched > 1.0
    assert paper - 1.0 == pytest.approx(2.0 * (matched - 1.0))
    assert limit_exponent(degree, 1.1 * factor) > matched


@given(
    slope=st.floats(-1.0, 3.0),
    factor=st.floats(1e-6, 1e6),
    first=st.integers(4, 12),
    count=st.integers(2, 9),
)
@settings(deadline=None)
def test_a_power_of_n_has_its_power_as_its_slope(
    slope: float, factor: float, first: int, count: int
) -> None:
    n = 2.0 ** np.arange(first, first + 10)
    values = factor * n[:count] ** slope
    assert fit_slope(n, values) == pytest.approx(slope, abs=1e-6)


@given(crossing=st.floats(300.0, 60_000.0), gap=st.floats(0.3, 2.0))
@settings(deadline=None)
def test_lines_cross_where_they_cross(crossing: float, gap: float) -> None:
    n = 2.0 ** np.arange(8, 17)
    slow = (n / crossing) ** (1.0 + gap)
    fast = n / crossing
    assert find_crossover(n, slow, fast) == pytest.approx(crossing, rel=1e-9)


@given(
    tokens=st.integers(2, 20),
    bits=st.integers(1, 8).map(lambda half: 2 * half),
    seed=st.integers(0, 2**31),
    bound_b=st.floats(0.1, 6.0),
)
@settings(max_examples=40, deadline=None)
def test_row_sums_read_from_the_outputs_are_those_of_the_hamming_distances(
    tokens: int, bits: int, seed: int, bound_b: float
) -> None:
    instance = plant(tokens=tokens, bits=bits, distance=0, seed=seed)
    dimension = 4 * bits
    outputs, wanted = [], []
    dummies = tokens * math.exp(bound_b**2 * instance.dummy_score)
    for left in instance.left.tolist():
        equal = [sum(x == y for x, y in zip(left, right, strict=True)) for right in instance.right]
        real = sum(math.exp(bound_b**2 * count / dimension) for count in equal)
        wanted.append(real)
        outputs.append(real / (real + dummies))
    np.testing.assert_allclose(
        recover_row_sums(np.array(outputs), dummies=dummies), wanted, rtol=1e-9
    )
    scores = bound_b**2 * instance.queries @ instance.keys.T / dimension
    np.testing.assert_allclose(np.exp(scores[:, :tokens]).sum(axis=1), wanted, rtol=1e-9)
    np.testing.assert_allclose(np.exp(scores[:, tokens:]).sum(axis=1), dummies, rtol=1e-9)
    hidden = scores[instance.query, instance.key] / bound_b**2
    assert hidden - instance.dummy_score == pytest.approx(signal_gap(bits, 0))
