"""The main study, its figures as data, and the lesson."""

import json
import math
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from workbench.errors import InputError
from workbench.figures.attention import draw_error, draw_heads
from workbench.figures.live import LiveFigure
from workbench.methods.attention import HEADS, KINDS, STUDIES, SWEEP, TRANSITION, microscope
from workbench.methods.attention import heads as atlas
from workbench.methods.attention import sweep as study
from workbench.methods.attention.head_statistics import BINS, NAMES, SHARES
from workbench.methods.catalog import find_study
from workbench.params import Choice, Range, fields_of, parse
from workbench.server.api import canonical_json
from workbench.study import execute

LESSON = Path(__file__).parents[2] / "assets" / "lessons" / "attention.toml"
MAXIMUM_PAYLOAD_BYTES = 1_500_000


def measure(**values: object) -> study.Result:
    params = parse(study.Params, values)
    q, k, v = study.make_inputs(
        params.generator, tokens=params.tokens, dimension=params.dimension, seed=params.seed
    )
    return study.compute(study.Inputs(q, k, v, 0.5, 0.25), params)


@pytest.fixture(scope="module")
def result() -> study.Result:
    return measure()


@pytest.fixture(scope="module")
def head_result() -> atlas.Result:
    random = np.random.default_rng(0)
    statistics = {
        name: random.uniform(0.5, 40.0, (30, 9)).astype(np.float32)
        for name in NAMES
        if not name.startswith("peak")
    }
    statistics["lowest_score"] = -statistics["highest_score"]
    statistics |= {
        name: random.dirichlet(np.ones(BINS), (30, 9)).astype(np.float32) for name in SHARES
    }
    statistics["peak_query"] = statistics["peak_key"] = np.ones((30, 9), dtype=np.float32)
    inputs = atlas.Inputs(statistics, ("The", " <b>&\x00", " tide"), 64)
    return atlas.compute(inputs, atlas.Params())


def test_the_method_offers_its_studies_by_name() -> None:
    assert [one.slug for one in STUDIES] == [
        "attention",
        "attention.microscope",
        "attention.matrices",
        "attention.transition",
        "attention.hardness",
        "attention.speed",
        "attention.peers",
        "attention.heads",
        "attention.symmetries",
        "attention.swap",
    ]
    assert find_study("attention") is SWEEP
    assert find_study("attention.heads") is HEADS


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"bound_b": 2, "degree": 6, "kind": "chebyshev"},
        {"bound_b": 4, "degree": 1, "kind": "taylor", "tokens": 16, "dimension": 1},
        {"bound_b": 0.1, "degree": 12, "kind": "minimax", "generator": "needle"},
        {"bound_b": 2.5, "degree": 2, "kind": "chebyshev", "generator": "planted"},
    ],
)
def test_the_summary_is_flat_finite_json_with_the_promised_names(values: dict) -> None:
    summary = SWEEP.summarise(measure(**values))
    canonical_json(dict(summary))
    assert {
        "max_abs_error",
        "certified_bound",
        "certified",
        "rank",
        "rank_paper_bound",
        "exact_seconds",
        "approximate_seconds",
        "epsilon_certified",
        "minimum_row_sum",
        "mean_of_values_error",
        "threshold_b",
        "tokens",
        "dimension",
    } <= set(summary)
    assert summary["max_abs_error"] <= summary["certified_bound"] + 1e-12


def test_the_chosen_point_is_where_the_sliders_say(result: study.Result) -> None:
    grid = result.grid
    place = (KINDS.index("chebyshev"), 5, 19)
    assert grid.degrees[5] == 6
    assert grid.bounds_b[19] == 2.0
    assert grid.max_abs_error[place] == pytest.approx(result.max_abs_error, rel=1e-8)
    assert grid.minimum_row_sum[place] == pytest.approx(result.minimum_row_sum, rel=1e-9)
    assert result.threshold_b == pytest.approx(math.sqrt(math.log(256)))
    assert result.ranks[5] == 210
    assert result.paper_ranks[5] == math.comb(20, 12)


def test_a_certified_point_has_the_closed_form_and_an_uncertified_one_the_trivial_bound() -> None:
    certified = measure(kind="minimax", bound_b=1.0)
    epsilon = certified.epsilon_certified
    largest = 1.0  # |V| <= 1
    assert certified.is_certified
    assert certified.certified_bound <= 2 * epsilon / (1 - epsilon) * largest
    uncertified = measure(kind="chebyshev", bound_b=2.0, degree=6)
    assert not uncertified.is_certified
    assert uncertified.epsilon_certified >= 1.0
    assert 1.0 < uncertified.certified_bound < 3.0


