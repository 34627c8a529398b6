"""Dose and response: the score against the number of keywords, and the test of their order."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.dsp.marks import SOURCE_COLOURS, span_of
from workbench.figures.dsp.wording import say_score
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_label, add_line, add_points
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import NO_EFFECT, each, join, say_gain
from workbench.methods.dsp.comparison import ALL_METRIC_NAMES, ALL_METRICS, ROW_NAMES
from workbench.methods.dsp.dose_response import DoseResponse

AXIS = ("metric",)
BINS = 30
NUDGE = 0.06


def draw_dose(found: DoseResponse) -> LiveFigure:
    """Lines of the mean score with intervals; a histogram of scores in shuffled order."""
    figure = make_subplots(1, 2, column_widths=[0.6, 0.4], horizontal_spacing=0.12)
    slots: list[Slot] = []
    counts = found.counts.astype(float)
    mean, low, high = (
        np.moveaxis(100.0 * getattr(found.scores, part), -1, 0) for part in ("mean", "low", "high")
    )  # (m, s, k)
    middle = (len(found.sources) - 1) / 2
    for s, source in enumerate(found.sources):
        x = counts + NUDGE * (s - middle)  # intervals of several sources side by side
        number = add_points(
            figure,
            1,
            1,
            x=x,
            y=mean[0, s],
            name=ROW_NAMES[source],
            color=SOURCE_COLOURS[source],
            size=9,
            error_y={
                "array": (high - mean)[0, s],
                "arrayminus": (mean - low)[0, s],
                "symmetric": False,
                "thickness": 1.6,
                "width": 0,
            },
            hovertemplate=f"{ROW_NAMES[source]}, %{{x:.0f}} keywords: %{{y:.1f}}<extra></extra>",
        )
        figure.data[number].update(mode="lines+markers", line={"color": SOURCE_COLOURS[source]})
        slots += [
            Slot(f"data[{number}].y", AXIS, mean[:, s]),
            Slot(f"data[{number}].error_y.array", AXIS, (high - mean)[:, s]),
            Slot(f"data[{number}].error_y.arrayminus", AXIS, (mean - low)[:, s]),
        ]
    slots += _add_orders(figure, found)
    figure.update_layout(template=TEMPLATE, height=460, margin={"t": 60, "r": 20})
    figure.update_xaxes(
        title_text="keywords in the hint", tickvals=counts, range=span_of(counts), row=1, col=1
    )
    figure.update_yaxes(title_text="score (F1 × 100)", row=1, col=1, range=span_of(low, high))
    slots.append(
        Slot(
            "layout.yaxis.range",
            AXIS,
            np.array([span_of(a, b) for a, b in zip(low, high, strict=True)]),
        )
    )
    words = Slot("", AXIS, each(lambda m: _words(found, m), len(ALL_METRICS)))
    return LiveFigure(figure, {"metric": [*ALL_METRICS]}, tuple(slots), words)


def _add_orders(figure: go.Figure, found: DoseResponse) -> list[Slot]:
    heights, places = [], []
    for test in found.orders:
        count, edges = np.histogram(100.0 * test.chance, bins=BINS)
        heights.append(count / count.sum())
        places.append((edges[:-1] + edges[1:]) / 2)
    observed = np.array([100.0 * test.observed for test in found.orders])
    x, y = np.array(places), np.array(heights)
    figure.add_bar(
        x=x[0],
        y=y[0],
        marker={"color": PALETTE["baseline"]},
        name="order by lot",
        showlegend=False,
        hoverinfo="skip",
        row=1,
        col=2,
    )
    bars = len(list(figure.data)) - 1
    top = 1.12 * float(y.max())
    line = add_line(
        figure,
        1,
        2,
        x=[observed[0], observed[0]],
        y=[0.0, top],
        name="order of the hint",
        color=PALETTE["green"],
        width=3,
        showlegend=False,
        hovertemplate="order of the hint: %{x:.2f}<extra></extra>",
    )
    for text, colour, place in (
        ("order by lot", PALETTE["baseline"], 0.0),
        ("the hint's order", PALETTE["green"], 1.0),
    ):
        add_label(
            figure,
            1,
            2,
            text,
            x=place,
            xref="x2 domain",
            y=1.0,
            yref="y2 domain",
            xanchor="left" if place == 0.0 else "right",
            yanchor="bottom",
            color=colour,
        )
    ends = np.array([span_of(row, np.array([seen])) for row, seen in zip(x, observed, strict=True)])
    figure.update_xaxes(
        title_text="mean score of the set (F1 × 100)", range=ends[0].tolist(), row=1, col=2
    )
    figure.update_yaxes(
        title_text="", showticklabels=False, ticks="", range=[0.0, top], row=1, col=2
    )
    return [
        Slot(f"data[{bars}].x", AXIS, x),
        Slot(f"data[{bars}].y", AXIS, y),
        Slot(f"data[{line}].x", AXIS, np.stack([observed, observed], axis=-1)),
        Slot("layout.xaxis2.range", AXIS, ends),
    ]


def _words(found: DoseResponse, m: int) -> str:
    name = ALL_METRIC_NAMES[m].replace("Mean of the three", "mean ROUGE")
    sentences = []
    for source in ("reference", "reinforced", "random"):
        if source not in found.sources:
            continue
        s = found.sources.index(source)
        # the largest dose: the best of all doses would be flattered by its own choice
        gain, level = found.gains.at(s, -1, m), float(found.scores.mean[s, -1, m])
        more = "more than none" if gain.mean > 0 else "less than none"
        sentences.append(
            f"{ROW_NAMES[source]}, {int(found.counts[-1])} keywords: {name} {say_score(level)}, "
            f"{NO_EFFECT if gain.covers_zero else more}: {say_gain(gain)}."
        )
    test = found.orders[m]
    order = (
        "the order of the keywords has " + NO_EFFECT
        if test.p_value > 0.05
        else "the order of the keywords matters"
    )
    return join(
        [
            *sentences[:2],
            f"Shuffled {found.shuffles} times an article, {order} (permutation test, p = "
            f"{test.p_value:.2f}; {found.articles} articles).",
        ]
    )
