"""The paper's tables as a figure, with what was measured here beside them."""

from __future__ import annotations

from collections.abc import Mapping

from plotly.subplots import make_subplots

from workbench.figures.grounded.marks import METHOD_COLOURS, METHOD_NAMES
from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_line, add_points
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, say_percent
from workbench.methods.grounded.published import (
    CATEGORIES,
    EFFICIENCY,
    METHODS,
    category_mean,
)

SYMBOLS = {"language model": "circle-open", "greedy": "square", "beam": "diamond"}
SHOWN = {"language model": "ungrounded", "greedy": "greedy", "beam": "beam"}
NAMES = {"letters": "letters", "blocks": "blocks and bowls", "boxes": "box packing"}


def draw_published_tables(own: Mapping[tuple[str, bool], Mapping[str, float]]) -> LiveFigure:
    """Success by category, published and measured here; success against tokens, published.

    Args:
        own: success (a fraction) by category and whether it was seen, then by method; categories
            that were not measured are left out.
    """
    figure = make_subplots(1, 2, column_widths=[0.6, 0.4], horizontal_spacing=0.13)
    rows = list(CATEGORIES)
    heights = {key: float(len(rows) - 1 - i) for i, key in enumerate(rows)}
    for key in rows:
        add_line(
            figure,
            1,
            1,
            x=[0, 100],
            y=[heights[key]] * 2,
            color=PALETTE["grid"],
            width=1,
            opacity=0.4,
            hoverinfo="skip",
            showlegend=False,
        )
    for name, symbol in SYMBOLS.items():
        place = METHODS.index(name)
        means = [
            category_mean(*key, name) if name in ("greedy", "beam") else CATEGORIES[key][place]
            for key in rows
        ]
        add_points(
            figure,
            1,
            1,
            x=means,
            y=[heights[key] + 0.14 for key in rows],
            name=f"{name}, published",
            color=PALETTE["published"],
            symbol=symbol,
            line={"width": 2, "color": PALETTE["published"]},
            hovertemplate=f"{name}: %{{x:.0f}} %, published<extra></extra>",
        )
    for name, method in SHOWN.items():
        measured = [(own[key][method], heights[key]) for key in rows if method in own.get(key, {})]
        if measured:
            add_points(
                figure,
                1,
                1,
                x=[100 * value for value, _ in measured],
                y=[height - 0.16 for _, height in measured],
                name=f"{METHOD_NAMES[method]}, here",
                color=METHOD_COLOURS[method],
                symbol=SYMBOLS[name],
                line={"width": 2, "color": METHOD_COLOURS[method]},
                hovertemplate=f"{METHOD_NAMES[method]}: %{{x:.0f}} %, here<extra></extra>",
            )
    add_points(
        figure,
        1,
        2,
        x=[times for _, times in EFFICIENCY.values()],
        y=[success for success, _ in EFFICIENCY.values()],
        text=[*EFFICIENCY],
        textposition="top center",
        cliponaxis=False,
        color=PALETTE["published"],
        symbol="square",
        showlegend=False,
        hovertemplate="%{text}: %{y} % at %{x} times the tokens, published<extra></extra>",
    )
    figure.update_layout(
        template=TEMPLATE, height=500, margin={"t": 84, "l": 150, "r": 30, "b": 60}
    )
    figure.update_xaxes(title_text="success (%)", range=[-3, 103], row=1, col=1)
    figure.update_yaxes(
        tickvals=list(heights.values()),
        ticktext=[f"{NAMES[c]},<br>{'seen' if seen else 'unseen'}" for c, seen in rows],
        range=[-0.6, len(rows) - 0.4],
        showgrid=False,
        row=1,
        col=1,
    )
    figure.update_xaxes(
        title_text="tokens, times greedy",
        type="log",
        range=[-0.25, 2.45],
        tickvals=[1, 10, 100],
        ticktext=["1", "10", "100"],
        row=1,
        col=2,
    )
    figure.update_yaxes(title_text="success (%)", range=[45, 70], row=1, col=2)
    return LiveFigure(figure, words=_words(own))


def _words(own: Mapping[tuple[str, bool], Mapping[str, float]]) -> str:
    gains = [(row["greedy"], row["ungrounded"]) for row in own.values() if "greedy" in row]
    here = ""
    if gains:
        greedy, alone = (sum(part) / len(gains) for part in zip(*gains, strict=True))
        here = (
            f"Here, over {len(gains)} of these categories, grounding moves success from "
            f"{say_percent(alone, 0)} to {say_percent(greedy, 0)}."
        )
    return join(
        [
            "Brown marks are the paper's own, on a rendered table with a learned policy and a far "
            "larger language model; the means are computed from its per-task table.",
            here or "Nothing was measured here yet for these categories.",
            "Same rule, another experiment: compare directions, not heights.",
        ]
    )
