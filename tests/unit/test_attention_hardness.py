"""The hidden pair: the instance, what attention reveals of it, and the two figures."""

import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest

from workbench.errors import InputError
from workbench.figures.attention import draw_hidden_pair, draw_margin
from workbench.figures.live import LiveFigure
from workbench.methods.attention import (
    HARDNESS,
    exact_attention,
    exponential_polynomial,
    factored_attention,
)
from workbench.methods.attention import hardness as study
from workbench.methods.attention.hardness_instance import HALF_RANGE, plant, signal_gap
from workbench.methods.catalog import find_study
from workbench.params import parse
from workbench.server.api import canonical_json

MAXIMUM_PAYLOAD_BYTES = 1_500_000


def measure(**values: object) -> study.Result:
    params = parse(study.Params, values)
    return study.compute(study.gather(None, params), params)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def result() -> study.Result:
    return measure()


def test_the_study_is_found_by_its_name() -> None:
    assert find_study("attention.hardness") is HARDNESS


def test_the_planted_pair_has_its_distance_and_is_the_nearest() -> None:
    instance = plant(tokens=64, bits=64, distance=4, seed=3)
    by_hand = [[int((left != right).sum()) for right in instance.right] for left in instance.left]
    assert instance.distances.tolist() == by_hand
    assert by_hand[instance.query][instance.key] == 4 == instance.distances.min()


def test_entries_are_zero_and_b_and_half_of_the_keys_are_dummies() -> None:
    instance = plant(tokens=32, bits=16, distance=1, seed=0)
    assert set(np.unique(instance.queries)) == set(np.unique(instance.keys)) == {0.0, 1.0}
    assert instance.queries.shape == (32, 64)
    assert instance.keys.shape == (64, 64)
    assert instance.values[:, 0].tolist() == [1.0] * 32 + [0.0] * 32
    dummies = instance.queries @ instance.keys[32:].T / 64
    assert np.unique(dummies).tolist() == [instance.dummy_score]


def test_row_sums_recovered_from_attention_are_those_of_brute_force(result: study.Result) -> None:
    instance = study.gather(None, result.params)  # type: ignore[arg-type]
    n, d = result.params.tokens, instance.queries.shape[1]
    for b in (3, 15, 23):
        bound_b = float(result.sweep.bounds_b[b])
        for query in (0, result.query):
            equal = [
                sum(int(x == y) for x, y in zip(instance.left[query], one, strict=True))
                for one in instance.right
            ]
            real = sum(math.exp(bound_b**2 * count / d) for count in equal)
            unrelated = n * math.exp(bound_b**2 * instance.dummy_score)
            assert result.sweep.row_sums[b, query] == pytest.approx(real / unrelated, rel=1e-8)


def test_the_signal_crosses_the_background_where_the_formula_says(result: study.Result) -> None:
    n = result.params.tokens
    assert math.exp(result.crossing_b**2 * result.gap_delta) == pytest.approx(n)
    # Measured: the hidden row's sum without its pair, and with it, on either side of the formula.
    instance = study.gather(None, result.params)  # type: ignore[arg-type]
    without = instance.values.copy()
    without[instance.key] = 0.0

    def share_of_pair(bound_b: float) -> float:
        q, k = bound_b * instance.queries[[instance.query]], bound_b * instance.keys
        whole = float(exact_attention(q, k, instance.values)[0, 0])
        return 1.0 - float(exact_attention(q, k, without)[0, 0]) / whole

    assert share_of_pair(0.93 * result.crossing_b) < 0.5 < share_of_pair(1.07 * result.crossing_b)


