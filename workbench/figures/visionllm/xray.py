"""Attention X-ray: from the class slot of a box to the names of the instruction."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points, segments, thrice
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE
from workbench.figures.visionllm.boxes_on_picture import Boxes, add_chosen_box
from workbench.figures.wording import join, say_percent
from workbench.methods.visionllm.xray import COUNT, Params, Result

AXIS = "box"


def draw_xray(result: Result) -> LiveFigure:
    """The picture, and where each head of the chosen box's class slot looks in the dictionary."""
    positions = live_axes(Params)[AXIS]
    chosen = [min(int(p), len(result.attention)) - 1 for p in positions]
    names = result.inputs.task.names
    figure = make_subplots(1, 2, column_widths=[0.38, 0.62], horizontal_spacing=0.14)
    answer = result.answer
    boxes = Boxes(
        result.inputs.scene.pictures[0],
        answer.boxes,
        answer.scores,
        result.inputs.opened.slots[0].centres[answer.candidates],
        [names[entry] for entry in answer.entries],
        result.inputs.scene.boxes,
    )
    slots = add_chosen_box(figure, boxes, AXIS, chosen, 1)
    values = 100 * result.attention[chosen]
    number = len(list(figure.data))
    figure.add_heatmap(
        z=values[0],
        x=list(names),
        y=list(range(len(result.heads))),
        zmin=0,
        zmax=float(values.max()),
        xgap=2,
        ygap=2,
        colorbar={"title": {"text": "percent"}, "x": 1.01},
        customdata=[[head] * len(names) for head in result.heads],
        hovertemplate="%{customdata} looks at %{x}: %{z:.1f} %<extra></extra>",
        row=1,
        col=2,
    )
    slots.append(Slot(f"data[{number}].z", (AXIS,), values.astype(np.float16)))
    # A mark over the column of the class that is answered.
    mark = add_points(
        figure, 1, 2, x=[names[answer.entries[chosen[0]]]], y=[-0.75], color=PALETTE["vermilion"],
        symbol="triangle-down", size=14, text=["answered"], textposition="top center",
        textfont={"color": PALETTE["vermilion"]}, cliponaxis=False, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
    answered = [[names[answer.entries[box]]] for box in chosen]
    slots.append(Slot(f"data[{mark}].x", (AXIS,), answered))
    figure.update_yaxes(
        tickvals=list(range(len(result.heads))),
        ticktext=list(result.heads),
        range=[len(result.heads) - 0.5, -1.6], showgrid=False, showline=False, ticks="",
        row=1, col=2,
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, showline=False, ticks="", tickangle=-40, row=1, col=2)
    figure.update_layout(margin={"l": 12, "t": 24, "b": 96, "r": 84})
    words = Slot("", (AXIS,), [_box_words(result, box) for box in chosen])
    return LiveFigure(figure, {AXIS: positions}, tuple(slots), words)


def draw_agreement(result: Result) -> LiveFigure:
    """How often the name that a head looks at most is the class that is answered."""
    figure = go.Figure()
    heads = np.arange(len(result.heads))
    low, high = (
        100 * np.array([getattr(one, end) for one in result.agreement]) for end in ("low", "high")
    )
    chance = 100 / len(result.inputs.task.entries)
    add_line(
        figure, x=[-0.5, len(heads) - 0.5], y=[chance, chance], color=PALETTE["baseline"],
        dash="dash", width=1.5, name="a name at random", hoverinfo="skip",
    )  # fmt: skip
    add_line(figure, x=thrice(heads), y=segments(low, high), color=PALETTE["blue"], width=2,
             showlegend=False, hoverinfo="skip")  # fmt: skip
    add_points(
        figure, x=heads, y=[100 * one.mean for one in result.agreement], color=PALETTE["blue"],
        name="name looked at most = class answered", hovertemplate="%{y:.0f} %<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(
        tickvals=heads.tolist(), ticktext=[one.replace(", ", "<br>") for one in result.heads],
        range=[-0.5, len(heads) - 0.5], showgrid=False,
    )  # fmt: skip
    figure.update_yaxes(title_text="share of answers (percent)", range=[0, 103])
    return LiveFigure(figure, words=_agreement_words(result))


def _box_words(result: Result, box: int) -> str:
    names = result.inputs.task.names
    answered = int(result.answer.entries[box])
    attention = result.attention[box]
    head = int(attention[:, answered].argmax())
    on_it = float(attention[head, answered])
    whole = float(attention.sum(-1).mean())
    most = int(attention[head].argmax())
    even = whole / len(names)
    return join(
        [
            f"Box {box + 1} is answered with {names[answered]}. {result.heads[head].capitalize()} "
            f"looks at that name with {say_percent(on_it)} of its attention"
            + ("." if most == answered else f", but more at {names[most]}."),
            f"All heads give the dictionary {say_percent(whole)} on average, which spread evenly "
            f"would be {say_percent(even)} a name; the rest goes to the picture.",
        ]
    )


def _verdict(low: float, high: float, chance: float) -> str:
    if low > 0.5:
        return "The look-up can be seen there."
    if low > chance:
        return "More often than at random, but most answers do not follow it."
    if high < chance:
        return "Less often than at random: the answer is not found by looking there."
    return "No head's favourite name predicts the answer."


def _agreement_words(result: Result) -> str:
    best = max(range(len(result.heads)), key=lambda head: result.agreement[head].mean)
    one = result.agreement[best]
    chance = 1 / len(result.inputs.task.entries)
    return join(
        [
            f"{result.boxes} sure answers on {COUNT} scenes: in {result.heads[best]}, the best of "
            f"{len(result.heads)}, the name looked at most is the class answered in "
            f"{say_percent(one.mean)} (95 % interval {say_percent(one.low)} to "
            f"{say_percent(one.high)}; at random {say_percent(chance)}).",
            _verdict(one.low, one.high, chance),
            "The pointer scores the names' features directly, so its class need not pass through "
            "this attention at all."
            if "strict" not in result.params.model
            else "",
        ]
    )
