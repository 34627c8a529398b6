"""The symmetry lab: B step by step, and the channels that make it large."""

from __future__ import annotations

import itertools
import math

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.attention.wording import log_ticks, say_number
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import keep_together
from workbench.methods.attention.symmetry_lab import Params, Result, State

FLAGS = ("balance", "balance_channels", "centre", "rotate")
"""The live controls, in the order in which the steps are drawn."""
STEPS = ("as it is", "balanced", "each<br>channel", "centred", "rotated")
WORDS = {
    "balance": "queries and keys balanced",
    "balance_channels": "each channel balanced",
    "centre": "the keys centred",
    "rotate": "both rotated",
}
OFF_OPACITY = 0.3


def draw_symmetries(result: Result) -> LiveFigure:
    """B after each step that is switched on, above its floor √a; beside it every channel's share.

    The output of the attention is the same in all sixteen positions; the words say by how much it
    differs.
    """
    figure = make_subplots(1, 2, column_widths=[0.52, 0.48], horizontal_spacing=0.1)
    slots = [*_add_steps(figure, result), *_add_channels(figure, result)]
    states = result.states.values()
    low = min(result.threshold_b, *(math.sqrt(max(s.largest_score, 1e-4)) for s in states))
    high = max(state.bound for state in states)
    figure.update_layout(
        template=TEMPLATE,
        height=470,
        margin={"t": 30, "r": 20, "b": 70},
        showlegend=False,
    )
    figure.update_xaxes(
        tickvals=list(range(5)),
        ticktext=STEPS,
        range=[-0.5, 4.5],
        showgrid=False,
        row=1,
        col=1,
    )
    figure.update_xaxes(title_text="channel", showgrid=False, row=1, col=2)
    figure.update_yaxes(
        title_text="largest entry B",
        type="log",
        range=[math.log10(low) - 0.2, math.log10(max(high, 2 * low)) + 0.15],
        row=1,
        col=1,
        **log_ticks(-4, 6, 1, (1, 2, 5)),
    )
    figure.update_yaxes(
        title_text="largest entry of each channel", range=[0.0, 1.05 * high], row=1, col=2
    )
    words = _nest([_say(result, on) for on in _positions()])
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", FLAGS, words))


def _add_steps(figure: go.Figure, result: Result) -> list[Slot]:
    bounds = np.array([[_state(result, part).bound for part in _steps(on)] for on in _positions()])
    floors = np.sqrt(
        [[_state(result, part).largest_score for part in _steps(on)] for on in _positions()]
    )
    figure.add_scatter(
        x=list(range(5)),
        y=bounds[0],
        name="B",
        mode="lines+markers+text",
        line={"color": PALETTE["blue"], "width": 3},
        marker={"color": PALETTE["blue"], "size": 18, "opacity": [1.0] * 5},
        text=[""] * 5,
        textposition="top center",
        textfont={"size": 17},
        cliponaxis=False,
        hovertemplate="B = %{y:.3g}<extra></extra>",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=[-0.45, 0.5, 1.5, 2.5, 3.5, 4.45],
        y=np.append(floors[0], floors[0, -1]),
        name="floor",
        mode="lines",
        line={"color": PALETTE["green"], "width": 3, "shape": "hv"},
        hovertemplate="√a = %{y:.3g}: no smaller B has these scores<extra></extra>",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=[-0.45, 4.45],
        y=[result.threshold_b, result.threshold_b],
        name="threshold",
        mode="lines",
        line={"color": PALETTE["threshold"], "width": 2, "dash": "longdash"},
        hoverinfo="skip",
        row=1,
        col=1,
    )
    for text, colour, height, x in (
        (f"√(ln n) = {result.threshold_b:.2f}", "threshold", result.threshold_b, 4.45),
        ("floor √a, from the scores", "green", float(floors[0, 0]), -0.45),
    ):
        figure.add_annotation(
            text=text,
            font={"color": PALETTE[colour]},
            x=x,
            xanchor="right" if x > 0 else "left",
            y=math.log10(max(height, 1e-6)),
            yanchor="bottom",
            showarrow=False,
            row=1,
            col=1,
        )
    opacity = np.array([[1.0, *(1.0 if f else OFF_OPACITY for f in on)] for on in _positions()])
    texts = [[f"{bound:.3g}" for bound in row] for row in bounds]
    return [
        Slot("data[0].y", FLAGS, _nest_array(bounds)),
        Slot("data[0].text", FLAGS, _nest(texts)),
        Slot("data[0].marker.opacity", FLAGS, _nest_array(opacity)),
        Slot("data[1].y", FLAGS, _nest_array(np.column_stack([floors, floors[:, -1]]))),
    ]


