"""Three aligned bars: the language model, the scene, and their product, for the same candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.grounded.marks import LANGUAGE, PRODUCT, SCENE
from workbench.figures.grounded.wording import show_token
from workbench.figures.live import Slot
from workbench.figures.theme import TEMPLATE


@dataclass(frozen=True)
class Bars:
    """Candidates at every position of a live parameter, padded to one number of rows.

    Args:
        labels: at each position the candidates, "" for an empty row.
        language: ``(positions, rows)`` probability.
        scene: ``(positions, rows)`` value in [0, 1].
        product: ``(positions, rows)`` divided by its largest.
        chosen: at each position the row that is chosen, -1 for none.
        scene_title: what the middle bars are.
        numbers: ``(positions, rows)`` what a click on a row gives; nothing if None.
        space: share of the width that is left free on the left, for a scene.
    """

    labels: Sequence[Sequence[str]]
    language: np.ndarray
    scene: np.ndarray
    product: np.ndarray
    chosen: Sequence[int]
    scene_title: str = "what the scene allows"
    numbers: np.ndarray | None = None
    space: float = 0.0


def draw_bars(bars: Bars, axis: str) -> tuple[go.Figure, list[Slot]]:
    """A figure with the three bars in a row, and the slots that a live parameter moves.

    With ``space`` the first column is empty, for a scene; the bars stand in the next three.

    Args:
        bars: what to draw.
        axis: name of the live parameter.
    """
    ahead = 1 if bars.space else 0
    share = (1.0 - bars.space) / 3.0
    widths = [bars.space, share, share, share] if ahead else [share] * 3
    figure = make_subplots(1, 3 + ahead, column_widths=widths, horizontal_spacing=0.045)
    rows = bars.language.shape[1]
    heights = np.arange(rows)[::-1]
    slots: list[Slot] = []
    panels = (
        ("language model", LANGUAGE, bars.language, "%{x:.1~%}"),
        (bars.scene_title, SCENE, bars.scene, "%{x:.2~g}"),
        ("product", PRODUCT, bars.product, "%{x:.2~g}"),
    )
    for col, (title, colour, values, shape) in enumerate(panels, start=1 + ahead):
        number = len(list(figure.data))
        opacity = [_opacity(rows, chosen) for chosen in bars.chosen]
        figure.add_bar(
            x=values[0],
            y=heights,
            orientation="h",
            name=title,
            width=0.66,
            marker={"color": colour, "opacity": opacity[0]},
            customdata=None if bars.numbers is None else bars.numbers[0],
            meta="pick",
            showlegend=False,
            hovertemplate=f"{title}: {shape}<extra></extra>",
            row=1,
            col=col,
        )
        slots.append(Slot(f"data[{number}].x", (axis,), np.nan_to_num(values)))
        slots.append(Slot(f"data[{number}].marker.opacity", (axis,), np.array(opacity)))
        if bars.numbers is not None:
            slots.append(Slot(f"data[{number}].customdata", (axis,), bars.numbers))
        figure.update_xaxes(
            title_text=title,
            title_font={"color": colour},
            range=[0, 1.08],
            nticks=4,
            tickformat=".0%" if col == 1 + ahead else "~g",
            row=1,
            col=col,
        )
        figure.update_yaxes(
            tickvals=heights,
            showticklabels=col == 1 + ahead,
            range=[-0.6, rows - 0.4],
            showgrid=False,
            row=1,
            col=col,
        )
    first = f"xaxis{1 + ahead}" if ahead else "xaxis"
    ends = np.array([_end(row) for row in bars.language])
    slots.append(Slot(f"layout.{first}.range", (axis,), np.stack([0 * ends, ends], axis=1)))
    texts = [
        _emphasise(labels, chosen) for labels, chosen in zip(bars.labels, bars.chosen, strict=True)
    ]
    name = "yaxis2" if ahead else "yaxis"
    figure.update_layout({name: {"ticktext": texts[0]}})
    slots.append(Slot(f"layout.{name}.ticktext", (axis,), texts))
    figure.update_layout(
        template=TEMPLATE, height=480, margin={"l": 16 if ahead else 120, "r": 16, "t": 30, "b": 56}
    )
    return figure, slots


def _end(language: np.ndarray) -> float:
    """End of the language model's axis: one of a few, so that it seldom changes."""
    return 1.08 * next(end for end in (0.1, 0.25, 0.5, 1.0) if language.max() <= end + 1e-6)


def _opacity(rows: int, chosen: int) -> np.ndarray:
    return np.where(np.arange(rows) == chosen, 1.0, 0.45)


def _emphasise(labels: Sequence[str], chosen: int) -> list[str]:
    return [
        f"<b>{show_token(label)}</b>"
        if row == chosen and label
        else show_token(label)
        if label
        else ""
        for row, label in enumerate(labels)
    ]
