"""The polynomial beside e^x, and where its error goes up and down."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.attention.wording import (
    IN_SENTENCE,
    KIND_COLOURS,
    log_ticks,
    say_number,
)
from workbench.figures.live import LiveFigure, Slot, over_positions
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.attention.microscope import Microscope, Params
from workbench.methods.attention.polynomial import KINDS

AXES = ("kind", "log10_tolerance", "bound_b")


def draw_polynomial(result: Microscope) -> LiveFigure:
    """e^x and P on a logarithmic axis, where e^x is a straight line, and ``P / e^x - 1``.

    The error is drawn as a share of the certified ε, so its shape is seen at every accuracy. Where
    P is negative it has no logarithm: its curve ends, and a band marks the place.
    """
    bound = result.bounds_b**2
    scores = bound[:, None] * result.position
    figure = make_subplots(1, 2, horizontal_spacing=0.13)
    # Points left of a negative stretch must not be joined across it.
    polynomial = np.where(result.polynomial > 0.0, result.polynomial, np.nan)
    share = (result.error / result.relative_error[..., None]).astype(np.float16)  # within ±1
    peaks = result.peak_error / result.relative_error[..., None]
    for name, values, style, column in (
        ("eˣ", result.exponential[0], {"color": PALETTE["exact"], "width": 6}, 1),
        ("P(x)", polynomial[0, 0, 0], {"color": PALETTE["blue"], "width": 3}, 1),
        ("error", share[0, 0, 0], {"color": PALETTE["blue"], "width": 3}, 2),
    ):
        figure.add_scatter(
            x=scores[0],
            y=values,
            name=name,
            mode="lines",
            line=style,
            showlegend=column == 1,
            hovertemplate=f"{name} at %{{x:.2f}}: %{{y:.3g}}<extra></extra>",
            row=1,
            col=column,
        )
    figure.add_scatter(
        x=result.peak_position[0, 0, 0],
        y=peaks[0, 0, 0],
        name="largest errors",
        mode="markers",
        marker={"color": PALETTE["blue"], "size": 11, "line": {"color": "white", "width": 1.5}},
        showlegend=False,
        hovertemplate="at %{x:.2f}: %{y:.3f} ε<extra></extra>",
        row=1,
        col=2,
    )
    _lay_out(figure)
    slots = [Slot(f"data[{i}].x", ("bound_b",), scores) for i in range(3)]
    slots += [
        Slot("data[0].y", ("bound_b",), result.exponential),
        Slot("data[1].y", AXES, polynomial),
        Slot("data[2].y", AXES, share),
        Slot("data[3].x", AXES, bound[:, None] * result.peak_position),
        Slot("data[3].y", AXES, peaks),
        Slot(
            "layout.annotations[0].text",
            AXES,
            over_positions(
                result.degrees.shape,
                lambda k, t, b: f"ε = {say_number(float(result.relative_error[k, t, b]))}",
            ),
        ),
        *_colour_slots(),
        *_range_slots(bound),
        *_band_slots(result),
    ]
    words = over_positions(result.degrees.shape, lambda k, t, b: _say(result, k, t, b))
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", AXES, words))


def _colour_slots() -> list[Slot]:
    colours = [KIND_COLOURS[kind] for kind in KINDS]
    lines = [Slot(f"data[{i}].line.color", ("kind",), colours) for i in (1, 2)]
    return [*lines, Slot("data[3].marker.color", ("kind",), colours)]


def _range_slots(bound: np.ndarray) -> list[Slot]:
    """The axes follow B, so that the curves always fill their panel."""
    reach = 1.06 * bound / np.log(10.0) + 0.05
    ends = {"range[0]": -1.03 * bound, "range[1]": 1.03 * bound}
    return [
        *(
            Slot(f"layout.{axis}.{end}", ("bound_b",), values)
            for axis in ("xaxis", "xaxis2")
            for end, values in ends.items()
        ),
        Slot("layout.yaxis.range[0]", ("bound_b",), -reach),
        Slot("layout.yaxis.range[1]", ("bound_b",), reach),
    ]


def _band_slots(result: Microscope) -> list[Slot]:
    """The stretch of scores in which P is negative; without one, a band of no width."""
    bound = result.bounds_b**2
    outside = np.broadcast_to(-2.0 * bound, result.negative_from.shape)
    absent = np.isnan(result.negative_from)
    margin = 0.004 * bound  # a single drawn point still gets a visible band
    left = np.where(absent, outside, result.negative_from - margin)
    right = np.where(absent, outside, result.negative_to + margin)
    return [Slot("layout.shapes[0].x0", AXES, left), Slot("layout.shapes[0].x1", AXES, right)]


def _lay_out(figure: go.Figure) -> None:
    band = {"type": "rect", "xref": "x", "yref": "y domain", "x0": -2.0, "x1": -2.0}
    band |= {"y0": 0.0, "y1": 1.0, "opacity": 0.22, "line": {"width": 0}, "layer": "below"}
    limit: dict[str, Any] = {"type": "line", "xref": "x2 domain", "yref": "y2", "x0": 0, "x1": 1}
    limit["line"] = {"color": PALETTE["threshold"], "dash": "dash", "width": 2}
    figure.update_layout(
        template=TEMPLATE,
        height=460,
        margin={"t": 60},
        shapes=[
            band | {"fillcolor": PALETTE["danger"]},
            *(limit | {"y0": height, "y1": height} for height in (-1.0, 1.0)),
        ],
        annotations=[
            {
                "xref": "x2 domain",
                "yref": "y2",
                "x": 0.5,
                "y": 1.0,
                "yanchor": "bottom",
                "text": "",
                "showarrow": False,
                "font": {"color": PALETTE["threshold"], "size": 15},
            }
        ],
    )
    figure.update_xaxes(title_text="score x, from −B² to B²", range=[-1.0, 1.0])
    figure.update_yaxes(
        title_text="value",
        type="log",
        range=[-1.0, 1.0],
        row=1,
        col=1,
        **log_ticks(-8, 8, 1, (1, 2, 5)),
    )
    figure.update_yaxes(
        title_text="relative error P(x) / eˣ − 1",
        range=[-1.3, 1.3],
        tickvals=[-1.0, -0.5, 0.0, 0.5, 1.0],
        ticktext=["−ε", "−ε/2", "0", "ε/2", "ε"],
        row=1,
        col=2,
    )


def say_share(epsilon: float) -> str:
    """A relative error in words: 0.85 %, 12 times the size."""
    if epsilon >= 2.0:
        return f"{say_number(epsilon)} times the size"
    if epsilon >= 0.001:
        return f"{say_number(100.0 * epsilon)} %"
    return f"a share {say_number(epsilon)}"


def _say(result: Microscope, k: int, t: int, b: int) -> str:
    bound, degree = float(result.bounds_b[b]) ** 2, int(result.degrees[k, t, b])
    others = [
        f"{IN_SENTENCE[kind]} {int(result.degrees[i, t, b])}"
        for i, kind in enumerate(KINDS)
        if i != k
    ]
    text = (
        f"B = {float(result.bounds_b[b]):.1f} lets scores reach ±{bound:.2f}. To stay within "
        f"{say_share(float(result.tolerances[t]))} of eˣ there, the {IN_SENTENCE[KINDS[k]]} "
        f"polynomial needs degree {degree} ({', '.join(others)})."
    )
    if not np.isnan(result.negative_from[k, t, b]):
        text += " In the red band it is negative: such attention weights mean nothing."
    touches = int(
        (np.abs(result.peak_error[k, t, b]) > 0.99 * result.relative_error[k, t, b]).sum()
    )
    if KINDS[k] == "minimax" and touches >= degree + 2:
        text += (
            f" Its error touches the same height {touches} times in turn, two more than its "
            "degree: by Chebyshev’s theorem no polynomial of this degree does better."
        )
    elif KINDS[k] == "taylor":
        text += " It is best around 0, where most scores lie, and worst at the left end."
    elif KINDS[k] == "chebyshev":
        text += " Its error is even in size, but eˣ is small on the left, so it weighs more there."
    return text
