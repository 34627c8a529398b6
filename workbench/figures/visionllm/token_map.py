"""Image tokens on the picture, and what average precision is left with fewer of them."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.theme import CHALK, PALETTE, PALETTE_DARK, SLATE
from workbench.figures.visionllm.picture import add_outlines, add_picture, corners
from workbench.figures.wording import join, say_count, say_number, say_percent, say_points
from workbench.methods.visionllm.published import AP_BY_TOKENIZER, AP_BY_TOKENS
from workbench.methods.visionllm.token_map import COUNT, KEPT, Params, Result

AXIS = "kept"
LARGEST_PX = 26
SMALLEST_PX = 5


def draw_tokens(result: Result) -> LiveFigure:
    """Dots where the kept tokens stand, sized by objectness, with strokes to their two corners."""
    slots_of = result.inputs.opened.slots[0]
    order = result.order[:KEPT]
    centres, objectness = slots_of.centres[order], slots_of.objectness[order]
    ranks = [int(np.flatnonzero(result.answer.candidates == one)[0]) for one in order]
    points = result.answer.points[ranks]  # kept, 2, 2
    names = [result.inputs.task.names[entry] for entry in result.answer.entries[ranks]]
    positions = live_axes(Params)[AXIS]
    stays = np.arange(len(order)) < np.array([int(p) for p in positions])[:, None]

    figure = go.Figure()
    add_picture(figure, result.inputs.scene.pictures[0])
    add_outlines(figure, corners(result.inputs.scene.boxes), colour=CHALK, width=1, dash="dot")
    ends = np.full((len(order), 2, 3, 2), np.nan)
    ends[:, :, 0] = centres[:, None]
    ends[:, :, 1] = points
    strokes = np.where(stays[:, :, None, None, None], ends, np.nan).reshape(len(stays), -1, 2)
    for colour, width in ((SLATE, 4.0), (PALETTE_DARK["sky"], 2.0)):
        add_line(
            figure, x=strokes[-1][:, 0], y=strokes[-1][:, 1], color=colour, width=width,
            showlegend=False, hoverinfo="skip",
        )  # fmt: skip
    line = len(list(figure.data)) - 1
    sizes = np.where(stays, SMALLEST_PX + (LARGEST_PX - SMALLEST_PX) * objectness, 0.0)
    add_points(
        figure,
        x=centres[:, 0],
        y=centres[:, 1],
        color=PALETTE_DARK["amber"],
        size=sizes[-1],
        line={"width": 1.5, "color": SLATE},
        mode="markers",
        text=[f"{name}, objectness {say_number(float(o))}" for name, o in zip(names, objectness,
              strict=True)],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )  # fmt: skip
    figure.update_layout(margin={"l": 12, "r": 12, "t": 16, "b": 16})
    slots = [
        Slot(f"data[{number}].{part}", (AXIS,), strokes[..., place])
        for number in (line - 1, line)
        for place, part in enumerate("xy")
    ]
    slots.append(Slot(f"data[{line + 1}].marker.size", (AXIS,), sizes))
    words = Slot("", (AXIS,), [_map_words(result, objectness, int(p)) for p in positions])
    return LiveFigure(figure, {AXIS: positions}, tuple(slots), words)


def say_rest(rest: np.ndarray) -> str:
    """How sure the tokens are that answer nothing: none of ``rest``, ``(n,)``, is above it."""
    if not len(rest):
        return ""
    below = say_number(max(0.01, math.ceil(100 * float(rest.max())) / 100))
    which = "The other one stays" if len(rest) == 1 else f"The {len(rest)} others stay"
    return f"{which} below {below}: nothing is answered there."


def draw_tokens_kept(result: Result) -> LiveFigure:
    """Average precision with the surest 1, 2, … tokens of each picture."""
    positions = live_axes(Params)[AXIS]
    kept = np.arange(1, KEPT + 1)
    figure = go.Figure()
    chosen = np.array([int(p) - 1 for p in positions])
    slots: list[Slot] = []
    for values, colour, name in (
        (100 * np.array(result.ap50), PALETTE["blue"], "AP50"),
        (100 * np.array(result.ap), PALETTE["vermilion"], "AP"),
    ):
        add_line(figure, x=kept, y=values, color=colour, name=name,
                 hovertemplate=f"%{{x}} tokens: {name} %{{y:.1f}}<extra></extra>")  # fmt: skip
        point = add_points(
            figure, x=[kept[-1]], y=[values[-1]], color=colour, showlegend=False, hoverinfo="skip"
        )
        slots += [
            Slot(f"data[{point}].x", (AXIS,), kept[chosen][:, None]),
            Slot(f"data[{point}].y", (AXIS,), values[chosen][:, None]),
        ]
    figure.add_vline(
        x=result.things.mean,
        line={"color": PALETTE["exact"], "width": 1.5, "dash": "dot"},
        annotation_position="bottom right",
        annotation={"text": "things to find, mean", "font": {"color": PALETTE["exact"]}},
    )
    figure.update_xaxes(title_text="tokens kept of each picture, M'", dtick=1)
    figure.update_yaxes(title_text="average precision (percent)", range=[0, 102])
    words = Slot("", (AXIS,), [_kept_words(result, int(p)) for p in positions])
    return LiveFigure(figure, {AXIS: positions}, tuple(slots), words)


def _map_words(result: Result, objectness: np.ndarray, kept: int) -> str:
    shown = objectness[:kept]
    sure = int((shown >= 0.5).sum())
    named = int(
        np.isin(
            result.inputs.scene.labels, result.inputs.many.labels_of(result.inputs.task.names)
        ).sum()
    )
    rest = shown[shown < 0.5]
    return join(
        [
            f"{say_count(len(shown), 'token')} of {len(result.inputs.opened.slots[0].objectness)} "
            f"kept; {sure} with an objectness of 0.5 or more, for {say_count(named, 'thing')} that "
            "the instruction names.",
            "Each stroke is an offset from the token's own centre to a corner.",
            say_rest(rest),
        ]
    )


def _kept_words(result: Result, kept: int) -> str:
    tokens = len(result.inputs.opened.slots[0].objectness)
    lost = result.ap50[kept - 1] - result.ap50[-1]
    fewest, most = min(AP_BY_TOKENS), max(AP_BY_TOKENS)
    return join(
        [
            f"With {say_count(kept, 'token')} a picture AP50 is "
            f"{say_percent(result.ap50[kept - 1])}"
            + (f", {say_points(lost)} points from all {tokens}." if abs(lost) > 5e-4 else
               f", the same as with all {tokens}."),
            f"A scene has {say_number(result.things.mean, 1)} things to find on average ({COUNT} "
            "scenes): fewer tokens than things must miss some.",
            f"Published, one network trained for each M: AP {AP_BY_TOKENS[fewest]} with {fewest} "
            f"tokens, {AP_BY_TOKENS[most]} with {most}; {AP_BY_TOKENIZER['average-pooled']} where "
            "pooled features replace them.",
        ]
    )  # fmt: skip
