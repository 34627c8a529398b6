"""A person's explanations against a model's, under the same budget and function."""

from __future__ import annotations

import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot, over_positions
from workbench.figures.marks import add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.teaching.curves import draw_chance, lay_out
from workbench.figures.teaching.marks import TEACHER_COLOURS, add_band, outline, there_and_back
from workbench.figures.teaching.verdict import teacher_words
from workbench.methods.teaching.allocation import TEACHER_NAMES, TEACHERS, Params, Result
from workbench.methods.teaching.spending import FUNCTIONS


def draw_teachers(result: Result) -> LiveFigure:
    """The chosen function's curve under both teachers, each with its interval."""
    figure = go.Figure()
    slots: list[Slot] = []
    spendings = [result.spendings[t] for t in TEACHERS]
    n = len(spendings[0].records.questions)
    budgets = 100.0 * spendings[0].counts / n
    ends: list[float] = []
    ends_at: list[float] = []
    for t, spending in enumerate(spendings):
        colour = TEACHER_COLOURS[TEACHERS[t]]
        band = 100.0 * outline(spending.accuracy.low, spending.accuracy.high)
        line = 100.0 * spending.accuracy.mean
        ends += [float(band.min()), float(band.max())]
        number = add_band(
            figure,
            x=there_and_back(budgets),
            y=band[0],
            color=colour,
            opacity=0.14,
            name="95 % interval",
        )
        slots.append(Slot(f"data[{number}].y", ("function",), band))
        number = add_line(
            figure,
            x=budgets,
            y=line[0],
            name=TEACHER_NAMES[t],
            color=colour,
            width=3.0,
            hovertemplate=f"{TEACHER_NAMES[t]}: %{{y:.1f}} %<extra></extra>",
            showlegend=False,
        )
        slots.append(Slot(f"data[{number}].y", ("function",), line))
        ends_at.append(float(line[0, -1]))
        number = add_points(
            figure,
            x=[0.0],
            y=[0.0],
            name=TEACHER_NAMES[t],
            color=colour,
            size=13,
            cliponaxis=False,
            hovertemplate="%{y:.1f} %<extra></extra>",
            showlegend=False,
        )
        slots += [
            Slot(f"data[{number}].x", ("budget",), budgets[:, None]),
            Slot(f"data[{number}].y", ("function", "budget"), line[..., None]),
        ]
    draw_chance(figure, result)
    if result.chance.mean:
        ends.append(100.0 * result.chance.mean)
    lay_out(figure, min(ends), max(ends))
    figure.update_layout(margin={"r": 150})
    upper = int(ends_at[1] > ends_at[0])
    apart = abs(ends_at[0] - ends_at[1]) > 0.12 * (max(ends) - min(ends))
    for t, spending in enumerate(spendings):
        figure.add_annotation(
            x=100.0,
            y=ends_at[t],
            text=f"taught by<br>{'people' if t == 0 else spending.records.teacher}",
            font={"color": TEACHER_COLOURS[TEACHERS[t]]},
            align="left",
            xanchor="left",
            xshift=10,
            yshift=0 if apart else (22 if t == upper else -22),
            showarrow=False,
        )
    shape = (len(FUNCTIONS), len(budgets))
    say = over_positions(shape, lambda f, b: teacher_words(result, f, b))
    axes = live_axes(Params)
    return LiveFigure(figure, axes, tuple(slots), Slot("", ("function", "budget"), say))
