"""The token ledger: what each slot of one box weighed, and the distribution behind it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure, Position, Slot
from workbench.figures.marks import add_line
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE
from workbench.figures.visionllm.boxes_on_picture import Boxes, add_chosen_box
from workbench.figures.wording import MINUS, join, say_number, say_percent
from workbench.methods.visionllm.ledger import Params, Result

AXIS = "box"
TOP = 5
"""Alternatives shown of a slot."""
SLOTS = ("x1", "y1", "x2", "y2")
LEAST = 0.004
"""A token of less probability does not widen the axis."""


def draw_ledger(result: Result) -> LiveFigure:
    """The picture, and of the chosen box five slots with their five likeliest tokens."""
    positions, chosen = _positions(result)
    titles = ["", *(f"&lt;{slot}&gt;" for slot in ("cls", *SLOTS))]
    figure = make_subplots(
        1,
        6,
        column_widths=[0.32, 0.16, *[0.13] * 4],
        horizontal_spacing=0.012,
        subplot_titles=titles,
    )
    slots = add_chosen_box(figure, _boxes(result), AXIS, chosen, 1)
    for place in range(5):
        found = [_top(result, box, place) for box in range(len(result.things))]
        values = np.array([[value for _, value in one] for one in found])[chosen]
        texts = [
            [f"{text}<br>{say_percent(value, 0)}" if text else "" for text, value in found[box]]
            for box in chosen
        ]
        first = len(list(figure.data))
        figure.add_bar(
            x=values[0],
            y=list(range(TOP)),
            orientation="h",
            width=0.8,
            marker={"color": [PALETTE["blue"]] + [PALETTE["baseline"]] * (TOP - 1), "opacity": 0.4},
            text=texts[0],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
            row=1,
            col=place + 2,
        )
        figure.add_scatter(
            x=[0.02] * TOP,
            y=list(range(TOP)),
            text=texts[0],
            mode="text",
            textposition="middle right",
            textfont={"size": 13},
            cliponaxis=False,
            hoverinfo="skip",
            showlegend=False,
            row=1,
            col=place + 2,
        )
        slots += [
            Slot(f"data[{first}].x", (AXIS,), values),
            Slot(f"data[{first}].text", (AXIS,), texts),
            Slot(f"data[{first + 1}].text", (AXIS,), texts),
        ]
    figure.update_layout(margin={"l": 12, "r": 12, "t": 40, "b": 84}, bargap=0.1)
    for column in range(2, 7):
        figure.update_xaxes(range=[0, 1], visible=False, fixedrange=True, row=1, col=column)
        figure.update_yaxes(range=[4.6, -0.6], visible=False, fixedrange=True, row=1, col=column)
    slots += _add_arithmetic(figure, result, chosen)
    words = Slot("", (AXIS,), [_ledger_words(result, box) for box in chosen])
    return LiveFigure(figure, {AXIS: positions}, tuple(slots), words)


def draw_distributions(result: Result) -> LiveFigure:
    """Probability of every location token in the four slots of the chosen box, with the truth."""
    positions, chosen = _positions(result)
    reach = result.inputs.slots.reach
    numbers = np.arange(-reach, reach + 1)
    found = np.array([result.distribution(box) for box in range(len(result.things))])
    targets = np.array([_or_nan(result.target(box), found[0].shape) for box in range(len(found))])
    seen = numbers[(found[chosen] > LEAST).any(axis=(0, 1)) | (np.nan_to_num(targets[chosen])
           > LEAST).any(axis=(0, 1))]  # fmt: skip
    shown = (numbers >= seen.min() - 1) & (numbers <= seen.max() + 1)
    top = 1.08 * max(float(found[chosen].max()), float(np.nan_to_num(targets[chosen]).max()))
    figure = make_subplots(
        2, 2, shared_xaxes=True, shared_yaxes=True, vertical_spacing=0.12, horizontal_spacing=0.05,
        subplot_titles=[f"&lt;{slot}&gt;" for slot in SLOTS],
    )  # fmt: skip
    slots: list[Slot] = []
    for place in range(4):
        row, col = place // 2 + 1, place % 2 + 1
        is_first = place == 0
        truth = add_line(
            figure, row, col, x=numbers[shown], y=targets[chosen[0], place, shown],
            color=PALETTE["exact"], dash="dot", width=2, name="target: truth, σ = 1.5 tokens",
            showlegend=is_first, hoverinfo="skip",
        )  # fmt: skip
        line = add_line(
            figure, row, col, x=numbers[shown], y=found[chosen[0], place, shown],
            color=PALETTE["blue"], name="predicted", showlegend=is_first, line_shape="hvh",
            hovertemplate="&lt;p%{x}&gt;: %{y:.3f}<extra></extra>",
        )  # fmt: skip
        slots += [
            Slot(f"data[{truth}].y", (AXIS,), targets[:, place][chosen][:, shown]),
            Slot(f"data[{line}].y", (AXIS,), found[:, place][chosen][:, shown]),
        ]
    figure.update_yaxes(range=[0, top])
    figure.update_yaxes(title_text="probability", col=1)
    figure.update_xaxes(title_text="location token, in steps from l", row=2)
    figure.update_layout(margin={"t": 64}, legend={"y": 1.07})
    words = Slot("", (AXIS,), [_sharpness_words(result, box) for box in chosen])
    return LiveFigure(figure, {AXIS: positions}, tuple(slots), words)


def _positions(result: Result) -> tuple[list[Position], list[int]]:
    """Positions of the slider, and the box at each."""
    positions = live_axes(Params)[AXIS]
    return positions, [min(int(p), len(result.things)) - 1 for p in positions]


def _boxes(result: Result) -> Boxes:
    answer, names = result.answer, result.inputs.task.names
    return Boxes(
        result.inputs.scene.pictures[0],
        answer.boxes,
        answer.scores,
        result.inputs.slots.centres[answer.candidates],
        [names[entry] for entry in answer.entries],
        result.inputs.scene.boxes,
    )


def _top(result: Result, box: int, place: int) -> list[tuple[str, float]]:
    """The likeliest tokens of a slot and their probabilities; 0 is the class slot."""
    reach = result.inputs.slots.reach
    if place == 0:
        every = result.inputs.slots.class_probabilities[result.answer.candidates[box]]
        names = [_in_figure(f"<c{e.token}> {e.name}") for e in result.inputs.task.entries]
    else:
        every = result.distribution(box)[place - 1]
        names = [_in_figure(_token(number - reach)) for number in range(len(every))]
    best = np.argsort(-every, kind="stable")[:TOP]
    found = [(names[one], float(every[one])) for one in best]
    return found + [("", 0.0)] * (TOP - len(found))


def _token(number: int) -> str:
    return f"<p{MINUS if number < 0 else ''}{abs(number)}>"


def _in_figure(text: str) -> str:
    """A token in a figure, where angle brackets would be read as tags."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _add_arithmetic(figure: go.Figure, result: Result, chosen: list[int]) -> list[Slot]:
    """Under each slot how its token becomes a place."""
    slots: list[Slot] = []
    for place in range(5):
        texts = [_arithmetic(result, box, place) for box in chosen]
        figure.add_annotation(
            text=texts[0], xref=f"x{place + 2} domain", yref="paper", x=0.03, y=-0.02,
            xanchor="left", yanchor="top", align="left", font={"size": 13},
        )  # fmt: skip
        number = len(list(figure.layout.annotations)) - 1  # pyright: ignore[reportAttributeAccessIssue]
        slots.append(Slot(f"layout.annotations[{number}].text", (AXIS,), texts))
    return slots


