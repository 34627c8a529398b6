"""Quantisation lab: boxes written with R steps, masks with N points, and the model's own."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_label, add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.theme import CHALK, PALETTE, PALETTE_DARK
from workbench.figures.visionllm.picture import add_outlines, add_picture, corners, strokes
from workbench.figures.wording import join, say_number, say_percent, say_points
from workbench.methods.visionllm.published import AP_BY_BINS, MASK_AP_BY_POINTS
from workbench.methods.visionllm.quantisation import COUNT, HARD_STEPS, POINTS, Params, Result

REACH, CORNERS = "log2_reach", "points"
KINDS = {"radial": ("green", "by angle"), "edge": ("purple", "along the edge")}


def draw_bins(result: Result) -> LiveFigure:
    """The true boxes as tokens of step 1/R, and AP by R of a perfect decoder and of the model."""
    positions = live_axes(Params)[REACH]
    reaches = np.array([2 ** int(p) for p in positions])
    figure = make_subplots(1, 2, column_widths=[0.42, 0.58], horizontal_spacing=0.12)
    mine = result.inputs.scenes.scene_of == result.params.scene
    add_picture(figure, result.inputs.scenes.pictures[result.params.scene], 1, 1)
    truth = result.inputs.scenes.boxes[mine]
    add_outlines(figure, corners(truth), 1, 1, colour=CHALK, width=1.5, dash="dot")
    again = np.stack([corners(result.again[int(reach)][mine]) for reach in reaches])
    lines = add_outlines(figure, again[-1], 1, 1, colour=PALETTE_DARK["amber"])
    x, y = strokes(again)
    slots = [Slot(f"data[{n}].{part}", (REACH,), v) for n in lines for part, v in zip("xy", (x, y),
             strict=True)]  # fmt: skip
    for found, colour, name, dash in (
        (result.ceiling, "exact", "perfect decoder", "dot"),
        (result.model, "blue", "this network", "solid"),
        (result.hard, "vermilion", "one-hot targets", "dash"),
    ):
        if not found:
            continue
        values = [found[int(r)] for r in reaches]
        percent = 100 * np.array(values)
        add_line(
            figure, 1, 2, x=reaches, y=percent, color=PALETTE[colour], dash=dash, name=name,
            hovertemplate=f"R = %{{x}}: {name} %{{y:.1f}}<extra></extra>",
        )  # fmt: skip
        point = add_points(
            figure, 1, 2, x=[reaches[-1]], y=[percent[-1]], color=PALETTE[colour],
            showlegend=False, hoverinfo="skip",
        )  # fmt: skip
        slots += [
            Slot(f"data[{point}].x", (REACH,), reaches[:, None]),
            Slot(f"data[{point}].y", (REACH,), percent[:, None]),
        ]
    shown = {bins // 2: ap for bins, ap in AP_BY_BINS.items() if bins // 2 <= reaches[-1]}
    add_points(
        figure, 1, 2, x=list(shown), y=list(shown.values()), color=PALETTE["published"],
        symbol="diamond-open", line={"width": 2}, name="published, on COCO",
        hovertemplate="published: R = %{x}, AP %{y}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(
        title_text="steps to a side, R (2R + 1 tokens)", type="log", tickvals=reaches.tolist(),
        row=1, col=2,
    )  # fmt: skip
    figure.update_yaxes(title_text="box AP (percent)", range=[0, 103], row=1, col=2)
    figure.update_layout(margin={"l": 12, "t": 64}, legend={"x": 0.42, "y": 1.03})
    words = Slot("", (REACH,), [_bin_words(result, int(reach)) for reach in reaches])
    return LiveFigure(figure, {REACH: positions}, tuple(slots), words)


def draw_points(result: Result) -> LiveFigure:
    """The outlines with N points, and how much of the masks they keep."""
    positions = live_axes(Params)[CORNERS]
    shown = result.inputs.shown
    figure = make_subplots(1, 2, column_widths=[0.42, 0.58], horizontal_spacing=0.12)
    add_picture(figure, shown[0].pictures[0], 1, 1)
    drawn = [strokes(one.contours) for one in shown]
    room = max(len(x) for x, _ in drawn)
    padded = [
        np.stack([np.pad(one[part], (0, room - len(one[part])), constant_values=np.nan)
                  for one in drawn]) for part in (0, 1)
    ]  # fmt: skip
    lines = add_outlines(figure, shown[-1].contours, 1, 1, colour=PALETTE_DARK["amber"])
    slots = [
        Slot(f"data[{number}].{part}", (CORNERS,), values)
        for number in lines
        for part, values in zip("xy", padded, strict=True)
    ]
    counts = np.array(POINTS)
    for kind, (colour, name) in KINDS.items():
        means = 100 * np.array([one.mean for one in result.contour_overlap[kind]])
        lowest = 100 * np.array(result.lowest[kind])
        add_line(
            figure, 1, 2, x=counts, y=means, color=PALETTE[colour], name=f"points {name}",
            hovertemplate=f"N = %{{x}}: {name} %{{y:.1f}} %<extra></extra>",
        )  # fmt: skip
        add_line(
            figure, 1, 2, x=counts, y=lowest, color=PALETTE[colour], width=1.5, dash="dot",
            showlegend=False, hoverinfo="skip",
        )  # fmt: skip
        add_label(
            figure, 1, 2, text="worst mask", x=counts[-1], y=lowest[-1] - 1, xanchor="right",
            yanchor="top", color=PALETTE[colour],
        )  # fmt: skip
        point = add_points(
            figure, 1, 2, x=[counts[-1]], y=[means[-1]], color=PALETTE[colour], showlegend=False,
            hoverinfo="skip",
        )  # fmt: skip
        slots += [
            Slot(f"data[{point}].x", (CORNERS,), counts[:, None]),
            Slot(f"data[{point}].y", (CORNERS,), means[:, None]),
        ]
    figure.update_xaxes(title_text="points of a contour, N", row=1, col=2)
    figure.update_yaxes(
        title_text="overlap with the mask, IoU (percent)", range=[0, 102], row=1, col=2
    )
    figure.update_layout(margin={"l": 12, "t": 64}, legend={"x": 0.42, "y": 1.03})
    words = Slot("", (CORNERS,), [_point_words(result, int(n)) for n in positions])
    return LiveFigure(figure, {CORNERS: positions}, tuple(slots), words)


def _bin_words(result: Result, reach: int) -> str:
    ceiling, model, own = result.ceiling[reach], result.model[reach], result.inputs.found.reach
    published = AP_BY_BINS.get(2 * reach + 1)
    return join(
        [
            f"R = {reach}: the true boxes written as tokens keep an IoU of "
            f"{say_number(result.box_overlap[reach].mean)} with themselves, and a decoder without "
            f"error would reach AP {say_percent(ceiling)}: {say_points(ceiling - 1.0)} points are "
            "the vocabulary's.",
            f"This network (trained with R = {own}) reaches {say_percent(model)}"
            + (" rounded to these steps" if reach < own else "")
            + (
                f": another {say_points(model - ceiling)} points are its own ({COUNT} scenes)."
                if model < ceiling
                else f": steps this coarse hide its own errors ({COUNT} scenes)."
            ),
            f"The network that learned places from one-hot targets, the paper's, instead of soft "
            f"ones reaches {say_percent(result.hard[reach])}, after {HARD_STEPS:,} steps of "
            "detection alone: fewer than the default's, so the two losses are not all that differs."
            if result.hard
            else "",
            f"Published for {2 * reach + 1:,} tokens: AP {published}, on COCO and trained anew "
            "for each R."
            if published
            else "",
        ]
    )


def _point_words(result: Result, points: int) -> str:
    place = POINTS.index(points)
    radial, edge = (result.contour_overlap[kind][place] for kind in ("radial", "edge"))
    published = MASK_AP_BY_POINTS.get(points)
    return join(
        [
            f"N = {points}: outlines by angle, as the network writes them, keep "
            f"{say_percent(radial.mean)} of the masks on average and "
            f"{say_percent(result.lowest['radial'][place])} of the worst, a shape with bays.",
            f"Points along the edge would keep {say_percent(edge.mean)}. That part of an error is "
            "the representation's, whatever the network.",
            f"Published mask AP with {points} points: {published}." if published else "",
        ]
    )
