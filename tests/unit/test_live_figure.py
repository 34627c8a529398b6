"""A live figure carries every position of its sliders, and any one of them on demand."""

import base64
import json

import numpy as np
import plotly.graph_objects as go
import pytest

from workbench.figures.live import LiveFigure, Slot

BOUNDS = [0.5, 1.0, 1.5]
KINDS = ["taylor", "minimax"]
CURVES = np.arange(3 * 2 * 4, dtype=float).reshape(3, 2, 4)


def live() -> LiveFigure:
    figure = go.Figure(
        [go.Scatter(x=np.arange(4), y=CURVES[0, 0])],
        {"title": {"text": "?"}, "shapes": [{"x0": 0.0, "x1": 0.0}], "template": "plotly"},
    )
    return LiveFigure(
        figure,
        axes={"bound_b": BOUNDS, "kind": KINDS},
        slots=(
            Slot("data[0].y", ("bound_b", "kind"), CURVES),
            Slot("layout.shapes[0].x0", ("bound_b",), np.array(BOUNDS)),
            Slot("layout.title.text", ("kind",), ["by Taylor", "by minimax"]),
        ),
        words=Slot("words", ("kind",), ["Taylor is shown.", "Minimax is shown."]),
    )


def test_a_position_picks_the_nearest_of_each_axis() -> None:
    figure = live().at(bound_b=1.1, kind="minimax")
    assert list(figure.data[0].y) == [12, 13, 14, 15]
    assert figure.layout.shapes[0].x0 == 1.0
    assert figure.layout.title.text == "by minimax"
    assert live().words_at(bound_b=1.1, kind="minimax") == "Minimax is shown."


def test_picking_a_position_leaves_the_figure_as_it_was() -> None:
    sweep = live()
    sweep.at(bound_b=1.5, kind="taylor")
    assert sweep.figure.layout.title.text == "?"


def test_a_missing_parameter_is_an_error() -> None:
    with pytest.raises(KeyError):
        live().at(bound_b=1.0)


def test_the_payload_is_plain_json_with_the_sweep_in_order() -> None:
    payload = json.loads(json.dumps(live().payload(), allow_nan=False))
    slot = payload["slots"][0]
    numbers = np.frombuffer(base64.b64decode(slot["base64"]), "<f4").reshape(slot["shape"])
    np.testing.assert_array_equal(numbers, CURVES)
    assert payload["slots"][2]["texts"] == ["by Taylor", "by minimax"]
    assert payload["axes"] == {"bound_b": BOUNDS, "kind": KINDS}
    assert "template" not in payload["figure"]["layout"]


def test_large_arrays_travel_as_float32_bytes() -> None:
    x = np.linspace(0, 1, 1000)
    payload = LiveFigure(go.Figure([go.Scatter(x=x, y=x)])).payload()
    sent = payload["figure"]["data"][0]["x"]
    np.testing.assert_allclose(np.frombuffer(base64.b64decode(sent["base64"]), "<f4"), x, atol=1e-7)


def test_a_sweep_of_the_wrong_shape_is_refused() -> None:
    wrong = LiveFigure(go.Figure(), {"bound_b": BOUNDS}, (Slot("a", ("bound_b",), np.ones(2)),))
    with pytest.raises(ValueError, match=r"does not start with \[3\]"):
        wrong.payload()