def _arithmetic(result: Result, box: int, place: int) -> str:
    answer = result.answer
    if place == 0:
        name = result.inputs.task.names[int(answer.entries[box])]
        return f"<b>{name}</b><br>score {say_number(float(answer.scores[box]))}"
    reach, side = result.inputs.slots.reach, result.inputs.scene.pictures.shape[1]
    token = int(answer.tokens[box, place - 1])
    centre = float(result.centre(box)[(place - 1) % 2])
    found = float(answer.points[box].ravel()[place - 1]) * side
    sign = MINUS if token < 0 else "+"
    return (
        f"<b>{SLOTS[place - 1]} = {say_number(found, 1)} px</b><br>"
        f"({say_number(centre, 3)} {sign} {abs(token)}/{reach})·{side}"
    )


def _ledger_words(result: Result, box: int) -> str:
    answer, inputs = result.answer, result.inputs
    reach, side = inputs.slots.reach, inputs.scene.pictures.shape[1]
    x, y = (float(one) for one in result.centre(box))
    token = int(answer.tokens[box, 0])
    name = inputs.task.names[int(answer.entries[box])]
    thing = int(result.things[box])
    there = inputs.scene.names[inputs.scene.labels[thing]] if thing >= 0 else ""
    objectness = float(inputs.slots.objectness[answer.candidates[box]])
    return join(
        [
            f"Box {box + 1}: l = ({say_number(x)}, {say_number(y)}), and {_token(token)} gives x1 "
            f"= ({say_number(x)} {MINUS if token < 0 else '+'} {abs(token)}/{reach})·{side} = "
            f"{say_number(float(answer.points[box, 0, 0]) * side, 1)} px.",
            f"Its class slot says {name}; its score {say_number(float(answer.scores[box]))} is "
            f"objectness {say_number(objectness)} times the class (our choice).",
            _say_thing(there, name, is_sure=float(answer.scores[box]) >= 0.5),
            "Slots are filled apart from each other: here the corners came out in the wrong order "
            "and are exchanged."
            if answer.is_inverted[box]
            else "",
        ]
    )


def _say_thing(there: str, name: str, *, is_sure: bool) -> str:
    if not there:
        return (
            "It is on no thing: a false alarm."
            if is_sure
            else "It is on no thing, and its low score says so: it does not count as an answer."
        )
    if there == name:
        return f"That is right: there is a {there}." if is_sure else f"It is on the {there}."
    if not is_sure:
        return f"It is on a {there}; the low score says that it is not asked for, or is not sure."
    return f"That is wrong: it is on a {there}."


def _sharpness_words(result: Result, box: int) -> str:
    found = result.entropies[box]
    worst = int(np.argmax(found))
    even = float(np.log(2 * result.inputs.slots.reach + 1))
    floors = result.floors(box)
    peaks = [slot for slot, count in zip(SLOTS, result.peaks(box), strict=True) if count > 1]
    floor = (
        "No thing is under it, so there is no truth to compare with."
        if floors is None
        else f"The dotted target has {say_number(float(floors.mean()))} nats itself: a slot "
        "trained on it cannot be expected to be sharper (one token, the paper's target, has 0)."
    )
    return join(
        [
            f"Box {box + 1}: <{SLOTS[worst]}> is the least sure slot with "
            f"{say_number(float(found[worst]))} nats, where no idea at all would be "
            f"{say_number(even)}.",
            floor,
            f"{' and '.join(f'<{one}>' for one in peaks)} has more than one peak." if peaks else "",
        ]
    )


def _or_nan(target: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, np.nan) if target is None else target