def test_the_crossing_is_a_constant_times_the_root_of_ln_n_whatever_n() -> None:
    constants = [measure(tokens=n).crossing_b / math.sqrt(math.log(n)) for n in (64, 128, 256)]
    np.testing.assert_allclose(constants, 1.0 / math.sqrt(signal_gap(64, 4)), rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_pair_drowns_at_small_b_and_stands_out_past_the_crossing(seed: int) -> None:
    found = measure(seed=seed, tokens=192)
    sweep = found.sweep
    assert sweep.gaps[sweep.bounds_b <= 0.6 * found.crossing_b].max() < 0.0
    past = (sweep.bounds_b >= found.crossing_b) & (sweep.bounds_b <= 1.4 * found.crossing_b)
    assert sweep.gaps[past].min() > 0.02


def test_polynomial_errors_are_those_of_the_factored_path() -> None:
    """Centring by one more coordinate, so that P meets the same scores in factored form."""
    instance = plant(tokens=12, bits=2, distance=0, seed=1)
    bound_b, degree, d = 2.5, 4, 8
    queries, keys = bound_b * instance.queries, bound_b * instance.keys
    outputs = exact_attention(queries, keys, instance.values)[:, 0]
    found = study.polynomial_errors(instance, outputs[None], np.array([bound_b]), [degree])[0, 0]
    shift = bound_b * math.sqrt(d * instance.dummy_score)
    stretch = math.sqrt((d + 1) / d)
    longer = [
        stretch * np.hstack([x, np.full((len(x), 1), sign * shift)])
        for x, sign in ((queries, 1.0), (keys, -1.0))
    ]
    polynomial = exponential_polynomial(bound_b**2 * HALF_RANGE, degree=degree, kind="chebyshev")
    factored, _ = factored_attention(*longer, instance.values, polynomial)
    assert found == pytest.approx(np.abs(factored[:, 0] - outputs).max(), rel=1e-9)


def test_a_higher_degree_keeps_the_pair_visible_further(result: study.Result) -> None:
    sweep = result.sweep
    allowed = np.where(sweep.gaps > 0.0, sweep.gaps / 2.0, 0.0)
    reach = [(errors < allowed).sum() for errors in sweep.errors]
    assert reach == sorted(reach)
    assert reach[0] == 0
    assert reach[-1] >= 12


def test_the_summary_is_flat_finite_json(result: study.Result) -> None:
    summary = HARDNESS.summarise(result)
    canonical_json(dict(summary))
    assert summary["is_visible"]
    assert summary["crossing_b"] == pytest.approx(math.sqrt(math.log(256) / (28 / 256)))
    assert summary["nearest_other_distance"] > 4


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tokens": 100_000}, "64 to 512"),
        ({"bits": 4_096}, "32 to 128"),
        ({"distance": 40}, "0 to 12"),
        ({"bits": 33}, "even number of bits"),
    ],
)
def test_instances_that_cannot_be_are_refused(values: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        measure(**values)


def test_a_distance_that_hides_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="below half"):
        plant(tokens=4, bits=8, distance=4, seed=0)


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize("draw", [draw_hidden_pair, draw_margin])
def test_figures_follow_every_position_and_stay_small(draw, result: study.Result) -> None:
    figure: LiveFigure = draw(result)
    assert figure.axes["bound_b"] == study.BOUND_B.positions()
    assert figure.axes["degree"] == study.DEGREE.positions()
    assert len(json.dumps(figure.payload(), allow_nan=False)) < MAXIMUM_PAYLOAD_BYTES / 3
    for bound_b, degree in ((0.5, 2), (4.0, 8), (8.0, 16), (12.0, 24)):
        assert isinstance(figure.at(bound_b=bound_b, degree=degree), go.Figure)
        assert f"B = {bound_b:.1f}" in figure.words_at(bound_b=bound_b, degree=degree)


def test_words_say_whether_the_pair_is_seen_and_whether_it_would_survive(
    result: study.Result,
) -> None:
    hidden, margin = draw_hidden_pair(result), draw_margin(result)
    assert "the pair drowns" in hidden.words_at(bound_b=4.0, degree=8)
    assert "the pair is found" in hidden.words_at(bound_b=8.0, degree=8)
    assert "does not show the pair" in margin.words_at(bound_b=4.0, degree=8)
    assert "may be lost. Degree 10 is enough" in margin.words_at(bound_b=8.0, degree=8)
    assert "is still seen" in margin.words_at(bound_b=8.0, degree=12)


def test_the_markers_stand_where_the_numbers_are(result: study.Result) -> None:
    drawn = draw_hidden_pair(result).at(bound_b=8.0, degree=8)
    assert drawn.data[1].x[0] == result.query + 1
    assert drawn.data[1].y[0] == result.sweep.row_sums[15, result.query]
    assert len(drawn.data[0].y) == result.params.tokens - 1
    assert drawn.data[5].y[0] == pytest.approx(math.exp(64 * result.gap_delta))
    assert {t.meta for t in drawn.data[2:5]} == {"pick"}
    drawn = draw_margin(result).at(bound_b=8.0, degree=8)
    assert drawn.data[3].y[0] == result.sweep.errors[3, 15]
