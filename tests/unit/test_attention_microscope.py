"""The polynomial under the microscope: smallest degrees, alternation, where it is negative."""

from __future__ import annotations

import json

import numpy as np
import pytest

from workbench.figures.attention import draw_lattice, draw_polynomial
from workbench.methods.attention import exponential_polynomial, minimum_degree, rank
from workbench.methods.attention import microscope as study
from workbench.methods.attention.microscope import MICROSCOPE, Microscope, find_degrees
from workbench.methods.attention.polynomial import KINDS
from workbench.params import parse
from workbench.study import execute

MAXIMUM_PAYLOAD_BYTES = 1_500_000


@pytest.fixture(scope="module")
def result() -> Microscope:
    return study.compute(None, study.Params())


# Source: method specification, section 2, table of minimum degrees (Taylor, Chebyshev, minimax).
@pytest.mark.parametrize(
    ("bound", "tolerance", "expected"),
    [(1.0, 1e-2, (5, 4, 3)), (4.0, 1e-1, (14, 9, 6)), (4.0, 1e-6, (21, 15, 13)),
     (9.0, 1e-3, (35, 23, 15))],
)  # fmt: skip
def test_degrees_are_those_of_the_table(
    bound: float, tolerance: float, expected: tuple[int, ...]
) -> None:
    degrees, _ = find_degrees((bound,), [tolerance])
    assert tuple(degrees[:, 0, 0]) == expected


def test_degrees_are_those_of_the_search_and_one_less_is_not_enough(result: Microscope) -> None:
    for k, kind in enumerate(KINDS):
        for t in (1, 4, 5):
            for b in (0, 12, 25):
                bound, tolerance = float(result.bounds_b[b] ** 2), float(result.tolerances[t])
                degree = int(result.degrees[k, t, b])
                assert degree == minimum_degree(bound, tolerance, kind=kind)
                less = exponential_polynomial(bound, degree=degree - 1, kind=kind)
                assert less.relative_error > tolerance >= result.relative_error[k, t, b]


def test_the_curves_are_the_polynomials(result: Microscope) -> None:
    for place in [(0, 2, 25), (1, 7, 15), (2, 4, 10)]:
        k, _, b = place
        bound = float(result.bounds_b[b] ** 2)
        polynomial = exponential_polynomial(bound, degree=int(result.degrees[place]), kind=KINDS[k])
        x = bound * result.position
        np.testing.assert_allclose(result.polynomial[place], polynomial(x), rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(result.exponential[b], np.exp(x), rtol=1e-12)
        np.testing.assert_allclose(
            result.error[place], result.polynomial[place] / np.exp(x) - 1, atol=1e-12
        )


def test_the_minimax_error_alternates_at_two_more_points_than_its_degree(
    result: Microscope,
) -> None:
    # Chebyshev's alternation theorem, where rounding leaves the error visible.
    for t in range(2, 6):
        for b in range(0, len(result.bounds_b), 5):
            peaks = result.peak_error[2, t, b]
            peaks = peaks[np.isfinite(peaks)]
            assert len(peaks) == result.degrees[2, t, b] + 2
            assert (np.sign(peaks[1:]) == -np.sign(peaks[:-1])).all()
            np.testing.assert_allclose(np.abs(peaks), result.relative_error[2, t, b], rtol=2e-3)


def test_no_error_exceeds_its_certificate(result: Microscope) -> None:
    largest = np.abs(result.error).max(axis=-1)
    rounding = 1e-14 * np.exp(2 * result.bounds_b**2)
    assert (largest <= result.relative_error * (1 + 1e-3) + rounding).all()


def test_a_polynomial_is_negative_exactly_where_it_says(result: Microscope) -> None:
    anywhere = (result.polynomial < 0).any(axis=-1)
    assert anywhere.any()
    assert np.isfinite(result.negative_from[anywhere]).all()
    certified = result.relative_error < 1  # |P - e^x| < e^x leaves P above 0
    assert np.isnan(result.negative_from[certified]).all()
    k, t, b = 1, 7, 15  # Chebyshev, B = 2, ten times the value allowed: degree 6
    inside = result.bounds_b[b] ** 2 * result.position[result.polynomial[k, t, b] < 0]
    assert result.negative_from[k, t, b] <= inside.min() + 0.01
    assert result.negative_to[k, t, b] >= inside.max() - 0.01


def test_the_summary_names_what_is_seen() -> None:
    outcome = execute(MICROSCOPE, None, parse(study.Params, {"kind": "minimax"}))  # type: ignore[arg-type]
    assert outcome.summary["degree"] == 7
    assert outcome.summary["alternations"] == 9
    assert outcome.summary["rank_dimension_64"] == rank(7, 64)
    assert outcome.summary["is_positive"] is True
    json.dumps(outcome.summary, allow_nan=False)


@pytest.mark.parametrize("draw", [draw_polynomial, draw_lattice])
def test_figures_follow_every_position_and_stay_small(result: Microscope, draw) -> None:
    figure = draw(result)
    assert figure.axes == {
        "kind": list(KINDS),
        "log10_tolerance": list(range(-6, 2)),
        "bound_b": study.BOUND_B.positions(),
    }
    assert len(json.dumps(figure.payload(), allow_nan=False)) < MAXIMUM_PAYLOAD_BYTES
    for kind, tolerance, bound_b in [("taylor", -6, 3.0), ("minimax", 1, 0.5), ("chebyshev", 0, 2)]:
        at = {"kind": kind, "log10_tolerance": tolerance, "bound_b": bound_b}
        assert figure.at(**at).data
        assert f"B = {bound_b:.1f}" in figure.words_at(**at)


def test_the_red_band_covers_where_the_polynomial_is_negative(result: Microscope) -> None:
    figure = draw_polynomial(result)
    at = {"kind": "chebyshev", "log10_tolerance": 1, "bound_b": 2.0}
    band = figure.at(**at).layout.shapes[0]
    assert band.x0 == pytest.approx(result.negative_from[1, 7, 15] - 0.016)
    assert band.x1 == pytest.approx(result.negative_to[1, 7, 15] + 0.016)
    assert "negative" in figure.words_at(**at)
    none = figure.at(**(at | {"log10_tolerance": -2})).layout.shapes[0]
    assert none.x0 == none.x1


def test_the_lattice_colours_as_many_cells_as_there_are_columns(result: Microscope) -> None:
    drawn = draw_lattice(result).at(kind="minimax", log10_tolerance=-2, bound_b=2.0)
    scale = drawn.data[0]
    shells = np.add.outer(range(21), range(21))
    assert int((shells < (scale.zmin + scale.zmax) / 2).sum()) == rank(7, 2) == 36
    np.testing.assert_allclose(drawn.data[1].y, [rank(7, d) for d in (1, 2, 4, 8, 16, 64)])
