"""Hints of every source compared: scores, paired differences, and the hints themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.dsp.marks import SOURCE_COLOURS, span_of
from workbench.figures.dsp.wording import say_effect, say_score
from workbench.figures.live import LiveFigure, Position, Slot
from workbench.figures.marks import add_line, add_points, segments, thrice
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import NO_EFFECT, each, join, say_count, say_percent, say_signed
from workbench.methods.dsp.comparison import (
    ALL_METRIC_NAMES,
    ALL_METRICS,
    BASELINES,
    LEAD2,
    LEARNT,
    ROW_NAMES,
    Comparison,
)

SCREEN_ORDER = (
    "none",
    LEAD2,
    "wrong",
    "random",
    "extractor",
    "supervised",
    "reinforced",
    "reference",
)
"""From the top: what costs nothing, what should not help, what should, and the upper bound."""
SUBJECTS = {
    "supervised": "Hints of the supervised policy",
    "reinforced": "Hints of the reinforced policy",
    "extractor": "TextRank's hints",
    "random": "Random phrases",
    "wrong": "Another article's phrases",
    "reference": "The reference's own phrases",
}
OVER = {"none": "no hint", "random": "random phrases", LEAD2: "the first two sentences"}
AXES = ("stemmer", "metric", "against")


def draw_sources(found: Comparison) -> LiveFigure:
    """One row a source: its mean score, and its paired difference from a baseline."""
    names = [name for name in SCREEN_ORDER if name in found.rows]
    order = [found.rows.index(name) for name in names]
    heights = np.arange(len(names), dtype=float)[::-1]
    colours = [SOURCE_COLOURS[name] for name in names]
    mean, low, high = (100.0 * part[..., order] for part in _parts(found.scores))
    gain, gain_low, gain_high = (100.0 * part[..., order] for part in _parts(found.gains))
    figure = make_subplots(
        1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.03, shared_yaxes=True
    )
    strokes = add_line(
        figure,
        1,
        1,
        x=segments(low, high)[0, 0],
        y=thrice(heights),
        name="95 % interval",
        color=PALETTE["exact"],
        width=3,
        hoverinfo="skip",
    )
    points = add_points(
        figure,
        1,
        1,
        x=mean[0, 0],
        y=heights,
        texttemplate="%{x:.1f}",
        textposition="top center",
        name="score",
        color=colours,
        size=13,
        hovertemplate="%{x:.1f}<extra></extra>",
    )
    policies = _add_policies(figure, found, names, heights)
    add_line(
        figure,
        1,
        2,
        x=[0.0, 0.0],
        y=[-0.6, len(names) - 0.3],
        name="no difference",
        color=PALETTE["baseline"],
        width=1.5,
        dash="dot",
        hoverinfo="skip",
    )
    gain_strokes = add_line(
        figure,
        1,
        2,
        x=segments(gain_low, gain_high)[0, 0, 0],
        y=thrice(heights),
        name="95 % interval",
        color=PALETTE["exact"],
        width=3,
        hoverinfo="skip",
    )
    gain_points = add_points(
        figure,
        1,
        2,
        x=gain[0, 0, 0],
        y=heights,
        text=[""] * len(names),
        textposition="top center",
        name="difference",
        color=colours,
        size=13,
        hovertemplate="%{x:+.1f} points<extra></extra>",
    )
    figure.update_layout(
        template=TEMPLATE, height=500, margin={"t": 20, "l": 158, "r": 20}, showlegend=False
    )
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[ROW_NAMES[name] for name in names],
        range=[-0.6, len(names) - 0.3],
    )
    figure.update_xaxes(title_text="score (F1 × 100)", range=span_of(low, high), row=1, col=1)
    figure.update_xaxes(
        title_text="difference, paired by article (points)",
        range=span_of(gain_low, gain_high, np.zeros(1)),
        row=1,
        col=2,
    )
    slots = (
        *policies,
        Slot(f"data[{strokes}].x", AXES[:2], segments(low, high)),
        Slot(f"data[{points}].x", AXES[:2], mean),
        Slot(f"data[{gain_strokes}].x", AXES, segments(gain_low, gain_high)),
        Slot(f"data[{gain_points}].x", AXES, gain),
        Slot(
            f"data[{gain_points}].text",
            AXES,
            each(
                lambda *at: [
                    "" if name == BASELINES[at[-1]] else _label(*ends)
                    for name, *ends in zip(
                        names, gain[at], gain_low[at], gain_high[at], strict=True
                    )
                ],
                *gain.shape[:3],
            ),
        ),
        Slot(
            "layout.xaxis.range",
            AXES[:2],
            np.array(
                [
                    [span_of(a, b) for a, b in zip(*ab, strict=True)]
                    for ab in zip(low, high, strict=True)
                ]
            ),
        ),
    )
    words = Slot("", AXES, each(lambda *at: _words(found, *at), *gain.shape[:3]))
    return LiveFigure(figure, comparison_axes(), slots, words)


def _add_policies(
    figure: Any, found: Comparison, names: Sequence[str], heights: np.ndarray
) -> tuple[Slot, ...]:
    """A small dot for each policy below its source's mean; nothing if there is one policy."""
    count = len(found.of_policies)
    learnt = [name for name in LEARNT if name in names]
    if count < 2 or not learnt:
        return ()
    rows = [found.rows.index(name) for name in learnt]
    values = 100.0 * np.moveaxis(found.of_policies[..., rows], 0, -1)  # (b, m, learnt, k)
    values = values.reshape(*values.shape[:2], -1)
    dots = add_points(
        figure,
        1,
        1,
        x=values[0, 0],
        y=np.repeat([heights[names.index(name)] - 0.24 for name in learnt], count),
        name="one policy",
        color=[SOURCE_COLOURS[name] for name in learnt for _ in range(count)],
        size=6,
        hovertemplate="one policy: %{x:.1f}<extra></extra>",
    )
    return (Slot(f"data[{dots}].x", AXES[:2], values),)


