"""The paper's own gains beside those measured here, and how sure its judge was."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.dsp.marks import SOURCE_COLOURS, span_of
from workbench.figures.dsp.sources import comparison_axes
from workbench.figures.dsp.wording import say_effect
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_label, add_line, add_points, segments, thrice
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_count, say_percent
from workbench.methods.dsp.comparison import ALL_METRIC_NAMES, ALL_METRICS, Comparison
from workbench.methods.dsp.intervals import sign_test
from workbench.methods.dsp.published import (
    PREFERENCE,
    SUMMARIES,
    TRAIN_SIZES,
    published_gains,
    relative_gain,
)

AXES = ("stemmer", "metric")
OWN = ("supervised", "reinforced")
SYMBOLS = ("square-open", "square")
STAGES = ("supervised", "reinforced")


def draw_published(found: Comparison) -> LiveFigure:
    """Gains over no hint, published and measured here; the judge's votes beside them."""
    figure = make_subplots(1, 2, column_widths=[0.66, 0.34], horizontal_spacing=0.1)
    heights = np.array([3.0, 2.0, 1.0])
    gains = published_gains()  # (metric, stage, size)
    slots: list[Slot] = []
    for stage, symbol in enumerate(SYMBOLS):
        number = add_points(
            figure,
            1,
            1,
            x=gains[0, stage],
            y=heights,
            texttemplate="%{x:+.2f}",
            textposition="top center",
            name=f"published, {STAGES[stage]}",
            color=PALETTE["published"],
            symbol=symbol,
            line={"width": 2, "color": PALETTE["published"]},
            hovertemplate=f"{STAGES[stage]}: %{{x:+.2f}} points, published<extra></extra>",
        )
        slots.append(Slot(f"data[{number}].x", ("metric",), gains[:, stage]))
    ends = [gains]
    for height, source in ((0.2, OWN[0]), (-0.2, OWN[1])):
        mean, low, high = (
            100.0 * getattr(found.gains, part)[:, :, 0, found.rows.index(source)]
            for part in ("mean", "low", "high")
        )
        strokes = add_line(
            figure,
            1,
            1,
            x=segments(low[..., None], high[..., None])[0, 0],
            y=thrice([height]),
            name="95 % interval",
            color=SOURCE_COLOURS[source],
            width=3,
            showlegend=False,
            hoverinfo="skip",
        )
        point = add_points(
            figure,
            1,
            1,
            x=mean[0, 0, None],
            y=[height],
            name=f"here, {source}",
            color=SOURCE_COLOURS[source],
            hovertemplate=f"{source}: %{{x:+.2f}} points, measured here<extra></extra>",
        )
        slots += [
            Slot(f"data[{strokes}].x", AXES, segments(low[..., None], high[..., None])),
            Slot(f"data[{point}].x[0]", AXES, mean),
        ]
        ends += [low, high]
    span = span_of(*ends, np.zeros(1))
    add_line(
        figure,
        1,
        1,
        x=[0.0, 0.0],
        y=[-0.6, 3.8],
        name="no hint",
        color=PALETTE["baseline"],
        width=1.5,
        dash="dot",
        showlegend=False,
        hoverinfo="skip",
    )
    _add_votes(figure)
    figure.update_layout(template=TEMPLATE, height=440, margin={"t": 64, "l": 158, "r": 20})
    figure.update_xaxes(title_text="gain over no hint (points)", range=span, row=1, col=1)
    figure.update_yaxes(
        tickvals=[*heights, 0.0],
        ticktext=[
            *(f"Published,<br>{size:,} articles" for size in TRAIN_SIZES),
            f"Here, on {len(found.articles)}<br>test articles",
        ],
        range=[-0.6, 3.8],
        row=1,
        col=1,
    )
    words = Slot("", AXES, each(lambda *at: _words(found, gains, *at), 2, len(ALL_METRICS)))
    axes = {name: comparison_axes()[name] for name in AXES}
    return LiveFigure(figure, axes, tuple(slots), words)


def _add_votes(figure: go.Figure) -> None:
    votes = (PREFERENCE.hinted, PREFERENCE.standard, PREFERENCE.ties)
    names = ("with hint", "without", "tie")
    figure.add_bar(
        x=list(names),
        y=list(votes),
        texttemplate="%{y}",
        textposition="outside",
        cliponaxis=False,
        marker={"color": PALETTE["published"], "opacity": [1.0, 0.6, 0.35]},
        width=0.6,
        name="published votes",
        showlegend=False,
        hovertemplate="%{x}: %{y} of 500, published<extra></extra>",
        row=1,
        col=2,
    )
    figure.update_yaxes(title_text="", range=[0.0, 330.0], row=1, col=2)
    figure.update_xaxes(title_text="GPT-4 prefers (published)", row=1, col=2)
    add_label(
        figure,
        1,
        2,
        f"sign test: p = {sign_test(PREFERENCE.hinted, PREFERENCE.standard):.2f}",
        x=0.5,
        y=300.0,
        color=PALETTE["published"],
    )


def _words(found: Comparison, gains: np.ndarray, b: int, m: int) -> str:
    metric = ALL_METRICS[m]
    name = ALL_METRIC_NAMES[m].replace("Mean of the three", "mean ROUGE")
    own = found.gain("reinforced", "none", metric, bool(b))
    last = gains[m, 1, -1]
    standard = np.mean([SUMMARIES[i].standard for i in ([m] if m < 3 else range(3))])
    relative = relative_gain(float(standard + last), float(standard))
    p_value = sign_test(PREFERENCE.hinted, PREFERENCE.standard)
    return join(
        [
            f"Published, trained on 4,000 articles: +{last:.2f} points of {name}, "
            f"{say_percent(relative, 0)} more than without a hint, on ChatGPT and 500 articles.",
            say_effect(
                own,
                f"Here, with {found.model} and {say_count(len(found.articles), 'article')}, hints "
                "of the reinforced policy",
                "no hint",
                name,
            ),
            "Other models and other articles: the same idea, not the same experiment. The judge's "
            f"255 votes to 222 could be chance (p = {p_value:.2f}).",
        ]
    )