def test_gathering_measures_positive_seconds_and_the_same_matrices_again() -> None:
    params = study.Params(tokens=16, dimension=2)
    first, second = (study.gather(None, params) for _ in range(2))  # type: ignore[arg-type]
    assert first.exact_seconds > 0.0
    assert first.approximate_seconds > 0.0
    assert np.array_equal(first.queries, second.queries)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"bound_b": 5}, "0.1 to 4"),
        ({"degree": 2.5}, "whole number from 1 to 12"),
        ({"tokens": 2_000}, "16 to 1024"),
        ({"dimension": 0}, "1 to 8"),
        ({"kind": "remez"}, "No Polynomial"),
        ({"seed": -1}, "0 to"),
    ],
)
def test_parameters_out_of_range_are_refused(values: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(study.Params, values)


# ---------------------------------------------------------------- figures


def figures(result: study.Result) -> dict[str, LiveFigure]:
    return {"draw_error": draw_error(result)}


def positions(params_type: type) -> dict[str, list]:
    """Every position of the live controls of a study."""
    found = {}
    for field in fields_of(params_type):
        if isinstance(field.kind, Range) and field.kind.live:
            found[field.name] = field.kind.positions()
        elif isinstance(field.kind, Choice) and field.kind.live:
            found[field.name] = list(field.kind.options)
    return found


def walk(figure: LiveFigure) -> list[dict]:
    """The first, the last and some positions between of every axis."""
    return [
        {name: axis[round(part * (len(axis) - 1))] for name, axis in figure.axes.items()}
        for part in (0.0, 0.3, 0.6, 1.0)
    ]


@pytest.mark.parametrize("name", ["draw_error"])
def test_live_figures_follow_every_position_of_the_controls(
    result: study.Result, name: str
) -> None:
    figure = figures(result)[name]
    assert dict(figure.axes) == positions(study.Params)
    for position in walk(figure):
        assert isinstance(figure.at(**position), go.Figure)  # Plotly accepts every part
        assert f"{position['bound_b']:.1f}" in figure.words_at(**position)
        assert len(figure.words_at(**position)) > 60


@pytest.mark.parametrize("name", ["draw_error"])
def test_a_figure_stays_small(result: study.Result, name: str) -> None:
    text = json.dumps(figures(result)[name].payload(), allow_nan=False)
    assert len(text) < MAXIMUM_PAYLOAD_BYTES


def test_the_marker_of_the_error_figure_stands_on_its_curve(result: study.Result) -> None:
    figure = draw_error(result)
    drawn = figure.at(kind="minimax", degree=4, bound_b=1.2)
    marker = next(t for t in drawn.data if t.name == "chosen")
    curve = next(t for t in drawn.data if t.name == "Minimax")
    assert marker.x[0] == pytest.approx(1.2)
    assert marker.y[0] == pytest.approx(curve.y[11])
    assert marker.y[0] == pytest.approx(result.grid.max_abs_error[2, 3, 11])
    certified = next(t for t in drawn.data if t.name == "Minimax, certified")
    assert certified.line.dash == "dash"
    assert certified.line.color == curve.line.color
    assert curve.line.width > next(t for t in drawn.data if t.name == "Taylor").line.width


def test_the_threshold_stands_in_the_error_figure(result: study.Result) -> None:
    drawn = draw_error(result).figure
    assert any(shape.x0 == result.threshold_b for shape in drawn.layout.shapes)
    assert any("√(ln n) = 2.35" in note.text for note in drawn.layout.annotations)


def test_words_say_when_outputs_mean_nothing(result: study.Result) -> None:
    figure = draw_error(result)
    assert "mean nothing" in figure.words_at(kind="chebyshev", degree=2, bound_b=2.0)
    assert "mean nothing" not in figure.words_at(kind="taylor", degree=2, bound_b=2.0)
    assert "no smaller than the matrix" in figure.words_at(kind="taylor", degree=12, bound_b=2.0)


def test_the_atlas_follows_its_quantity(head_result: atlas.Result) -> None:
    figure = draw_heads(head_result)
    assert figure.axes == {
        "quantity": list(atlas.QUANTITIES),
        "layer": list(range(30)),
        "head": list(range(9)),
    }
    at = {"layer": 3, "head": 4}
    assert len(json.dumps(figure.payload(), allow_nan=False)) < MAXIMUM_PAYLOAD_BYTES
    for name in atlas.QUANTITIES:
        drawn = figure.at(quantity=name, **at)
        np.testing.assert_allclose(
            np.array(drawn.data[0].z), head_result.maps[name].T, rtol=1e-6, err_msg=name
        )
        assert len(figure.words_at(quantity=name, **at)) > 60
    assert np.isnan(figure.at(quantity="value_bound", **at).data[2].y[0])
    assert figure.at(quantity="raw_bound", **at).data[2].y[0] == pytest.approx(
        head_result.threshold_b
    )


def test_the_atlas_shows_the_head_that_was_chosen(head_result: atlas.Result) -> None:
    drawn = draw_heads(head_result).at(quantity="max_abs_score", layer=3, head=4)
    cell, place, pairs, attention = drawn.data[3:7]
    assert (cell.x[0], cell.y[0]) == (3.0, 4.0)
    chosen = head_result.maps["max_abs_score"][3, 4]
    assert place.y[0] == pytest.approx(chosen)
    assert drawn.data[1].y[int(place.x[0]) - 1] == pytest.approx(chosen)
    for trace, shares in (
        (pairs, head_result.pair_shares),
        (attention, head_result.attention_shares),
    ):
        np.testing.assert_allclose(trace.y[1:-1], 100.0 * shares[3, 4], rtol=2e-3, atol=1e-4)
        assert trace.y[0] == trace.y[-1] == 0.0
        lowest = head_result.maps["lowest_score"][3, 4]
        assert trace.x0 + trace.dx == pytest.approx(lowest)
        assert trace.x0 + BINS * trace.dx == pytest.approx(-lowest)
    assert "Layer 3, head 4" in drawn.layout.annotations[2].text
    past = draw_heads(head_result).at(quantity="max_abs_score", layer=60, head=63)
    assert "Layer 29, head 8" in past.layout.annotations[2].text


def test_tokens_of_a_text_cannot_write_markup_into_the_figure(head_result: atlas.Result) -> None:
    texts = {text for row in draw_heads(head_result).figure.data[0].text for text in row}
    assert texts == {"largest |s|: “&lt;b&gt;&amp;␣” and “&lt;b&gt;&amp;␣”"}


# ---------------------------------------------------------------- the lesson


def test_what_the_lesson_says_is_what_is_measured(result: study.Result) -> None:
    grid = result.grid

    def error(kind: str, degree: int, b: float) -> float:
        return float(grid.max_abs_error[KINDS.index(kind), degree - 1, round(10 * b) - 1])

    def mean(b: float) -> float:
        return float(grid.mean_of_values_error[round(10 * b) - 1])

    assert 0.5e-8 < error("taylor", 4, 0.5) < 2e-8
    assert 800 < error("taylor", 4, 1.0) / error("taylor", 4, 0.5) < 1_200
    assert error("chebyshev", 6, 2.4) > mean(2.4)
    assert error("chebyshev", 6, 2.5) > 25 * mean(2.5)
    taylor, best, chebyshev = (error(k, 4, 2.0) for k in ("taylor", "minimax", "chebyshev"))
    assert 1.8 < best / taylor < 2.6
    assert 6 < chebyshev / taylor < 9
    assert grid.relative_error[2, 3, 19] == pytest.approx(0.30, abs=0.01)
    assert grid.relative_error[0, 3, 19] == pytest.approx(272, abs=1)


def test_what_the_lesson_says_of_the_polynomial_and_the_transition_is_so() -> None:
    seen = microscope.compute(None, microscope.Params())
    place = seen.index(microscope.Params(bound_b=2.0, log10_tolerance=1, kind="chebyshev"))
    assert seen.degrees[place] == 6
    assert seen.negative_from[place] == pytest.approx(-3.8, abs=0.1)
    assert seen.negative_to[place] == pytest.approx(-3.3, abs=0.1)
    assert np.isnan(seen.negative_from[1, :7]).all()  # an accuracy of 0 or less: P > 0
    small, doubled = (
        execute(TRANSITION, None, TRANSITION.params(ratio=ratio)).summary  # type: ignore[arg-type]
        for ratio in (0.3, 0.6)
    )
    assert (small["rank"], doubled["rank"]) == (1_716, 38_760)
    assert (small["degree"], doubled["degree"]) == (7, 14)
    assert f"{small['exponent']:.2f} {doubled['exponent']:.2f}" == "1.68 1.96"
    assert f"{small['bound_b']:.1f} {doubled['bound_b']:.1f}" == "1.0 2.0"
