"""Degrees, coefficients and certified errors of the polynomials near e^x."""

import mpmath
import numpy as np
import pytest
from scipy.special import iv

from workbench.errors import InputError, UnknownNameError
from workbench.methods.attention import KINDS, exponential_polynomial, minimum_degree, polynomial
from workbench.methods.attention.minimax import (
    _critical_points,
    _derivative_minus_series,
    _relative_error,
    chebyshev_coefficients,
    fit_minimax,
)
from workbench.methods.attention.minimax_reference import fit_minimax_reference
from workbench.methods.attention.polynomial import fit_grid, minimum_chebyshev_degrees

TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-6)
# Source: method specification, section 2, computed there with 50-digit arithmetic
# (Taylor / Chebyshev / minimax for each tolerance).
DEGREES = {
    0.25: ((1, 1, 1), (2, 2, 2), (3, 2, 2), (5, 4, 4)),
    1.0: ((3, 3, 2), (5, 4, 3), (6, 5, 4), (9, 7, 7)),
    2.0: ((7, 5, 3), (8, 6, 5), (10, 7, 6), (14, 10, 9)),
    4.0: ((14, 9, 6), (15, 10, 7), (17, 12, 9), (21, 15, 13)),
    9.0: ((31, 20, 11), (33, 21, 13), (35, 23, 15), (40, 27, 20)),
    16.0: ((56, 35, 18), (58, 37, 21), (60, 38, 24), (65, 42, 30)),
}


@pytest.mark.parametrize("bound", DEGREES)
def test_minimum_degrees_match_the_table(bound: float) -> None:
    found = tuple(
        tuple(minimum_degree(bound, tolerance, kind=kind) for kind in KINDS)
        for tolerance in TOLERANCES
    )
    assert found == DEGREES[bound]