def comparison_axes() -> dict[str, list[Position]]:
    """Every position of the live controls of the comparison."""
    return {"stemmer": [False, True], "metric": [*ALL_METRICS], "against": [*BASELINES]}


def _parts(spread: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(getattr(spread, part) for part in ("mean", "low", "high"))  # type: ignore[return-value]


def _label(gain: float, low: float, high: float) -> str:
    return NO_EFFECT if low <= 0.0 <= high else say_signed(gain)


def _words(found: Comparison, b: int, m: int, g: int) -> str:
    against, metric, stemmer = BASELINES[g], ALL_METRICS[m], bool(b)
    name = ALL_METRIC_NAMES[m].replace("Mean of the three", "mean ROUGE")
    setting = "words stemmed" if stemmer else "words not stemmed"
    sentences = [
        say_effect(found.gain(row, against, metric, stemmer), SUBJECTS[row], OVER[against], name)
        for row in ("reinforced", "random", "reference")
        if row in found.rows and row != against
    ][:2]
    lead = found.scores.at(b, m, found.rows.index(LEAD2)).mean
    hinted = [s for s in found.sources if s not in ("none", "reference")]
    best = max(hinted, key=lambda s: found.scores.mean[b, m, found.rows.index(s)])
    top = float(found.scores.mean[b, m, found.rows.index(best)])
    place = (
        f"The first two sentences of the article, which cost nothing, have {say_score(lead)}: "
        + ("they win." if lead > top else f"{ROW_NAMES[best]} has {say_score(top)}.")
    )
    count = len(found.of_policies)
    policies = f", {count} policies from different seeds, each a small dot" if count > 1 else ""
    basis = f"({say_count(len(found.articles), 'article')}{policies}; {setting}, {found.model}.)"
    return join([*sentences, place, basis])


def draw_hints(found: Comparison) -> LiveFigure:
    """The hints themselves: what stands in the reference, and what the summary took up."""
    names = [n for n in SCREEN_ORDER if n in found.sources and n != "none"]
    order = [found.sources.index(name) for name in names]
    heights = np.arange(len(names), dtype=float)[::-1]
    colours = [SOURCE_COLOURS[name] for name in names]
    figure = make_subplots(
        1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.03, shared_yaxes=True
    )
    for col, spread in ((1, found.precision), (2, found.used)):
        mean, low, high = (100.0 * part[order] for part in _parts(spread))
        add_line(
            figure,
            1,
            col,
            x=segments(low, high),
            y=thrice(heights),
            name="95 % interval",
            color=PALETTE["exact"],
            width=3,
            hoverinfo="skip",
        )
        add_points(
            figure,
            1,
            col,
            x=mean,
            y=heights,
            texttemplate="%{x:.0f} %",
            textposition="top center",
            name="share",
            color=colours,
            size=13,
            hovertemplate="%{x:.1f} %<extra></extra>",
        )
    figure.update_layout(
        template=TEMPLATE, height=440, margin={"t": 20, "l": 158, "r": 20}, showlegend=False
    )
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[
            f"{ROW_NAMES[n]}<br>{float(found.phrases.mean[s]):.1f} phrases"
            for n, s in zip(names, order, strict=True)
        ],
        range=[-0.6, len(names) - 0.3],
    )
    for col, title in (
        (1, "phrases that the reference has (%)"),
        (2, "phrases that the summary took up (%)"),
    ):
        figure.update_xaxes(title_text=title, range=[-6.0, 114.0], row=1, col=col)
    policy = next((n for n in ("reinforced", "supervised", "extractor") if n in names), names[-1])
    s = found.sources.index(policy)
    words = join(
        [
            f"{SUBJECTS[policy]}: {say_percent(float(found.precision.mean[s]), 0)} of their "
            "phrases stand in the reference; this judges the policy.",
            f"The language model took up {say_percent(float(found.used.mean[s]), 0)} of them; this "
            "judges the model. A hint that is not taken up cannot help, however good it is.",
        ]
    )
    return LiveFigure(figure, {}, (), words)
