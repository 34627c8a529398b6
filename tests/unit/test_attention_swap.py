"""What stands in for a head, the projection before it, and what the page says of the effect."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.live_positions import every_position
from workbench.errors import InputError
from workbench.figures.attention import draw_next_word, draw_texts
from workbench.methods.attention import KINDS, SWAP, exponential_polynomial, rank
from workbench.methods.attention import swap as study
from workbench.methods.attention.causal import (
    average_values,
    causal_factored_attention,
    causal_mask,
    exponential_weights,
)
from workbench.methods.attention.projection import fit_projection
from workbench.methods.attention.stand_ins import (
    BASELINES,
    baseline,
    calibrate,
    can_fit,
    polynomial_stand_in,
)
from workbench.methods.catalog import find_study
from workbench.params import parse
from workbench.server.api import canonical_json


def random_head(seed: int, *, tokens: int = 12, d: int = 6) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    return tuple(random.normal(size=(tokens, d)) + random.normal(size=d) for _ in range(3))


# ---------------------------------------------------------------- projection and stand-ins


@given(seed=st.integers(0, 1_000), tokens=st.integers(2, 12), dimension=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_no_matrix_of_the_same_rank_is_nearer_to_the_scores(
    seed: int, tokens: int, dimension: int
) -> None:
    q, k, _ = random_head(seed, tokens=tokens)
    projection = fit_projection(q, k, scale=0.4, dimension=dimension)
    scores = 0.4 * q @ (k - k.mean(axis=0)).T
    u, s, w = np.linalg.svd(scores, full_matrices=False)  # Eckart and Young 1936
    best = (u[:, :dimension] * s[:dimension]) @ w[:dimension]
    np.testing.assert_allclose(projection.scores(q, k), best, atol=1e-9 * max(1.0, s[0]))
    expected = (s[:dimension] ** 2).sum() / (s**2).sum()
    assert projection.kept == pytest.approx(expected, abs=1e-9)


def test_the_projection_serves_tokens_it_has_not_seen() -> None:
    q, k, _ = random_head(3, tokens=40)
    projection = fit_projection(q[:20], k[:20], scale=0.4, dimension=6)
    centred = k - k[:20].mean(axis=0)
    np.testing.assert_allclose(projection.scores(q, k), 0.4 * q @ centred.T, atol=1e-9)


def test_a_head_without_any_score_is_projected_to_none() -> None:
    q, k, _ = random_head(1)
    projection = fit_projection(q, np.tile(k[:1], (12, 1)), scale=1.0, dimension=3)
    np.testing.assert_allclose(projection.scores(q, k[:1]), 0.0, atol=1e-9)
    assert fit_projection(0 * q, k, scale=1.0, dimension=3).kept == 1.0


@given(
    seed=st.integers(0, 1_000),
    tokens=st.sampled_from([1, 2, 63, 64, 65, 130]),
    degree=st.integers(0, 5),
    kind=st.sampled_from(KINDS),
)
@settings(max_examples=30, deadline=None)
def test_running_sums_of_the_factors_give_what_the_scores_give(
    seed: int, tokens: int, degree: int, kind: str
) -> None:
    random = np.random.default_rng(seed)
    q, k, v = (random.uniform(-1.0, 1.0, (tokens, 3)) for _ in range(3))
    polynomial = exponential_polynomial(1.0, degree=degree, kind=kind)
    weights = np.where(causal_mask(tokens, tokens), polynomial(q @ k.T / 3), 0.0)
    output, sums = causal_factored_attention(q, k, v, polynomial)
    np.testing.assert_allclose(sums, weights.sum(axis=1), rtol=1e-10)
    np.testing.assert_allclose(output, average_values(weights, v), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_high_degree_is_the_exponential_and_a_low_one_is_not(kind: str) -> None:
    q, k, v = random_head(5)
    allowed = causal_mask(12, 12)
    expected = average_values(exponential_weights(0.4 * q @ k.T, allowed), v)
    calibration = calibrate(q, k, scale=0.4, dimension=6)

    def error(degree: int) -> float:
        weights = polynomial_stand_in(calibration, kind=kind, degree=degree)(q, k, allowed)
        assert (weights[~allowed] == 0.0).all()
        return float(np.abs(average_values(weights, v) - expected).max())

    assert error(30) < 1e-8 < 1e-3 < error(2)


def test_baselines_are_what_they_are_called() -> None:
    q, k, v = random_head(2)
    allowed = causal_mask(12, 12)
    calibration = calibrate(q, k, scale=0.4, dimension=6)
    output = {
        name: average_values(baseline(calibration, name)(q, k, allowed), v) for name in BASELINES
    }
    np.testing.assert_allclose(output["mean"][4], v[:5].mean(axis=0))
    assert (output["zero"] == 0.0).all()
    expected = average_values(exponential_weights(0.4 * q @ k.T, allowed), v)
    np.testing.assert_allclose(output["projected"], expected, atol=1e-9)


def test_minimax_is_not_fitted_where_rounding_hides_its_error() -> None:
    q, k, _ = random_head(2)
    wide = calibrate(q, k, scale=100.0, dimension=6)
    assert [can_fit(wide, kind) for kind in KINDS] == [True, True, False]
    assert can_fit(calibrate(q, k, scale=0.1, dimension=6), "minimax")


def test_a_later_query_sees_every_key() -> None:
    assert causal_mask(2, 4).tolist() == [[True, True, True, False], [True] * 4]


# ---------------------------------------------------------------- the study


def inputs(**changes: object) -> study.Inputs:
    random = np.random.default_rng(0)
    rows, tokens = len(KINDS) * len(study.DEGREES) + len(BASELINES), 9
    divergence = random.uniform(1e-3, 2e-3, (rows, tokens)).astype(np.float32)
    divergence[-1] = 0.5  # without the head
    return study.Inputs(
        **{
            "divergence": divergence,
            "agreement": (*(1.0,) * (rows - 1), 6 / 9),
            "output_error": np.full(rows, 0.25, dtype=np.float32),
            "negative_rows": (0,) * rows,
            "tokens": ("The", " <b>&", *(" tide",) * 7),
            "texts": (*("and the <i>sea</i>",) * (rows - 1), "but no", "and the <i>sea</i>"),
            "head_dimension": 64,
            "score_bound": 5.5,
            "kept": 0.97,
            **changes,
        }  # type: ignore[arg-type]
    )


def without_minimax() -> study.Inputs:
    good = inputs()
    missing = slice(2 * len(study.DEGREES), 3 * len(study.DEGREES))
    for array in (good.divergence, good.output_error):
        array[missing] = np.nan
    return inputs(divergence=good.divergence, output_error=good.output_error, score_bound=21.0)


def test_the_study_is_offered_by_name() -> None:
    assert find_study("attention.swap") is SWAP


def test_rows_are_named_in_the_order_they_were_asked_for() -> None:
    class Client:
        def call(self, request: object) -> object:
            asked.append(request)
            raise InputError("enough")

    asked: list = []
    with pytest.raises(InputError, match="enough"):
        SWAP.gather(Client(), study.Params())  # type: ignore[arg-type]
    pairs = [(one["kind"], one["degree"]) for one in asked[0].arguments["polynomials"]]
    result = SWAP.compute(inputs(divergence=np.arange(21 * 9.0).reshape(21, 9)), study.Params())
    assert list(result.polynomials) == pairs
    assert result.polynomials["chebyshev", 6].divergence[0] == 9.0 * pairs.index(("chebyshev", 6))
    assert result.baselines["zero"].max_divergence == 21 * 9.0 - 1.0
    assert result.ranks[4] == rank(4, 8) == 495


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [inputs, without_minimax])
def test_the_summary_is_flat_finite_json(make: object, kind: str) -> None:
    params = parse(study.Params, {"kind": kind})
    summary = SWAP.summarise(SWAP.compute(make(), params))  # type: ignore[operator]
    canonical_json(dict(summary))
    assert summary["rank"] == 495
    assert summary["zero_agreement"] == pytest.approx(6 / 9, abs=1e-6)
    assert summary["zero_writes_the_same"] is False
    missing = make is without_minimax and kind == "minimax"
    assert summary["is_available"] is not missing
    assert ("polynomial_mean_divergence" in summary) is not missing


@pytest.mark.parametrize("draw", [draw_next_word, draw_texts])
@pytest.mark.parametrize("make", [inputs, without_minimax])
def test_figures_follow_every_position_of_the_controls(draw: object, make: object) -> None:
    result = SWAP.compute(make(), study.Params())  # type: ignore[operator]
    figure = draw(result)  # type: ignore[operator]
    assert dict(figure.axes) == every_position(study.Params)
    for kind in KINDS:
        for degree in study.DEGREES:
            figure.at(kind=kind, degree=degree)
            assert len(figure.words_at(kind=kind, degree=degree)) > 60
    assert len(json.dumps(figure.payload(), allow_nan=False)) < 100_000


def test_the_marker_stands_on_the_mean_of_the_drawn_curve() -> None:
    result = SWAP.compute(inputs(), study.Params())
    drawn = draw_next_word(result).at(kind="minimax", degree=6)
    curve = next(trace for trace in drawn.data if trace.name == "Minimax, degree 6")
    marker = next(trace for trace in drawn.data if trace.name == "chosen")
    assert marker.x[0] == 6.0
    assert marker.y[0] == pytest.approx(np.mean(curve.y), rel=1e-6)


def test_words_tell_a_head_that_matters_from_one_that_does_not() -> None:
    def words(**changes: object) -> str:
        result = SWAP.compute(inputs(**changes), study.Params())
        return draw_next_word(result).words_at(kind="taylor", degree=4)

    assert "the head matters" in words()
    assert "nothing is saved" in words()
    assert "off by 25\N{NO-BREAK SPACE}%" in words()
    negative = words(negative_rows=(7,) * 21, output_error=np.full(21, 37.0))
    assert "At 7 of 9 positions its weights sum to less than 0" in negative
    assert "off by 37 times its size" in negative
    assert "so does removing it" in words(agreement=(1.0,) * 21)
    assert "worse than no head" in words(divergence=np.linspace(1, 0, 21 * 9).reshape(21, 9))
    missing = draw_next_word(SWAP.compute(without_minimax(), study.Params()))
    assert "rounding hides" in missing.words_at(kind="minimax", degree=4)
    assert "the head matters" in missing.words_at(kind="chebyshev", degree=4)


def test_a_text_is_bold_from_where_it_differs_and_cannot_write_markup() -> None:
    notes = draw_texts(SWAP.compute(inputs(), study.Params())).figure.layout.annotations
    shown = [note.text for note in notes]
    assert "and the &lt;i&gt;sea&lt;/i&gt;" in shown
    assert "<b>but</b> <b>no</b>" in shown
    assert not any("<i>" in text for text in shown)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"layer": 64}, "Layer is 64; choose a whole number from 0 to 63"),
        ({"dimension": 17}, "from 1 to 16"),
        ({"degree": 13}, "from 2 to 12"),
        ({"text": " "}, "empty"),
        ({"text": "a" * 4_001}, "at most 4,000"),
    ],
)
def test_parameters_out_of_range_are_refused(values: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(study.Params, values)