@pytest.mark.parametrize(("bound", "degree"), [(1.0, 3), (4.0, 7), (9.0, 11), (0.01, 5)])
def test_minimax_equals_the_60_digit_exchange(bound: float, degree: int) -> None:
    reference, error = fit_minimax_reference(bound, degree, ratio=1.0 + 1e-8)
    found = exponential_polynomial(bound, degree=degree, kind="minimax")
    expected = np.array([float(c) for c in reference])
    assert found.relative_error == pytest.approx(float(error), rel=2e-6)
    np.testing.assert_allclose(found.chebyshev, expected, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("bound", [0.1, 1.0, 3.0])
def test_minimax_of_degree_0_has_error_tanh(bound: float) -> None:
    # Closed form: c e^{-x} - 1 levels at both ends for c = 1 / cosh(a), with error tanh(a).
    found = exponential_polynomial(bound, degree=0, kind="minimax")
    assert found.relative_error == pytest.approx(np.tanh(bound), rel=1e-9)
    assert found.chebyshev[0] == pytest.approx(1.0 / np.cosh(bound), rel=1e-9)


@pytest.mark.parametrize("degree", [1, 4, 8])
def test_minimax_error_alternates_at_two_more_points_than_its_degree(degree: int) -> None:
    bound = 2.0
    found = exponential_polynomial(bound, degree=degree, kind="minimax")
    x = np.linspace(-bound, bound, 20_001)
    error = np.exp(-x) * found(x) - 1.0
    touched = np.abs(error) > (1.0 - 1e-4) * found.relative_error
    signs = np.sign(error[touched])
    assert 1 + np.count_nonzero(np.diff(signs)) == degree + 2


@pytest.mark.parametrize(("bound", "degree"), [(0.5, 2), (1.0, 5), (2.0, 3), (9.0, 12)])
def test_taylor_error_is_the_remainder_at_the_left_end(bound: float, degree: int) -> None:
    with mpmath.workdps(40):
        a = mpmath.mpf(bound)
        series = mpmath.fsum((-a) ** j / mpmath.factorial(j) for j in range(degree + 1))
        expected = float(abs(series * mpmath.exp(a) - 1))
    found = exponential_polynomial(bound, degree=degree, kind="taylor")
    assert found.relative_error == pytest.approx(expected, rel=1e-9)
    assert abs(found(bound) * np.exp(-bound) - 1.0) < expected


def test_chebyshev_coefficients_are_bessel_functions() -> None:
    found = exponential_polynomial(3.0, degree=5, kind="chebyshev").chebyshev
    np.testing.assert_allclose(found, [iv(0, 3.0), *(2.0 * iv(np.arange(1, 6), 3.0))], rtol=1e-14)


def test_chebyshev_error_is_largest_at_the_left_end() -> None:
    # The closed form for the certified error rests on this; every critical point is searched.
    bounds = np.concatenate([np.geomspace(0.001, 1.0, 12), np.linspace(1.5, 25.0, 24)])
    for degree in range(40):
        series = chebyshev_coefficients(bounds, degree + 90)
        tail, none = series[:, degree + 1 :], np.zeros((len(bounds), degree + 1))
        points = _critical_points(_derivative_minus_series(series, degree), none, bounds)
        errors = np.abs(_relative_error(points, bounds, tail, none))
        assert (errors.max(axis=1) <= errors[:, 0] * (1.0 + 1e-9)).all(), degree
        certified = fit_grid(tuple(bounds.tolist()), degree, "chebyshev")[1]
        np.testing.assert_allclose(certified, errors[:, 0], rtol=1e-7)


def test_degrees_of_wide_intervals_need_no_overflow() -> None:
    degrees = minimum_chebyshev_degrees(np.array([4_000.0, 1.0, 300.0]), 0.01)
    assert degrees[1] == 4
    assert 300 < degrees[2] < 900
    assert 4_000 < degrees[0] < 12_000


def test_the_float64_exchange_settles_on_every_interval_it_is_used_for() -> None:
    bounds = np.concatenate([np.geomspace(0.001, 1.0, 8), np.linspace(1.5, 16.0, 30)])
    for degree in range(0, 65, 4):
        assert not np.isnan(fit_minimax(bounds, degree)[1]).any(), degree


def test_the_60_digit_exchange_steps_in_where_float64_does_not_settle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = exponential_polynomial(1.7, degree=3, kind="minimax")
    monkeypatch.setattr(
        polynomial,
        "fit_minimax",
        lambda bounds, degree: (
            np.full((len(bounds), degree + 1), np.nan),
            np.full(len(bounds), np.nan),
        ),
    )
    fit_grid.cache_clear()
    found = exponential_polynomial(1.7, degree=3, kind="minimax")
    fit_grid.cache_clear()
    assert found.relative_error == pytest.approx(expected.relative_error, rel=0.02)
    np.testing.assert_allclose(found.chebyshev, expected.chebyshev, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_errors_below_float64_are_zero_and_not_a_failure(kind: str) -> None:
    found = exponential_polynomial(1e-7, degree=60, kind=kind)
    assert found.relative_error < 1e-300
    assert found(1e-7) == pytest.approx(np.exp(1e-7), rel=1e-15)


@pytest.mark.parametrize(
    ("bound", "degree", "kind", "error", "said"),
    [
        (0.0, 3, "taylor", InputError, "above 0"),
        (-1.0, 3, "chebyshev", InputError, "above 0"),
        (float("nan"), 3, "taylor", InputError, "above 0"),
        (16.1, 3, "minimax", InputError, "up to 16"),
        (301.0, 3, "taylor", InputError, "up to 300"),
        (1.0, -1, "taylor", InputError, "from 0 to 64"),
        (1.0, 65, "taylor", InputError, "from 0 to 64"),
        (1.0, 3, "chebishev", UnknownNameError, "Did you mean chebyshev"),
    ],
)
def test_bad_requests_are_refused_in_one_sentence(
    bound: float, degree: int, kind: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        exponential_polynomial(bound, degree=degree, kind=kind)


def test_a_tolerance_of_one_or_more_is_refused() -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        minimum_degree(1.0, 1.0, kind="taylor")
