"""The transition: counted costs, their limit, and the two figures."""

import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest
from scipy.special import ive

from workbench.errors import InputError
from workbench.figures.attention import draw_phase, draw_rank
from workbench.figures.live import LiveFigure
from workbench.methods.attention import TRANSITION, exponential_polynomial, rank
from workbench.methods.attention import transition as study
from workbench.methods.attention.costs import exact_flops
from workbench.methods.attention.transition_limit import limit_degree_factor, limit_exponent
from workbench.methods.catalog import find_study
from workbench.params import parse
from workbench.server.api import canonical_json

MAXIMUM_PAYLOAD_BYTES = 1_500_000


@pytest.fixture(scope="module")
def result() -> study.Result:
    return study.compute(None, study.Params())


def count(log2_tokens: list[int], ratios: list[float], **values: float) -> study.Frames:
    asked = {"dimension_factor": 0.5, "accuracy_power": 1.0} | values
    return study.count_frames(np.array(log2_tokens), np.array(ratios), **asked)


def test_the_study_is_found_by_its_name() -> None:
    assert find_study("attention.transition") is TRANSITION


# Source: method specification, section 3: exact attention n² (2d + 2d_v + 2 + exponential).
def test_the_exact_count_is_the_specifications() -> None:
    assert exact_flops(1024, 4, 4) == 1024**2 * (8 + 8 + 2 + 1)


def test_the_degree_is_the_smallest_that_is_certified(result: study.Result) -> None:
    frames = result.frames
    for f, x in ((0, 29), (2, 49), (4, 9), (4, 69), (8, 30)):
        bound_b = float(frames.ratios[x] * frames.thresholds_b[f])
        error = 2.0 ** -float(frames.log2_tokens[f])
        allowed = error / (2.0 * bound_b + error)
        degree = int(frames.degrees[f, x])
        certified = [
            exponential_polynomial(bound_b**2, degree=g, kind="chebyshev").relative_error
            for g in (degree - 1, degree)
        ]
        assert certified[1] <= allowed < certified[0]


def test_the_dimension_follows_ln_n(result: study.Result) -> None:
    assert result.frames.dimensions[4] == round(0.5 * 16 * math.log(2.0)) == 6
    one = count([8], [0.5], dimension_factor=0.5)
    assert one.dimensions.tolist() == [3]


def test_the_exponent_never_falls_as_b_grows(result: study.Result) -> None:
    assert (np.diff(result.frames.exponents, axis=1) >= 0.0).all()
    assert (result.frames.paper_exponents >= result.frames.exponents).all()


def test_the_knee_is_where_exact_attention_becomes_cheaper(result: study.Result) -> None:
    frames = result.frames
    for f, knee in enumerate(frames.knee_ratios.tolist()):
        x = int(np.argmin(np.abs(frames.ratios - knee)))
        assert frames.exponents[f, x] < 2.0 <= frames.exponents[f, x + 1]


def test_at_one_b_more_tokens_bring_the_cost_closer_to_linear() -> None:
    """The theorem's n^{1 + o(1)}; the o(1) falls as slowly as this."""
    log2_tokens = [50, 200, 800]
    found = [
        float(count([k], [0.5 / math.sqrt(k * math.log(2.0))]).exponents[0, 0]) for k in log2_tokens
    ]
    assert found[0] > found[1] > found[2] > 1.0


@pytest.mark.parametrize("factor", [0.5, 1.0])
@pytest.mark.parametrize("power", [0.5, 1.0])
def test_the_counts_tend_to_their_limit(factor: float, power: float) -> None:
    ratios = [0.1, 0.3, 0.6, 1.0]
    frames = count([100, 400, 1000], ratios, dimension_factor=factor, accuracy_power=power)
    limit = [limit_exponent(limit_degree_factor(x, power), factor) for x in ratios]
    distance = np.abs(frames.exponents - np.array(limit)).max(axis=1)
    assert distance[2] < distance[0]
    assert distance[2] < 0.035
    degrees = frames.degrees[2] / (1000 * math.log(2.0))
    np.testing.assert_allclose(degrees, [limit_degree_factor(x, power) for x in ratios], rtol=0.03)


@pytest.mark.parametrize(("ratio", "power"), [(0.2, 0.5), (0.5, 1.0), (0.9, 0.25)])
def test_the_limit_degree_is_where_the_bessel_function_reaches_the_tolerance(
    ratio: float, power: float
) -> None:
    """SciPy's Bessel functions as the reference for Olver's expansion."""
    size = 250.0  # ln n
    bound = ratio**2 * size
    log_error = 2.0 * bound + math.log(ive(limit_degree_factor(ratio, power) * size, bound))
    assert log_error / size == pytest.approx(-power, abs=0.02)


