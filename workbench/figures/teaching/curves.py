"""Budget curves: accuracy of the student for every share of explained questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Position, Slot, over_positions
from workbench.figures.marks import add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.teaching.marks import (
    BOUND,
    CHANCE,
    CHOSEN,
    FIGURE_HEIGHT,
    RANDOM,
    add_band,
    add_text,
    outline,
    there_and_back,
)
from workbench.figures.teaching.verdict import Judged, curve_words
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.intervals import NORMAL_95
from workbench.methods.teaching.allocation import TEACHERS, Params, Result
from workbench.methods.teaching.interventions import find
from workbench.methods.teaching.spending import FUNCTIONS, Spending

DRAWN_POINTS = 101
LIVE = ("teacher", "function", "budget")


def drawn_counts(questions: int) -> np.ndarray:
    """Numbers of explained questions at which curves are drawn: all, or evenly spread."""
    return np.unique(
        np.linspace(0, questions, min(questions + 1, DRAWN_POINTS)).round().astype(int)
    )


def words_everywhere(say: Callable[..., str], budgets: int) -> Slot:
    """Sentences for every teacher, function and budget."""
    return Slot("", LIVE, over_positions((len(TEACHERS), len(FUNCTIONS), budgets), say))


def draw_curves(result: Result) -> LiveFigure:
    """Every function's curve between oracle and anti-oracle, the chosen one with its interval."""
    return curves_of(result, live_axes(Params))


def curves_of(result: Judged, axes: Mapping[str, Sequence[Position]]) -> LiveFigure:
    """Budget curves of one student.

    Args:
        result: under all teachers of the axes, or under one where they name none.
        axes: live parameters with all their positions.
    """
    spendings = list(result.spendings.values())
    first = spendings[0]
    n = len(first.records.questions)
    counts = drawn_counts(n)
    x, budgets = 100.0 * counts / n, 100.0 * first.counts / n
    figure = go.Figure()
    slots: list[Slot] = []

    def of_teacher(read: Callable[[Spending], np.ndarray]) -> np.ndarray:
        return 100.0 * np.array([read(s) for s in spendings])

    def by_teacher(number: int, values: np.ndarray) -> None:
        slots.append(Slot(f"data[{number}].y", ("teacher",), values))

    reach = of_teacher(lambda s: NORMAL_95 * np.sqrt(s.random.variance[counts]))
    middle = of_teacher(lambda s: s.random.mean[counts])
    band = outline(middle - reach, middle + reach)
    by_teacher(
        add_band(figure, x=there_and_back(x), y=band[0], color=RANDOM, opacity=0.22, name="random"),
        band,
    )
    for name, read in (
        ("oracle", lambda s: s.oracle[counts]),
        ("anti-oracle", lambda s: s.anti_oracle[counts]),
    ):
        values = of_teacher(read)
        number = add_line(
            figure,
            x=x,
            y=values[0],
            name=name,
            color=BOUND,
            width=1.5,
            dash="dot",
            hovertemplate=f"{name}: %{{y:.1f}} %<extra></extra>",
            showlegend=False,
        )
        by_teacher(number, values)
        at = int(np.searchsorted(x, 30.0))
        label = add_text(
            figure,
            name,
            x=x[at],
            y=values[0, at],
            color=BOUND,
            textposition="top center" if name == "oracle" else "bottom center",
        )
        by_teacher(label, values[:, at : at + 1])
    at = int(np.searchsorted(x, 20.0))
    label = add_text(
        figure,
        "random choice",
        x=x[at],
        y=(middle - reach)[0, at],
        color=RANDOM,
        textposition="bottom center",
    )
    by_teacher(label, (middle - reach)[:, at : at + 1])
    by_teacher(
        add_line(
            figure,
            x=x[[0, -1]],
            y=middle[0, [0, -1]],
            name="random choice",
            color=RANDOM,
            dash="dash",
            hovertemplate="random choice: %{y:.1f} %<extra></extra>",
            showlegend=False,
        ),
        middle[:, [0, -1]],
    )
    for f, name in enumerate(FUNCTIONS):
        values = of_teacher(lambda s, f=f: s.curves[f, counts])
        number = add_line(
            figure,
            x=x,
            y=values[0],
            name=find(name).title,
            color=PALETTE["sky"] if name == "expected_utility" else PALETTE["grid"],
            width=1.8 if name == "expected_utility" else 1.0,
            opacity=1.0 if name == "expected_utility" else 0.6,
            hovertemplate=f"{find(name).title}: %{{y:.1f}} %<extra></extra>",
            showlegend=False,
        )
        by_teacher(number, values)
    _draw_chosen(figure, slots, spendings, counts)
    draw_chance(figure, result)
    low = 100.0 * min(s.anti_oracle.min() for s in spendings)
    high = 100.0 * max(s.oracle.max() for s in spendings)
    low = min(low, 100.0 * result.chance.mean) if result.chance.mean else low
    lay_out(figure, low, high)
    if "teacher" not in axes:
        slots = [one for slot in slots if (one := _of_one_teacher(slot)).axes]
        shape = (len(FUNCTIONS), len(budgets))
        texts = over_positions(shape, lambda f, b: curve_words(result, 0, f, b))
        return LiveFigure(figure, axes, tuple(slots), Slot("", LIVE[1:], texts))
    say = words_everywhere(lambda t, f, b: curve_words(result, t, f, b), len(budgets))
    return LiveFigure(figure, axes, tuple(slots), say)


