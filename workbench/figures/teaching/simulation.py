"""Is the mental model any good: calibration of its guesses, and how they rank the questions."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.teaching.marks import CHOSEN, HARMED, HELPED, SAME
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, keep_together, say_number, say_percent
from workbench.methods.intervals import Interval
from workbench.methods.teaching.allocation import TEACHERS
from workbench.methods.teaching.simulation import MOMENTS, Params, Quality, Result

PANELS = ("the student alone", "the student taught")
ENDS = [-0.03, 1.03]


def draw_reliability(result: Result) -> LiveFigure:
    """Guessed confidence against the share of right answers, alone and taught."""
    figure = make_subplots(1, 2, horizontal_spacing=0.08, shared_yaxes=True, subplot_titles=PANELS)
    slots: list[Slot] = []
    qualities = [result.qualities[t] for t in TEACHERS]
    for col, moment in enumerate(MOMENTS, start=1):
        found = [q.reliability[moment] for q in qualities]
        place = {"row": 1, "col": col}
        add_line(
            figure,
            x=[0.0, 1.0],
            y=[0.0, 1.0],
            color=SAME,
            width=1.5,
            dash="dot",
            hoverinfo="skip",
            **place,
        )
        strokes = np.array(
            [np.stack([f.low, f.high, np.full_like(f.low, np.nan)], 1) for f in found]
        )
        number = add_line(
            figure,
            x=np.repeat(found[0].guessed, 3),
            y=strokes[0].ravel(),
            color=CHOSEN,
            width=2.0,
            hoverinfo="skip",
            **place,
        )
        guessed = np.array([f.guessed for f in found])
        slots += [
            Slot(f"data[{number}].x", ("teacher",), np.repeat(guessed, 3, axis=1)),
            Slot(f"data[{number}].y", ("teacher",), strokes.reshape(len(found), -1)),
        ]
        right = np.array([f.right for f in found])
        number = add_points(
            figure,
            x=guessed[0],
            y=right[0],
            color=CHOSEN,
            size=11,
            hovertemplate="guessed %{x:.2f}: right in %{y:.0%}<extra></extra>",
            **place,
        )
        slots += [
            Slot(f"data[{number}].x", ("teacher",), guessed),
            Slot(f"data[{number}].y", ("teacher",), right),
        ]
        figure.update_xaxes(
            title_text="guessed confidence in the right answer", range=ENDS, row=1, col=col
        )
    figure.update_yaxes(range=ENDS, tickformat=".0%")
    figure.update_yaxes(title_text="how often it was right", row=1, col=1)
    figure.update_layout(template=TEMPLATE, height=460, margin={"t": 50, "r": 20})
    words = [keep_together(_say_reliability(q)) for q in qualities]
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", ("teacher",), words))


def _say_reliability(quality: Quality) -> str:
    def of(moment: str, name: str) -> str:
        found = quality.reliability[moment]
        lean = found.mean_guess - found.mean_right
        side = "too high" if lean > 0.03 else "too low" if lean < -0.03 else "right on average"
        return (
            f"{name} it guesses {say_percent(found.mean_guess, 0)} on average and "
            f"{say_percent(found.mean_right, 0)} are right: {side}, and off by "
            f"{say_percent(found.error, 0)} from bin to bin."
        )

    return join(
        [
            of("before", "For the student alone"),
            of("after", "For the taught student"),
            "A budget needs only the order of the guesses, not their level: see 'Ranking'.",
        ]
    )


def draw_ranking(result: Result) -> LiveFigure:
    """Expected against true utility of every question, coloured by what help did."""
    figure = go.Figure()
    slots: list[Slot] = []
    qualities = [result.qualities[t] for t in TEACHERS]
    across = _ends([q.utility for q in qualities])
    up = _ends([q.true_utility for q in qualities])
    for axis, ends in (("x", across), ("y", up)):
        zero = [0.0, 0.0]
        add_line(
            figure,
            x=ends if axis == "x" else zero,
            y=zero if axis == "x" else ends,
            color=PALETTE["grid"],
            width=1.0,
            hoverinfo="skip",
        )
    for gain, colour, name in (
        (0, SAME, "no change"),
        (1, HELPED, "wrong → right"),
        (-1, HARMED, "right → wrong"),
    ):
        members = [np.flatnonzero(q.gains == gain) for q in qualities]
        width = max(1, *(len(m) for m in members))
        places = np.full((len(qualities), 2, width), np.nan)
        for t, (quality, own) in enumerate(zip(qualities, members, strict=True)):
            places[t, 0, : len(own)] = quality.utility[own]
            places[t, 1, : len(own)] = quality.true_utility[own]
        number = add_points(
            figure,
            x=places[0, 0],
            y=places[0, 1],
            color=colour,
            size=8,
            name=name,
            showlegend=True,
            hovertemplate="expected %{x:.2f}, true %{y:.2f}<extra></extra>",
        )
        slots += [
            Slot(f"data[{number}].x", ("teacher",), places[:, 0]),
            Slot(f"data[{number}].y", ("teacher",), places[:, 1]),
        ]
    figure.update_layout(template=TEMPLATE, height=500, margin={"t": 44, "r": 20})
    figure.update_xaxes(title_text="expected utility (mental model)", range=across)
    figure.update_yaxes(title_text="true utility (student)", range=up)
    words = [keep_together(_say_ranking(q, result)) for q in qualities]
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", ("teacher",), words))


def _ends(parts: list[np.ndarray]) -> list[float]:
    """Around the values and zero."""
    values = np.concatenate([*parts, [0.0]])
    return [float(values.min()) - 0.05, float(values.max()) + 0.05]


def _say_ranking(quality: Quality, result: Result) -> str:
    correlation, helped = quality.correlation, quality.helped
    related = (
        "no detectable relation"
        if correlation.covers_zero
        else "more than chance would give"
        if correlation.mean > 0.0
        else "the wrong way round"
    )
    found = (
        "no better than a coin"
        if helped.low <= 0.5 <= helped.high
        else "better than a coin"
        if helped.mean > 0.5
        else "worse than a coin"
    )
    return join(
        [
            f"Expected and true utility have a rank correlation of {_say(correlation)}: {related}.",
            f"Of a question that help puts right and one that it does not, the first has the "
            f"higher expected utility in {say_percent(helped.mean, 0)} of pairs (95 % interval "
            f"{say_percent(helped.low, 0)} to {say_percent(helped.high, 0)}): {found}.",
            f"Drawn are the {result.questions} questions of the run with seed {result.seed}.",
        ]
    )


def _say(one: Interval) -> str:
    return f"{say_number(one.mean)} (95 % interval {say_number(one.low)} to {say_number(one.high)})"