def test_the_limit_starts_at_linear_and_rises_through_two(result: study.Result) -> None:
    assert result.limit_ratios[0] == 0.0
    assert result.limit_exponents[0] == 1.0
    assert (np.diff(result.limit_exponents) > 0.0).all()
    assert result.limit_at(0.4) < 2.0 < result.limit_at(0.6)
    assert result.limit_at(0.3) == pytest.approx(limit_exponent(limit_degree_factor(0.3, 1.0), 0.5))


@pytest.mark.parametrize(
    "values",
    [{}, {"log2_tokens": 40, "ratio": 1.0, "dimension_factor": 2.0, "accuracy_power": 2.0}],
)
def test_the_summary_is_flat_finite_json(values: dict) -> None:
    params = study.Params(**values)
    summary = TRANSITION.summarise(study.compute(None, params))
    canonical_json(dict(summary))
    assert all(math.isfinite(v) for v in summary.values())
    assert summary["log2_tokens"] == params.log2_tokens
    assert summary["bound_b"] == pytest.approx(params.ratio * summary["threshold_b"])


def test_the_default_point_is_the_one_the_words_describe(result: study.Result) -> None:
    summary = TRANSITION.summarise(result)
    assert summary["degree"] == 7
    assert summary["rank"] == rank(7, 6) == 1_716
    words = draw_phase(result).words_at(log2_tokens=16, ratio=0.3)
    assert "counted, not timed" in words
    assert "degree 7 is certified" in words
    assert f"n^{summary['exponent']:.2f}" in words
    assert "1,700 columns" in draw_rank(result).words_at(log2_tokens=16, ratio=0.3)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"log2_tokens": 41}, "8 to 40"),
        ({"ratio": 0.0}, "0.05 to 1"),
        ({"dimension_factor": 64}, "0.5 to 2"),
        ({"accuracy_power": "x"}, "0.5 to 2"),
    ],
)
def test_parameters_out_of_range_are_refused(values: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(study.Params, values)


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize("draw", [draw_phase, draw_rank])
def test_figures_follow_every_position_and_stay_small(draw, result: study.Result) -> None:
    figure: LiveFigure = draw(result)
    assert figure.axes["log2_tokens"] == study.LOG2_TOKENS.positions()
    assert figure.axes["ratio"] == study.RATIO.positions()
    assert len(json.dumps(figure.payload(), allow_nan=False)) < MAXIMUM_PAYLOAD_BYTES / 3
    for log2_tokens, ratio in ((8, 0.05), (16, 0.3), (28, 0.65), (40, 1.0)):
        drawn = figure.at(log2_tokens=log2_tokens, ratio=ratio)
        assert isinstance(drawn, go.Figure)
        assert len(figure.words_at(log2_tokens=log2_tokens, ratio=ratio)) > 60


def test_the_marker_stands_on_the_curve_and_the_curve_stays_at_two(result: study.Result) -> None:
    figure = draw_phase(result)
    for log2_tokens, ratio in ((16, 0.3), (40, 0.7)):
        drawn = figure.at(log2_tokens=log2_tokens, ratio=ratio)
        curve, marker = drawn.data[2], drawn.data[3]
        x = int(np.argmin(np.abs(result.frames.ratios - ratio)))
        assert marker.x[0] == pytest.approx(ratio)
        assert marker.y[0] == curve.y[x]
        assert max(curve.y) == 2.0
    assert "so the curve stays at 2" in figure.words_at(log2_tokens=40, ratio=0.7)


def test_the_rank_figure_says_when_low_rank_stops_helping(result: study.Result) -> None:
    figure = draw_rank(result)
    assert "no longer helps" in figure.words_at(log2_tokens=16, ratio=0.9)
    assert "no longer helps" not in figure.words_at(log2_tokens=16, ratio=0.3)
    drawn = figure.at(log2_tokens=20, ratio=0.5)
    assert drawn.data[2].y[0] == 2.0**20
    assert drawn.data[3].x[0] == pytest.approx(math.sqrt(20 * math.log(2.0)))
    at = result.frames.ratios.tolist().index(0.5)
    assert drawn.data[1].customdata[at] == drawn.data[1].customdata[at + 2] == 0.5
    assert drawn.data[1].x[at] == pytest.approx(drawn.data[4].x[0])
    assert drawn.data[1].y[at] == pytest.approx(drawn.data[4].y[0])
