"""Two synthetic models: how much of each prior to take out, and what shared errors cost."""

from __future__ import annotations

import itertools

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.gla.marks import METHOD_COLOURS
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import RING, add_label, add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, SEQUENTIAL, TEMPLATE
from workbench.figures.wording import each, join, say_percent, say_points
from workbench.methods.gla.world import METHOD_NAMES, METHODS, Params, Result

AXES = ("correlation", "strength_pretrain", "strength_downstream")
LIGHT, DARK = SEQUENTIAL[-1][1], SEQUENTIAL[0][1]
"""Ink on the dark and on the bright end of the map."""
GROUP_TICKS = ("all", "head", "middle", "tail")


def draw_plane(result: Result) -> LiveFigure:
    """Accuracy over the strengths of both corrections; beside it head, middle and tail."""
    figure = make_subplots(1, 2, column_widths=[0.55, 0.45], horizontal_spacing=0.16)
    plane = 100.0 * result.plane[..., 0]
    figure.add_trace(
        go.Heatmap(
            x=result.strengths,
            y=result.strengths,
            z=plane[0].T,
            colorscale=SEQUENTIAL,
            colorbar={"x": 0.46, "title": {"text": "%"}},
            hovertemplate="pre-training %{x}, fine-tuning %{y}: <b>%{z:.1f} %</b><extra></extra>",
        ),
        row=1,
        col=1,
    )
    for place, words, ink in ((0.0, "plain ensemble", LIGHT), (1.0, "GLA", DARK)):
        add_points(
            figure,
            1,
            1,
            x=[place],
            y=[place],
            name=words,
            text=[words],
            textposition="top right",
            textfont={"color": ink, "size": 15},
            color=ink,
            symbol="x",
            showlegend=False,
            hoverinfo="skip",
            size=9,
        )
    chosen = add_points(
        figure,
        1,
        1,
        x=[0.0],
        y=[0.0],
        name="chosen",
        color=PALETTE["green"],
        size=16,
        line=RING,
        showlegend=False,
        hoverinfo="skip",
    )
    slots = [
        Slot("data[0].z", ("correlation",), np.swapaxes(plane, 1, 2)),
        Slot("data[0].zmin", ("correlation",), plane.min(axis=(1, 2))),
        Slot("data[0].zmax", ("correlation",), plane.max(axis=(1, 2)) + 1e-6),
        Slot(f"data[{chosen}].x[0]", ("strength_pretrain",), result.strengths),
        Slot(f"data[{chosen}].y[0]", ("strength_downstream",), result.strengths),
    ]
    fixed = 100.0 * result.by_method(0, 0)
    for m, method in enumerate(METHODS):
        number = add_points(
            figure,
            1,
            2,
            x=list(GROUP_TICKS),
            y=fixed[0, m],
            name=METHOD_NAMES[m],
            color=METHOD_COLOURS[method],
            size=13 if method == "gla" else 10,
            symbol="diamond" if method == "gla" else "circle",
            hovertemplate=f"{METHOD_NAMES[m]}, %{{x}}: %{{y:.1f}} %<extra></extra>",
        )
        if method == "gla":
            slots.append(Slot(f"data[{number}].y", AXES, 100.0 * result.plane))
        else:
            slots.append(Slot(f"data[{number}].y", ("correlation",), fixed[:, m]))
    everything = np.concatenate([fixed[:, :4].ravel(), (100.0 * result.plane).ravel()])
    figure.update_layout(template=TEMPLATE, height=500, margin={"t": 70, "r": 20})
    figure.update_layout(legend={"x": 0.0, "y": 1.03})
    edge = [-0.125, 2.125]
    figure.update_xaxes(
        title_text="pre-training prior taken out (times log π<sub>p</sub>)",
        range=edge,
        row=1,
        col=1,
    )
    figure.update_yaxes(
        title_text="fine-tuning prior taken out (times log π<sub>s</sub>)", range=edge, row=1, col=1
    )
    figure.update_xaxes(title_text="classes, by frequency in pre-training", row=1, col=2)
    figure.update_yaxes(
        title_text="guessed right (%)",
        range=[float(everything.min()) - 3.0, float(everything.max()) + 3.0],
        row=1,
        col=2,
    )
    words = Slot("", AXES, _plane_words(result))
    return LiveFigure(figure, live_axes(Params), tuple(slots), words)


