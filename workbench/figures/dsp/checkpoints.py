"""Two checkpoints of a training on the same validation articles."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.dsp.marks import RUN_COLOURS, span_of
from workbench.figures.live import LiveFigure, Position, Slot
from workbench.figures.marks import add_line, add_points, segments, thrice
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import NO_EFFECT, each, join, say_gain
from workbench.methods.dsp.intervals import paired_difference
from workbench.methods.dsp.theatre import CHECKPOINT, ITERATION, RUNS, Theatre, points_at

AXES = ("iteration", "checkpoint")
"""Names that the study's parameters must have."""
LAST = int(ITERATION.maximum)
SAME = 1e-9
CROWDED, STEP = 12, 5
"""With more articles than the first, every fifth is named: the names would overlap."""


def draw_checkpoints(stage: Theatre) -> LiveFigure:
    """ROUGE of each validation article's summary with the hints of two checkpoints."""
    scores = 100.0 * stage.by_article
    count = scores.shape[1]
    at = points_at(len(scores))
    heights = np.arange(count, dtype=float)[::-1]
    shown = scores[at]
    named = [0, *range(STEP - 1, count, STEP)] if count > CROWDED else [*range(count)]
    figure = go.Figure()
    strokes = add_line(
        figure,
        x=segments(shown[0], shown[0]),
        y=thrice(heights),
        name="difference",
        color=PALETTE["exact"],
        width=2,
        showlegend=False,
        hoverinfo="skip",
    )
    before = add_points(
        figure,
        x=shown[0],
        y=heights,
        name="the checkpoint it is compared with",
        color=PALETTE["baseline"],
        size=9,
        hovertemplate="%{x:.1f}<extra></extra>",
    )
    now = add_points(
        figure,
        x=shown[0],
        y=heights,
        name="this iteration",
        color=RUN_COLOURS[RUNS[0]],
        size=12,
        hovertemplate="%{x:.1f}<extra></extra>",
    )
    figure.update_layout(template=TEMPLATE, height=max(360, 140 + 26 * count))
    figure.update_layout(margin={"t": 48, "l": 96, "r": 20}, legend={"y": 1.06})
    figure.update_xaxes(title_text="mean ROUGE of the summary × 100", range=span_of(scores))
    figure.update_yaxes(
        tickvals=heights[named],
        ticktext=[f"article {n + 1}" for n in named],
        range=[-0.6, count - 0.4],
    )
    pairs = np.array(
        [[segments(shown[j], shown[i]) for j in range(LAST + 1)] for i in range(LAST + 1)]
    )
    axes: dict[str, list[Position]] = {name: [*range(LAST + 1)] for name in AXES}
    slots = (
        Slot(f"data[{strokes}].x", AXES, pairs),
        Slot(f"data[{before}].x", AXES[1:], shown),
        Slot(f"data[{now}].x", AXES[:1], shown),
    )
    words = Slot("", AXES, each(lambda i, j: _words(stage, at[i], at[j]), LAST + 1, LAST + 1))
    return LiveFigure(figure, axes, slots, words)


def _words(stage: Theatre, i: int, j: int) -> str:
    one, other = stage.by_article[i], stage.by_article[j]
    if i == j:
        return f"Both are checkpoint {i}. Move either control to compare it with another."
    better = int(np.count_nonzero(one > other + SAME))
    worse = int(np.count_nonzero(one < other - SAME))
    gain = paired_difference(one, other)
    verdict = f", {NO_EFFECT}" if gain.covers_zero else ""
    return join(
        [
            f"With the hints of checkpoint {i} instead of {j}, {better} of {len(one)} summaries "
            f"are better, {worse} worse and {len(one) - better - worse} as they were.",
            f"On average that is {say_gain(gain)} of mean ROUGE, paired by article{verdict}.",
            f"Checkpoint {CHECKPOINT.minimum:.0f} is the supervised policy; no reward has changed "
            "it yet.",
        ]
    )
