"""What a network reaches, task by task, with intervals and baselines."""

from __future__ import annotations

from typing import Final

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_line, add_points, segments, thrice
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, keep_together, say_percent
from workbench.methods.intervals import Interval
from workbench.methods.visionllm.outcomes import Numbers
from workbench.methods.visionllm.reached import Result

ROWS: Final = (
    ("ap", "Boxes: AP", "ap_without_language", "without language"),
    ("ap50", "Boxes: AP50", "ap50_without_language", ""),
    ("single_name_recall", "One name: found", "", ""),
    ("single_name_unlisted_rate", "One name: others found", "", ""),
    (
        "unlisted_rate",
        "Half the names: others found",
        "half_unlisted_rate_without_language",
        "without language",
    ),
    ("mask_ap", "Contours: AP", "mask_ap_filled_box", "the box around, filled"),
    ("mask_ap50", "Contours: AP50", "mask_ap50_filled_box", ""),
    ("grounding_precision", "Expressions: right thing", "grounding_chance", "any thing"),
    ("caption_bleu4", "Captions: BLEU-4", "caption_bleu4_commonest", "commonest caption"),
    ("vqa_accuracy", "Questions: right answer", "vqa_commonest", "commonest answer"),
)
"""Name, words, and the baseline with its words."""
_UNSAID = {"ap50": "without language", "mask_ap50": "the box around, filled"}
"""Baselines whose words stand in the row above."""
_UNWANTED = ("single_name_unlisted_rate", "unlisted_rate")


def draw_reached(result: Result) -> LiveFigure:
    """One row for each number that was measured: a dot, its interval, and a mark to beat."""
    numbers = result.numbers
    rows = [row for row in ROWS if row[0] in numbers.measured]
    heights = np.arange(len(rows))[::-1].astype(float)
    found = [as_percent(numbers, row[0]) for row in rows]
    figure = go.Figure()
    for height in heights:
        add_line(
            figure,
            x=[0, 100],
            y=[height, height],
            color=PALETTE["grid"],
            width=1,
            opacity=0.4,
            hoverinfo="skip",
            showlegend=False,
        )
    colours = [PALETTE["danger"] if row[0] in _UNWANTED else PALETTE["blue"] for row in rows]
    add_line(
        figure,
        x=segments(*(np.array([getattr(one, end) for one in found]) for end in ("low", "high"))),
        y=thrice(heights),
        color=PALETTE["exact"],
        width=5,
        opacity=0.6,
        hoverinfo="skip",
        showlegend=False,
    )
    beaten = [
        (numbers.baselines[base], height, words, row)
        for (row, _, base, words), height in zip(rows, heights, strict=True)
        if base in numbers.baselines
    ]
    values = [_scale(row) * value for value, _, _, row in beaten]
    add_points(
        figure,
        x=values,
        y=[height for _, height, _, _ in beaten],
        text=[words for _, _, words, _ in beaten],
        customdata=[words or _UNSAID[row] for _, _, words, row in beaten],
        textposition=["bottom right" if value < 70 else "bottom left" for value in values],
        textfont={"color": PALETTE["baseline"], "size": 13},
        color=PALETTE["baseline"],
        symbol="line-ns",
        size=16,
        line={"width": 3, "color": PALETTE["baseline"]},
        showlegend=False,
        cliponaxis=False,
        hovertemplate="%{customdata}: %{x:.1f} %<extra></extra>",
    )
    add_points(
        figure,
        x=[one.mean for one in found],
        y=heights,
        color=colours,
        size=13,
        showlegend=False,
        cliponaxis=False,
        customdata=[[one.low, one.high] for one in found],
        hovertemplate="%{x:.1f} % (95 % interval %{customdata[0]:.1f} to "
        "%{customdata[1]:.1f})<extra></extra>",
    )
    add_points(  # beside the interval, not on it
        figure,
        x=[max(one.high + 0.8, one.mean + 2.0) for one in found],
        y=heights,
        text=[
            keep_together(f"{one.mean:.1f} %") + (" (0 is best)" if row[0] in _UNWANTED else "")
            for row, one in zip(rows, found, strict=True)
        ],
        mode="text",
        textposition="middle right",
        color=PALETTE["exact"],
        showlegend=False,
        hoverinfo="skip",
        cliponaxis=False,
    )
    figure.update_layout(
        template=TEMPLATE, height=110 + 52 * len(rows), margin={"l": 230, "t": 20, "r": 40}
    )
    figure.update_xaxes(
        title_text=f"% of {numbers.scenes} unseen scenes",
        range=[-2, 112],
        tickvals=[0, 20, 40, 60, 80, 100],
    )
    figure.update_yaxes(
        tickvals=heights.tolist(),
        ticktext=[row[1] for row in rows],
        range=[-0.7, len(rows) - 0.3],
        showgrid=False,
        showline=False,
        ticks="",
    )
    return LiveFigure(figure, words=_words(result))


def as_percent(numbers: Numbers, name: str) -> Interval:
    """A number in percent; BLEU is in percent already."""
    one, scale = numbers.measured[name], _scale(name)
    return Interval(scale * one.mean, scale * one.low, scale * one.high)


def _scale(name: str) -> float:
    return 1.0 if name.startswith("caption_bleu") else 100.0


def _words(result: Result) -> str:
    measured, baselines = result.numbers.measured, result.numbers.baselines
    ap, unlisted = measured["ap"], measured["unlisted_rate"]
    texts = [
        f"On {result.numbers.scenes} scenes that {result.params.model} never saw, box AP is "
        f"{say_percent(ap.mean)} (95 % interval {say_percent(ap.low)} to {say_percent(ap.high)}). "
        f"Half of the names left out, {say_percent(unlisted.mean)} of the unlisted things are "
        "still found; without the words in the picture's reading it is "
        f"{say_percent(baselines['half_unlisted_rate_without_language'])}.",
    ]
    if "grounding_precision" in measured:
        texts.append(_compare(measured["grounding_precision"], baselines["grounding_chance"]))
    else:
        texts.append("This variant was trained to find boxes only, so nothing else was asked.")
    texts.append(
        "These are drawn emoji on plain grounds with a network of under a million numbers: the "
        "paper's own model was never published, and its tables are of photographs."
    )
    return join(texts)


def _compare(grounding: Interval, chance: float) -> str:
    share, even = say_percent(grounding.mean), say_percent(chance)
    if grounding.low > chance:
        return f"Expressions are understood: {share} right, where any thing at random gives {even}."
    if grounding.high < chance:
        return f"Expressions are answered worse than at random: {share} against {even}."
    return f"For expressions no detectable effect: {share} right, {even} at random."
