"""The traces of the comparison: bands, curves, the live position and the names of the methods."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from workbench.figures.attention.labels import spread_labels
from workbench.figures.attention.peers_wording import AXES, COLOURS, NAMES, SHOWN, method_index
from workbench.figures.attention.wording import KIND_NAMES
from workbench.figures.live import Slot
from workbench.figures.theme import FONT_SIZE_PX, PALETTE
from workbench.methods.attention.comparison import LOG2_BUDGET, Result
from workbench.methods.attention.peers.contest import DRAWS, PEERS
from workbench.methods.attention.polynomial import KINDS

LOWEST, HIGHEST = 1e-5, 3e1
"""Errors beyond leave the picture: they are exact for every purpose, or mean nothing."""
FLOOR, CEILING = 1e-17, 1e6
HEIGHT_PX, MARGIN_TOP_PX, MARGIN_BOTTOM_PX = 520, 30, 70
LABEL_PX = 19
BAND_OPACITY = 0.16
WIDTHS = {"polynomial": 4.0, "mean": 2.5}
RANDOM = tuple(peer.name for peer in PEERS if peer.is_random)


@dataclass(frozen=True)
class Run:
    """One horizontal axis of the comparison.

    Args:
        x: ``(shown, points)`` where each method's curve has its points.
        along: the live parameter that runs along the curves.
        across: the live parameter that moves whole curves.
    """

    x: np.ndarray
    along: str
    across: str

    def order(self, errors: np.ndarray) -> np.ndarray:
        """``(…, budget, B)`` as ``(…, positions across, points along)``."""
        return errors if self.along == "bound_b" else np.swapaxes(errors, -1, -2)


def draw_curves(result: Result, run: Run) -> tuple[go.Figure, list[Slot]]:
    """Bands, curves and the marks of the live position, in this order."""
    figure, slots = go.Figure(), []
    for name in RANDOM:
        _add_band(figure, slots, result, run, name)
    for name in SHOWN:
        _add_curve(figure, slots, result, run, name)
    _add_marks(figure, slots, result, run)
    figure.add_annotation(
        x=0.01,
        xref="x domain",
        y=0.99,
        yref="y domain",
        xanchor="left",
        yanchor="top",
        text=f"bands: the middle half of {DRAWS} draws",
        font={"color": PALETTE["exact"]},
    )
    return figure, slots


def _add_band(figure: go.Figure, slots: list[Slot], result: Result, run: Run, name: str) -> None:
    """The middle half of the draws of a random method, as one closed outline."""
    p = method_index(name, 0)
    low, high = (
        run.order(_visible(errors[p]))
        for errors in (result.contest.error_low, result.contest.error_high)
    )
    x = run.x[SHOWN.index(name)]
    outline = np.concatenate([high, low[..., ::-1]], axis=-1)
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=outline[0],
        name=f"{NAMES[name]}, middle half of its draws",
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=COLOURS[name],
        opacity=BAND_OPACITY,
        hoverinfo="skip",
        showlegend=False,
    )
    slots.append(Slot(f"data[{len(list(figure.data)) - 1}].y", (run.across,), outline))


def _add_curve(figure: go.Figure, slots: list[Slot], result: Result, run: Run, name: str) -> None:
    errors = run.order(_visible(result.contest.error))
    is_polynomial = name == "polynomial"
    y = errors[: len(KINDS)] if is_polynomial else errors[method_index(name, 0)]
    along_bound = run.along == "bound_b"
    figure.add_scatter(
        x=run.x[SHOWN.index(name)],
        y=y[0, 0] if is_polynomial else y[0],
        text=None if along_bound else [f"m = {m}" for m in result.contest.budgets],
        customdata=None if along_bound else LOG2_BUDGET.positions(),  # what a click chooses
        name=NAMES[name],
        mode="lines",
        line={
            "color": COLOURS[name],
            "width": WIDTHS.get(name, 2.0),
            "dash": "dot" if name == "mean" else "solid",
        },
        hovertemplate=(
            f"{NAMES[name]}<br>"
            f"{'B = %{x}' if along_bound else '%{text}'}: %{{y:.2g}}<extra></extra>"
        ),
        showlegend=False,
    )
    axes = ("kind", run.across) if is_polynomial else (run.across,)
    slots.append(Slot(f"data[{len(list(figure.data)) - 1}].y", axes, y))


def _add_marks(figure: go.Figure, slots: list[Slot], result: Result, run: Run) -> None:
    """A dot on each curve at the live position."""
    figure.add_scatter(
        x=run.x[:, 0],
        y=_of_shown(result, 0)[:, 0, 0],
        name="chosen",
        mode="markers",
        marker={
            "size": 13,
            "color": [COLOURS[name] for name in SHOWN],
            "line": {"width": 2, "color": "white"},
        },
        hoverinfo="skip",
        showlegend=False,
    )
    number = len(list(figure.data)) - 1
    y = np.stack([np.moveaxis(_of_shown(result, k), 0, -1) for k in range(len(KINDS))])
    slots.append(Slot(f"data[{number}].x", (run.along,), run.x.T))
    slots.append(Slot(f"data[{number}].y", AXES, y))


def add_names(figure: go.Figure, slots: list[Slot], result: Result, run: Run, *, at: float) -> None:
    """Each method's name from a place on the x axis on, at the height of its curve's end."""
    places = 10.0 ** _label_places(result, run)
    texts = [
        [
            f"<b>{KIND_NAMES[kind]} polynomial</b>" if name == "polynomial" else NAMES[name]
            for name in SHOWN
        ]
        for kind in KINDS
    ]
    figure.add_scatter(
        x=np.full(len(SHOWN), at),
        y=places[0, 0],
        name="names",
        mode="text",
        text=texts[0],
        textposition="middle right",
        textfont={"color": [COLOURS[name] for name in SHOWN], "size": FONT_SIZE_PX},
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )
    # A text trace, not annotations: the browser moves traces without drawing the axes anew.
    number = len(list(figure.data)) - 1
    slots.append(Slot(f"data[{number}].y", ("kind", run.across), places))
    slots.append(Slot(f"data[{number}].text", ("kind",), texts))


def add_leaders(
    figure: go.Figure, slots: list[Slot], result: Result, run: Run, *, beyond: tuple[float, float]
) -> None:
    """A thin line from the end of each curve to its name, between two places on the x axis."""
    places = 10.0 ** _label_places(result, run)
    ends = np.clip(_ends(result, run), LOWEST, HIGHEST)
    gaps = np.full_like(ends, np.nan)
    y = np.stack([ends, places, gaps], axis=-1).reshape(*ends.shape[:2], -1)
    figure.add_scatter(
        x=np.tile([*beyond, np.nan], len(SHOWN)),
        y=y[0, 0],
        name="leaders",
        mode="lines",
        line={"color": PALETTE["grid"], "width": 1},
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )
    slots.append(Slot(f"data[{len(list(figure.data)) - 1}].y", ("kind", run.across), y))


def _ends(result: Result, run: Run) -> np.ndarray:
    """Errors where the curves end, ``(kind, positions across, shown)``."""
    ends = [run.order(_of_shown(result, k))[..., -1].T for k in range(len(KINDS))]
    return np.stack(ends)


def _label_places(result: Result, run: Run) -> np.ndarray:
    """Powers of ten at which the names stand, ``(kind, positions across, shown)``."""
    low, high = math.log10(LOWEST), math.log10(HIGHEST)
    gap = LABEL_PX * (high - low) / (HEIGHT_PX - MARGIN_TOP_PX - MARGIN_BOTTOM_PX)
    return np.apply_along_axis(
        lambda ends: spread_labels(ends, gap=gap, low=low + gap / 2, high=high - gap / 2),
        -1,
        np.log10(_ends(result, run)),
    )


def _of_shown(result: Result, kind: int) -> np.ndarray:
    """Errors of the shown methods, ``(shown, budget, B)``, with one kind of polynomial."""
    return _visible(result.contest.error[[method_index(name, kind) for name in SHOWN]])


def _visible(errors: np.ndarray) -> np.ndarray:
    return np.clip(errors, FLOOR, CEILING)