def _add_channels(figure: go.Figure, result: Result) -> list[Slot]:
    states = [_state(result, on) for on in _positions()]
    slots: list[Slot] = []
    channels = np.arange(result.dimension)
    for name, colour, values in (
        ("queries", PALETTE["blue"], [state.query_channels for state in states]),
        ("keys", PALETTE["vermilion"], [state.key_channels for state in states]),
    ):
        number = len(list(figure.data))
        figure.add_scatter(
            x=channels,
            y=values[0],
            name=name,
            mode="lines",
            line={"color": colour, "width": 2.5 if name == "queries" else 1.8, "shape": "hvh"},
            hovertemplate=f"{name}, channel %{{x}}: up to %{{y:.3g}}<extra></extra>",
            row=1,
            col=2,
        )
        slots.append(Slot(f"data[{number}].y", FLAGS, _nest_array(np.array(values))))
        figure.add_annotation(
            text=name,
            font={"color": colour},
            x=0.02 if name == "queries" else 0.2,
            xref="x2 domain",
            xanchor="left",
            y=1.0,
            yref="y2 domain",
            yanchor="bottom",
            showarrow=False,
        )
    return slots


Flags = tuple[bool, ...]


def _positions() -> list[Flags]:
    """All sixteen positions of ``FLAGS``, the last control fastest."""
    return list(itertools.product((False, True), repeat=len(FLAGS)))


def _steps(on: Flags) -> list[Flags]:
    """The controls as they stand after none, one, … of them has been applied."""
    return [tuple(f and i < count for i, f in enumerate(on)) for count in range(len(on) + 1)]


def _state(result: Result, on: Flags) -> State:
    by_name = dict(zip(FLAGS, on, strict=True))
    return result.states[
        by_name["centre"], by_name["rotate"], by_name["balance"], by_name["balance_channels"]
    ]


def _nest_array(values: np.ndarray) -> np.ndarray:
    return values.reshape(*[2] * len(FLAGS), *values.shape[1:])


def _nest(values: list) -> list:
    for _ in FLAGS[1:]:
        values = [values[i : i + 2] for i in range(0, len(values), 2)]
    return values


def _say(result: Result, on: Flags) -> str:
    raw, state = _state(result, (False,) * len(FLAGS)), _state(result, on)
    applied = [WORDS[flag] for flag, is_on in zip(FLAGS, on, strict=True) if is_on]
    floor = math.sqrt(state.largest_score)
    scores = (
        f"The largest score is {state.largest_score:.3g}, so no change that keeps the scores can "
        f"bring B below √a = {floor:.3g}"
    )
    if not applied:
        return keep_together(
            f"As it stands, the head's largest entry is B = {raw.bound:.3g}: B² allows scores of "
            f"{raw.bound**2:,.0f}. {scores}. Switch the symmetries on: the attention stays the "
            "same."
        )
    moved = (
        f" (centring moved it from {raw.largest_score:.3g}; half the widest row range, "
        f"{state.half_range:.3g}, no symmetry moves)"
        if on[FLAGS.index("centre")]
        else ""
    )
    fell = "falls" if state.bound < raw.bound else "goes"
    return keep_together(
        f"With {_join(applied)}, B {fell} from {raw.bound:.3g} to {state.bound:.3g}; the threshold "
        f"is {result.threshold_b:.2f}. The exact output changes by at most "
        f"{say_number(state.output_change)}, rounding in float64, where values reach "
        f"{result.largest_value:.2g}. {scores}{moved}."
    )


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
