"""Outlines and names on a picture: where they stand, and that they are seen on any ground."""

from __future__ import annotations

import base64
import io

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure
from workbench.figures.visionllm.picture import (
    LONGEST_PX,
    add_names,
    add_outlines,
    add_picture,
    corners,
    entry_colour,
    strokes,
)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (40, 20), (1, 7), (900, 333), (31, 2000)])
def test_a_picture_of_any_size_fills_the_unit_square_and_keeps_its_shape(
    height: int, width: int
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    figure = make_subplots(1, 2)
    number = add_picture(figure, pixels, 1, 2)
    image = figure.to_plotly_json()["data"][number]
    sent = Image.open(io.BytesIO(base64.b64decode(image["source"].split(",")[1])))
    assert max(sent.size) <= LONGEST_PX
    for (first, step), count in zip(
        ((image["x0"], image["dx"]), (image["y0"], image["dy"])), sent.size, strict=True
    ):
        assert first - step / 2 == pytest.approx(0)
        assert first + (count - 0.5) * step == pytest.approx(1)
    axis = figure.layout["yaxis2"]
    assert axis["scaleanchor"] == "x2"
    assert axis["scaleratio"] == pytest.approx(height / width)
    assert list(axis["range"]) == [1, 0]


def test_a_small_picture_keeps_every_pixel() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    figure = go.Figure()
    add_picture(figure, pixels)
    source = figure.to_plotly_json()["data"][0]["source"]
    sent = Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))
    np.testing.assert_array_equal(np.asarray(sent), pixels)


def test_a_box_is_drawn_along_its_four_edges_and_closed() -> None:
    x, y = strokes(corners(np.array([[0.1, 0.2, 0.5, 0.9], [np.nan] * 4])))
    np.testing.assert_array_equal(x[:5], [0.1, 0.5, 0.5, 0.1, 0.1])
    np.testing.assert_array_equal(y[:5], [0.2, 0.2, 0.9, 0.9, 0.2])
    assert np.isnan(x[5:]).all()
    many = corners(np.zeros((3, 2, 4)))
    assert strokes(many)[0].shape == (3, 2 * 6)


def test_outlines_have_a_dark_rim_and_names_a_dark_shadow() -> None:
    figure = go.Figure()
    add_picture(figure, np.zeros((8, 8, 3), dtype=np.uint8))
    rim, line = add_outlines(figure, corners(np.zeros((1, 4))), colour=entry_colour(0), name="dog")
    names = add_names(figure, np.zeros((1, 2)), ["dog"], colour=entry_colour(0))
    data = LiveFigure(figure).payload()["figure"]["data"]
    assert data[rim]["line"]["width"] > data[line]["line"]["width"]
    assert data[line]["name"] == "dog"
    assert "shadow" in data[names]["textfont"]