def _of_one_teacher(slot: Slot) -> Slot:
    """What is left of a part when there is no other teacher to choose."""
    return Slot(slot.path, slot.axes[1:], slot.values[0]) if slot.axes[0] == "teacher" else slot


def _draw_chosen(
    figure: go.Figure, slots: list[Slot], spendings: Sequence[Spending], counts: np.ndarray
) -> None:
    """The chosen function's line, its paired interval around random choice, and the budget."""
    first = spendings[0]
    n = len(first.records.questions)
    budgets = 100.0 * first.counts / n
    chance = np.array([s.random_accuracy.mean for s in spendings])[:, None]
    ribbon = 100.0 * outline(
        chance + np.array([s.gain.low for s in spendings]),
        chance + np.array([s.gain.high for s in spendings]),
    )
    curves = 100.0 * np.array([s.curves[:, counts] for s in spendings])
    reached = 100.0 * np.array([s.accuracy.mean for s in spendings])
    chosen = ("teacher", "function")
    number = add_band(
        figure, x=there_and_back(budgets), y=ribbon[0, 0], color=CHOSEN, name="95 % interval"
    )
    slots.append(Slot(f"data[{number}].y", chosen, ribbon))
    number = add_line(
        figure,
        x=100.0 * counts / n,
        y=curves[0, 0],
        name="chosen",
        color=CHOSEN,
        width=3.5,
        hoverinfo="skip",
        showlegend=False,
    )
    slots.append(Slot(f"data[{number}].y", chosen, curves))
    number = add_line(
        figure,
        x=[0.0, 0.0],
        y=[0.0, 100.0],
        name="budget",
        color=PALETTE["grid"],
        width=1.0,
        hoverinfo="skip",
        showlegend=False,
    )
    slots.append(Slot(f"data[{number}].x", ("budget",), np.stack([budgets, budgets], axis=1)))
    number = add_points(
        figure,
        x=[0.0],
        y=[0.0],
        text=[""],
        mode="markers+text",
        textposition="top right",
        textfont={"size": 16, "color": CHOSEN},
        name="chosen budget",
        color=CHOSEN,
        size=13,
        cliponaxis=False,
        hovertemplate="%{y:.1f} %<extra></extra>",
        showlegend=False,
    )
    titles = [
        [[f"<b>{r:.1f} %</b>"] for r in reached[t, f]]
        for t in range(len(spendings))
        for f in range(len(FUNCTIONS))
    ]
    slots += [
        Slot(f"data[{number}].x", ("budget",), budgets[:, None]),
        Slot(f"data[{number}].y", LIVE, reached[..., None]),
        Slot(
            f"data[{number}].text",
            LIVE,
            [titles[t * len(FUNCTIONS) :][: len(FUNCTIONS)] for t in range(len(spendings))],
        ),
    ]


def draw_chance(figure: go.Figure, result: Judged) -> None:
    """Level lines of guessing and of always giving one answer."""
    if not result.chance.mean:
        return
    level = 100.0 * result.chance.mean
    names = [f"always “{a}”" for a, v in result.constants.items() if abs(100 * v - level) < 0.05]
    _draw_level(figure, level, " = ".join(["chance", *names]))
    for answer, accuracy in result.constants.items():
        if abs(100.0 * accuracy - level) >= 0.05:
            _draw_level(figure, 100.0 * accuracy, f"always “{answer}”")


def _draw_level(figure: go.Figure, level: float, name: str) -> None:
    add_line(
        figure,
        x=[0.0, 100.0],
        y=[level, level],
        name=name,
        color=CHANCE,
        width=1.5,
        dash="dashdot",
        hovertemplate=f"{name}: %{{y:.1f}} %<extra></extra>",
        showlegend=False,
    )
    figure.add_annotation(
        x=100.0,
        y=level,
        text=name,
        font={"color": CHANCE},
        xanchor="right",
        yanchor="top",
        showarrow=False,
    )


def lay_out(figure: go.Figure, low: float, high: float) -> None:
    """Axes of a budget curve, accuracies in percent."""
    figure.update_layout(template=TEMPLATE, height=FIGURE_HEIGHT, margin={"t": 24, "r": 30})
    figure.update_xaxes(title_text="explained questions (%)", range=[-1.0, 101.0], dtick=20)
    figure.update_yaxes(
        title_text="questions the student gets right (%)",
        range=[max(0.0, low - 4.0), min(101.0, high + 4.0)],
    )
