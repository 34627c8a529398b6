"""The paper's published gains beside those measured here; other data, other models."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, say_gain
from workbench.methods.gla.benefit import TUNINGS, Params, Result

PUBLISHED = (
    ("ImageNet, over the fine-tuned model", 1.5, 1.5),
    ("11 few-shot sets, on average", 1.4, 4.6),
    ("Long-tailed sets", 2.4, 2.4),
)
"""Gains in points from the abstract of arXiv:2310.08106; where it gives a range, both ends."""


def draw_published(result: Result) -> LiveFigure:
    """Gains of GLA in points: published ones as bars or points, ours with their intervals."""
    figure = go.Figure()
    rows = [name for name, _, _ in PUBLISHED]
    heights = [4.0, 3.0, 2.0]
    for (name, low, high), height in zip(PUBLISHED, heights, strict=True):
        figure.add_scatter(
            x=[low, high],
            y=[height, height],
            name="published",
            mode="lines+markers",
            line={"color": PALETTE["published"], "width": 5},
            marker={"size": 13, "symbol": "square"},
            showlegend=height == heights[0],
            hovertemplate=f"{name}: %{{x:+.1f}} points, published<extra></extra>",
        )
    own = []
    for height, rival in ((1.0, "fine_tuned"), (0.0, "ensemble")):
        gains = [getattr(result.benefits[k], f"gain_{rival}") for k in TUNINGS]
        number = len(list(figure.data))
        figure.add_scatter(
            x=[0.0, 0.0, 0.0],
            y=[height] * 3,
            name="measured here, 95 % interval",
            mode="lines+markers",
            line={"color": PALETTE["green"], "width": 4},
            marker={"size": [0, 14, 0], "color": PALETTE["green"], "opacity": 1},
            showlegend=rival == "fine_tuned",
            hovertemplate="%{x:+.1f} points, measured here<extra></extra>",
        )
        own.append(
            Slot(
                f"data[{number}].x",
                ("tuning",),
                100.0 * np.array([(g.low, g.mean, g.high) for g in gains]),
            )
        )
    ends = [
        100 * end
        for benefit in result.benefits.values()
        for gain in (benefit.gain_fine_tuned, benefit.gain_ensemble)
        for end in (gain.low, gain.high)
    ]
    figure.update_layout(template=TEMPLATE, height=400, margin={"t": 50, "l": 260, "r": 30})
    figure.update_xaxes(
        title_text="gain of GLA (points)",
        range=[min(0.0, *ends) - 0.8, max(5.0, *ends) + 0.8],
        zeroline=True,
    )
    figure.update_yaxes(
        tickvals=[*heights, 1.0, 0.0],
        ticktext=[*rows, "Emoji, over the fine-tuned model", "Emoji, over the plain ensemble"],
        range=[-0.6, 4.6],
    )

    def say(t: int) -> str:
        benefit = result.benefits[TUNINGS[t]]
        return (
            f"On the emoji GLA gains {say_gain(benefit.gain_fine_tuned)} over the fine-tuned model "
            f"and {say_gain(benefit.gain_ensemble)} over the plain ensemble. The published gains "
            "are those of the paper's abstract, on far larger models and other data: the same "
            "idea, not the same experiment."
        )

    words = Slot("", ("tuning",), each(say, len(TUNINGS)))
    return LiveFigure(figure, live_axes(Params), tuple(own), words)
