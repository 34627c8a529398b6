"""The paper's tables, marked as published; nothing in them was measured here."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_line, add_points
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.visionllm.published import (
    AP_BY_BINS,
    AP_BY_CLASSES,
    AP_BY_RANDOMNESS,
    AP_BY_TOKENS,
    FROZEN,
    MASK_AP_BY_POINTS,
    MODELS,
    PublishedModel,
)
from workbench.methods.visionllm.reached import Result

_COLUMNS = ("box AP", "AP50", "AP75", "mask AP", "RefCOCO<br>P@0.5", "caption<br>BLEU-4")
_PANELS: tuple[tuple[str, str, Mapping[int, float]], ...] = (
    ("names in the prompt", "box AP", AP_BY_CLASSES),
    ("points of a contour", "mask AP", MASK_AP_BY_POINTS),
    ("location tokens, 2R + 1", "box AP", AP_BY_BINS),
    ("image tokens M", "box AP", AP_BY_TOKENS),
)
_NOTE = (
    "Every number here is the paper's own, on COCO photographs with a language model of 7 billion "
    "parameters. No code and no weights of it were published, so none could be measured again; "
    "the network of this tab is a reconstruction that is thousands of times smaller, on other "
    "pictures. Compare directions, not heights."
)


def draw_published(result: Result) -> LiveFigure:
    """The main table."""
    del result
    figure = go.Figure()
    heights = [float(len(MODELS) - 1 - row) for row in range(len(MODELS))]
    cells = [
        (column, height, value)
        for model, height in zip(MODELS, heights, strict=True)
        for column, value in enumerate(_row(model))
        if value is not None
    ]
    figure.add_scatter(
        x=[column for column, _, _ in cells],
        y=[height for _, height, _ in cells],
        text=[f"{value:.1f}" for _, _, value in cells],
        mode="text",
        textfont={"color": PALETTE["published"], "size": 17},
        hoverinfo="skip",
        showlegend=False,
    )
    for height in heights[:-1]:
        add_line(
            figure,
            x=[-0.5, len(_COLUMNS) - 0.5],
            y=[height - 0.5] * 2,
            color=PALETTE["grid"],
            width=1,
            opacity=0.4,
            hoverinfo="skip",
            showlegend=False,
        )
    figure.update_layout(template=TEMPLATE, height=340, margin={"l": 260, "t": 64, "b": 20})
    figure.update_xaxes(
        tickvals=list(range(len(_COLUMNS))),
        ticktext=list(_COLUMNS),
        side="top",
        range=[-0.5, len(_COLUMNS) - 0.5],
        showgrid=False,
        ticks="",
    )
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[model.name.replace(", ", ",<br>") for model in MODELS],
        range=[-0.6, len(MODELS) - 0.4],
        showgrid=False,  # a line at each tick would strike the numbers through
        showline=False,
        ticks="",
    )
    return LiveFigure(figure, words=_NOTE)


def draw_ablations(result: Result) -> LiveFigure:
    """What the paper varied, one panel for each."""
    del result
    figure = make_subplots(2, 2, horizontal_spacing=0.14, vertical_spacing=0.24)
    for number, (title, measure, table) in enumerate(_PANELS):
        row, col = number // 2 + 1, number % 2 + 1
        places = [float(one) for one in range(len(table))]
        values = list(table.values())
        colour = PALETTE["published"]
        add_line(
            figure, row, col, x=places, y=values, color=colour, hoverinfo="skip", showlegend=False
        )
        add_points(
            figure,
            row,
            col,
            x=places,
            y=values,
            text=[f"{value:.1f}" for value in values],
            textposition="top center",
            cliponaxis=False,
            color=colour,
            size=10,
            showlegend=False,
            hoverinfo="skip",
        )
        margin = max(1.0, 0.3 * (max(values) - min(values)))
        figure.update_xaxes(
            title_text=title,
            tickvals=places,
            ticktext=[str(one) for one in table],
            range=[-0.4, len(places) - 0.6],
            row=row,
            col=col,
        )
        figure.update_yaxes(
            title_text=measure,
            range=[min(values) - margin, max(values) + margin],
            row=row,
            col=col,
        )
    figure.update_layout(template=TEMPLATE, height=560, margin={"t": 30, "b": 70})
    none, every = AP_BY_RANDOMNESS["none"], AP_BY_RANDOMNESS["+ format"]
    words = (
        f"As published. More points and finer tokens help until about a thousand tokens; random "
        f"wordings, classes and formats in training cost little ({none} to {every} AP), but with a "
        f"frozen language model they leave {FROZEN['language model']} AP. No weights were "
        "published, so nothing of this could be measured again."
    )
    return LiveFigure(figure, words=words)


def _row(model: PublishedModel) -> tuple[float | None, ...]:
    mask = model.segmentation[0] if model.segmentation else None
    bleu4 = model.captioning[0] if model.captioning else None
    return (*model.detection, mask, model.grounding, bleu4)
