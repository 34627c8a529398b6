"""All six metrics of the paper's summarisation table, as relative gains over no hint."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.dsp.published import STAGES, SYMBOLS
from workbench.figures.live import LiveFigure
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import keep_together
from workbench.methods.dsp.comparison import Comparison
from workbench.methods.dsp.published import OVERLAP_METRICS, SUMMARIES, TRAIN_SIZES, relative_gain

LARGEST = len(TRAIN_SIZES) - 1


def draw_published_metrics(found: Comparison) -> LiveFigure:
    """One row a metric: its gain in percent of the value without a hint, both stages."""
    heights = np.arange(len(SUMMARIES), dtype=float)[::-1]
    figure = go.Figure()
    gains = 100.0 * np.array(
        [
            [relative_gain(getattr(row, stage)[LARGEST], row.standard) for row in SUMMARIES]
            for stage in STAGES
        ]
    )
    sides = ("middle left", "middle right")
    for stage, symbol, values, side in zip(STAGES, SYMBOLS, gains, sides, strict=True):
        figure.add_scatter(
            x=values,
            y=heights,
            mode="markers+text",
            texttemplate="%{x:+.1f} %",
            textposition=side,
            name=f"published, {stage}",
            marker={
                "symbol": symbol,
                "size": 12,
                "color": PALETTE["published"],
                "line": {"width": 2, "color": PALETTE["published"]},
            },
            hovertemplate=f"{stage}: %{{x:+.2f}} %, published<extra></extra>",
        )
    figure.update_layout(template=TEMPLATE, height=440, margin={"t": 56, "l": 158, "r": 20})
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[f"{row.metric}<br>{_write(row.standard)} without" for row in SUMMARIES],
        range=[-0.6, len(SUMMARIES) - 0.3],
    )
    figure.update_xaxes(
        title_text="gain over no hint, published (% of its value)", range=[-1.2, 14.5]
    )
    overlap = gains[1][[row.metric in OVERLAP_METRICS for row in SUMMARIES]]
    words = keep_together(
        "Published, with ChatGPT and a policy trained on 4,000 articles: reinforced hints gain "
        f"{overlap.min():.1f} % to {overlap.max():.1f} % in the metrics that count shared words, "
        f"and {gains[1][-1]:.1f} % in BERTScore, which compares meanings on a scale that hardly "
        f"moves. Here, with {found.model}, ROUGE alone is measured."
    )
    return LiveFigure(figure, {}, (), words)


def _write(value: float) -> str:
    """As the paper prints it: two decimals, or four of a share."""
    return f"{value:.2f}" if value > 1.0 else f"{value:.4f}"
