"""The matrices of the first tokens, and the sum of one cell as it grows."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from workbench.figures.attention import draw_matrices
from workbench.methods.attention import (
    MATRICES,
    exact_attention,
    exponential_polynomial,
    factored_attention,
)
from workbench.methods.attention import matrices as study
from workbench.methods.attention.polynomial import KINDS
from workbench.study import execute

MAXIMUM_PAYLOAD_BYTES = 1_500_000
PARAMS = study.Params(tokens=48, dimension=3, query=2, key=5)


@pytest.fixture(scope="module")
def inputs() -> study.Inputs:
    return study.gather(None, PARAMS)  # type: ignore[arg-type]  # asks nobody


@pytest.fixture(scope="module")
def result(inputs: study.Inputs) -> study.Result:
    return study.compute(inputs, PARAMS)


@pytest.mark.parametrize("place", [(0, 1, 2), (1, 5, 9), (2, 7, 14)])
def test_weights_and_outputs_are_those_of_attention(
    inputs: study.Inputs, result: study.Result, place: tuple[int, int, int]
) -> None:
    k, g, b = place
    bound_b = float(result.bounds_b[b])
    queries, keys = bound_b * inputs.queries, bound_b * inputs.keys
    scores = queries @ keys.T / 3
    polynomial = exponential_polynomial(bound_b**2, degree=int(result.degrees[g]), kind=KINDS[k])
    exact, approximate = np.exp(scores), polynomial(scores)
    np.testing.assert_allclose(
        result.exact[b], (exact / exact.sum(axis=1, keepdims=True))[:12, :12], rtol=1e-10
    )
    np.testing.assert_allclose(
        result.approximate[place],
        (approximate / approximate.sum(axis=1, keepdims=True))[:12, :12],
        rtol=1e-6,
        atol=1e-9,
    )
    np.testing.assert_allclose(
        result.exact_output[b], exact_attention(queries, keys, inputs.values)[:12], rtol=1e-9
    )
    factored, _ = factored_attention(queries, keys, inputs.values, polynomial)
    np.testing.assert_allclose(
        result.approximate_output[place], factored[:12], rtol=1e-6, atol=1e-8
    )


def test_the_chosen_cell_is_summed_power_by_power_up_to_the_polynomial(
    inputs: study.Inputs, result: study.Result
) -> None:
    b = 9  # B = 2
    score = 4.0 * float(inputs.queries[1] @ inputs.keys[4]) / 3
    assert result.score[b] == pytest.approx(score)
    # Taylor's sums have a closed form of their own.
    terms = np.cumsum([score**j / float(np.prod(np.arange(1, j + 1))) for j in range(13)])
    np.testing.assert_allclose(result.partial_sums[0, 11, b], terms, rtol=1e-10)
    for k, kind in enumerate(KINDS):
        polynomial = exponential_polynomial(4.0, degree=6, kind=kind)
        powers = polynomial.power * score ** np.arange(7)
        np.testing.assert_allclose(
            result.partial_sums[k, 5, b, :7], np.cumsum(powers), rtol=1e-7, atol=1e-10
        )
        assert result.partial_sums[k, 5, b, 6] == pytest.approx(float(polynomial(score)))
        assert np.isnan(result.partial_sums[k, 5, b, 7:]).all()


def test_the_summary_is_of_the_chosen_cell() -> None:
    outcome = execute(MATRICES, None, PARAMS)  # type: ignore[arg-type]
    score = outcome.summary["score"]
    assert outcome.summary["exponential"] == pytest.approx(float(np.exp(score)))
    polynomial = exponential_polynomial(4.0, degree=6, kind="chebyshev")
    assert outcome.summary["polynomial"] == pytest.approx(float(polynomial(score)), rel=1e-7)
    json.dumps(outcome.summary, allow_nan=False)


def test_the_figure_shows_percent_their_difference_and_the_error_of_the_output(
    result: study.Result,
) -> None:
    figure = draw_matrices(result)
    drawn = figure.at(kind="taylor", degree=4, bound_b=3.0)
    exact, approximate, difference, output = (np.array(t.z) for t in drawn.data[:4])
    np.testing.assert_allclose(exact, 100 * result.exact[14], rtol=1e-6)
    np.testing.assert_allclose(difference, approximate - exact, rtol=4e-3, atol=4e-3)
    np.testing.assert_allclose(
        output, result.approximate_output[0, 3, 14] - result.exact_output[14], atol=2e-3
    )
    assert drawn.layout.coloraxis.cmax == pytest.approx(exact.max())
    for ring in drawn.data[4:7]:
        assert (ring.x, ring.y) == ((5,), (2,))
    assert "Query 2, key 5" in drawn.layout.annotations[4].text
    # the sum ends at the polynomial's value, as a share of e^x
    share = result.partial_sums[0, 3, 14, 4] / np.exp(result.score[14])
    assert drawn.data[8].y[4] == pytest.approx(share)


def test_only_weights_answer_to_a_click(result: study.Result) -> None:
    assert [trace.meta for trace in draw_matrices(result).figure.data[:4]] == [
        "pick", "pick", "pick", "",
    ]  # fmt: skip


def test_matrices_travel_in_half_precision_and_stay_small(result: study.Result) -> None:
    figure = draw_matrices(result)
    payload = figure.payload()
    sent = payload["slots"][1]
    assert sent["dtype"] == "float16"
    values = np.frombuffer(base64.b64decode(sent["base64"]), "<f2").reshape(sent["shape"])
    np.testing.assert_array_equal(values, figure.slots[1].values)
    assert len(json.dumps(payload, allow_nan=False)) < MAXIMUM_PAYLOAD_BYTES
