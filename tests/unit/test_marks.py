"""Lines, points and labels that every figure draws the same way."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.marks import add_label, add_line, add_points, segments, thrice


def test_every_mark_is_found_again_by_its_number() -> None:
    figure = go.Figure()
    numbers = [
        add_line(figure, x=[0, 1], y=[0, 1], color="black", name="a line"),
        add_points(figure, x=[0], y=[0], color="black", name="points"),
    ]
    assert [figure.data[number].name for number in numbers] == ["a line", "points"]


def test_marks_stand_in_the_panel_that_is_named() -> None:
    figure = make_subplots(rows=1, cols=2)
    number = add_line(figure, 1, 2, x=[0, 1], y=[0, 1], color="black")
    assert figure.data[number].xaxis == "x2"
    add_label(figure, 1, 2, "here", x=1, y=1, color="black")
    assert figure.layout.annotations[0].xref == "x2"
    assert figure.layout.annotations[0].text == "here"


def test_what_has_no_name_stands_in_no_legend() -> None:
    figure = go.Figure()
    add_line(figure, x=[0, 1], y=[0, 1], color="black")
    add_points(figure, x=[0], y=[0], color="black", name="named")
    assert [trace.showlegend for trace in figure.data] == [False, None]


def test_points_show_their_text_unless_told_otherwise() -> None:
    figure = go.Figure()
    add_points(figure, x=[0], y=[0], color="black", text=["a"])
    add_points(figure, x=[0], y=[0], color="black", text=["a"], mode="markers")
    assert [trace.mode for trace in figure.data] == ["markers+text", "markers"]


def test_strokes_are_parted_by_gaps_where_they_stand() -> None:
    low, high = np.array([[1.0, 3.0], [5.0, 7.0]]), np.array([[2.0, 4.0], [6.0, 8.0]])
    found = segments(low, high)
    np.testing.assert_array_equal(found[0], [1.0, 2.0, np.nan, 3.0, 4.0, np.nan])
    assert found.shape == (2, 6)
    assert thrice([10, 20]).tolist() == [10.0, 10.0, 10.0, 20.0, 20.0, 20.0]