def draw_dependence(result: Result) -> LiveFigure:
    """Accuracy against the correlation of the models' noise, at full correction."""
    figure = make_subplots(1, 1)
    values = 100.0 * result.by_method(_whole(result), _whole(result))[..., 0]  # (r, methods)
    slots: list[Slot] = []
    labels = _spread(values[-1])
    for m, method in enumerate(METHODS):
        add_line(
            figure,
            1,
            1,
            x=result.correlations,
            y=values[:, m],
            name=METHOD_NAMES[m],
            color=METHOD_COLOURS[method],
            width=4 if method == "gla" else 2.5,
            showlegend=False,
            hovertemplate=f"{METHOD_NAMES[m]}, ρ = %{{x}}: %{{y:.1f}} %<extra></extra>",
        )
        add_label(
            figure,
            1,
            1,
            METHOD_NAMES[m],
            x=1.02,
            y=labels[m],
            xanchor="left",
            color=METHOD_COLOURS[method],
        )
        number = add_points(
            figure,
            1,
            1,
            x=[0.0],
            y=[values[0, m]],
            name="chosen",
            color=METHOD_COLOURS[method],
            size=13,
            line=RING,
            showlegend=False,
            hoverinfo="skip",
        )
        slots += [
            Slot(f"data[{number}].x[0]", ("correlation",), result.correlations),
            Slot(f"data[{number}].y[0]", ("correlation",), values[:, m]),
        ]
    figure.update_layout(template=TEMPLATE, height=480, margin={"t": 30, "r": 170})
    figure.update_xaxes(
        title_text="correlation ρ of the two models' noise", range=[-0.02, 1.02], dtick=0.2
    )
    figure.update_yaxes(
        title_text="test pictures guessed right (%)",
        range=[float(values.min()) - 3.0, float(values.max()) + 3.0],
    )

    def say(r: int) -> str:
        found = dict(zip(METHODS, values[r] / 100.0, strict=True))
        return join(
            [
                f"At ρ = {result.correlations[r]:.1f} GLA guesses {say_percent(found['gla'])} "
                f"right, the plain ensemble {say_percent(found['ensemble'])}.",
                "Taking the priors out helps at every ρ; joining two models helps only as far as "
                "their errors differ: debiased zero-shot alone has "
                f"{say_percent(found['zero_shot_debiased'])}.",
            ]
        )

    words = Slot("", ("correlation",), each(say, len(result.correlations)))
    return LiveFigure(figure, live_axes(Params), tuple(slots), words)


def _spread(heights: np.ndarray, gap: float = 2.6) -> np.ndarray:
    """Heights moved apart so that labels at them do not touch."""
    order = np.argsort(heights)
    placed = heights.astype(float).copy()
    for before, after in itertools.pairwise(order):
        placed[after] = max(placed[after], placed[before] + gap)
    return placed - (placed - heights).mean()


def _whole(result: Result) -> int:
    """Where the strength is 1."""
    return int(np.argmin(np.abs(result.strengths - 1.0)))


def _plane_words(result: Result) -> list[list[list[str]]]:
    whole = _whole(result)

    def say(r: int, p: int, s: int) -> str:
        mine = result.plane[r, p, s]
        plain, full = result.plane[r, 0, 0], result.plane[r, whole, whole]
        first = (
            f"With {result.strengths[p]:g} times the pre-training prior and "
            f"{result.strengths[s]:g} times the fine-tuning prior taken out, "
            f"{say_percent(mine[0])} are guessed right"
        )
        if (p, s) == (whole, whole):
            first += f": GLA, {say_points(full[0] - plain[0])} points over the plain ensemble."
        else:
            first += f"; GLA (1, 1) has {say_percent(full[0])}, the plain ensemble (0, 0) "
            first += f"{say_percent(plain[0])}."
        return (
            f"{first} Head and tail classes are {say_points(mine[1] - mine[3])} points apart here, "
            f"{say_points(plain[1] - plain[3])} in the plain ensemble."
        )

    return each(say, *result.plane.shape[:3])
