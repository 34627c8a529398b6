"""What explanations cost in tokens, and from which worth of a right answer they pay."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot, over_positions
from workbench.figures.marks import add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.teaching.marks import (
    CHOSEN,
    FIGURE_HEIGHT,
    RANDOM,
    add_band,
    outline,
    there_and_back,
)
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, say_count, say_percent, say_points
from workbench.methods.teaching.allocation import TEACHERS
from workbench.methods.teaching.cost import RULES, SHARES, Params, Result

RULE_NAMES = {
    "utility": "by expected utility",
    "utility_per_token": "by expected utility per token",
    "random": "at random (on average)",
}
RULE_COLOURS = {
    "utility": PALETTE["amber"],
    "utility_per_token": CHOSEN,
    "random": RANDOM,
}
LIVE = ("teacher", "worth")


def draw_tokens(result: Result) -> LiveFigure:
    """Accuracy for every share of the tokens, and where the worth of a right answer stops."""
    figure = go.Figure()
    slots: list[Slot] = []
    prices = [result.prices[t] for t in TEACHERS]
    ends: list[float] = []
    for rule in RULES:
        values = 100.0 * np.array([p.curves[rule] for p in prices])
        ends += [float(values.min()), float(values.max())]
        number = add_line(
            figure,
            x=100.0 * SHARES,
            y=values[0],
            color=RULE_COLOURS[rule],
            name=RULE_NAMES[rule],
            dash="dash" if rule == "random" else "solid",
            hovertemplate=f"{RULE_NAMES[rule]}: %{{y:.1f}} %<extra></extra>",
            showlegend=True,
        )
        slots.append(Slot(f"data[{number}].y", ("teacher",), values))
    spent = 100.0 * np.array([p.spent for p in prices])
    reached = 100.0 * np.array([p.accuracy for p in prices])
    ends += [float(reached.min()), float(reached.max())]
    number = add_points(
        figure,
        x=[0.0],
        y=[0.0],
        color=PALETTE["purple"],
        symbol="diamond",
        size=15,
        name="only where it pays",
        showlegend=True,
        cliponaxis=False,
        hovertemplate="only where it pays: %{y:.1f} % for %{x:.0f} % of the tokens<extra></extra>",
    )
    slots += [
        Slot(f"data[{number}].x", LIVE, spent[..., None]),
        Slot(f"data[{number}].y", LIVE, reached[..., None]),
    ]
    figure.update_layout(template=TEMPLATE, height=FIGURE_HEIGHT, margin={"t": 60, "r": 24})
    figure.update_xaxes(
        title_text="tokens of explanation spent (% of all)", range=[-1.0, 101.0], dtick=20
    )
    figure.update_yaxes(
        title_text="questions the student gets right (%)", range=[min(ends) - 2.0, max(ends) + 2.0]
    )
    return LiveFigure(figure, live_axes(Params), tuple(slots), _words(result))


def draw_net(result: Result) -> LiveFigure:
    """What is left of the gain once the tokens are paid, for every worth of a right answer."""
    figure = go.Figure()
    slots: list[Slot] = []
    prices = [result.prices[t] for t in TEACHERS]
    worths = result.worths
    floor = -100.0 * max(p.mean_tokens for p in prices) / worths[len(worths) // 4]
    for name, colour, nets in (
        ("explain everything", RANDOM, [p.net_of_all for p in prices]),
        ("only where it pays", PALETTE["purple"], [p.net for p in prices]),
    ):
        band = 100.0 * np.array([outline(n.low, n.high) for n in nets])
        number = add_band(
            figure, x=there_and_back(worths), y=band[0], color=colour, name="95 % interval"
        )
        slots.append(Slot(f"data[{number}].y", ("teacher",), band))
        line = 100.0 * np.array([n.mean for n in nets])
        number = add_line(
            figure,
            x=worths,
            y=line[0],
            color=colour,
            width=3.0,
            name=name,
            hovertemplate=f"{name}: %{{y:.1f}}<extra></extra>",
            showlegend=True,
        )
        slots.append(Slot(f"data[{number}].y", ("teacher",), line))
        number = add_points(
            figure,
            x=[0.0],
            y=[0.0],
            color=colour,
            size=12,
            name=name,
            hoverinfo="skip",
            showlegend=False,
        )
        slots += [
            Slot(f"data[{number}].x", ("worth",), worths[:, None]),
            Slot(f"data[{number}].y", LIVE, line[..., None]),
        ]
    add_line(
        figure,
        x=[0.0, float(worths[-1])],
        y=[0.0, 0.0],
        color=PALETTE["grid"],
        width=1.0,
        hoverinfo="skip",
    )
    top = 100.0 * max(float(p.net.high.max()) for p in prices)
    figure.update_layout(template=TEMPLATE, height=FIGURE_HEIGHT, margin={"t": 60, "r": 24})
    figure.update_xaxes(title_text="a right answer is worth (tokens)", range=[0.0, worths[-1] + 20])
    figure.update_yaxes(
        title_text="gain less cost (right answers per 100 questions)",
        range=[floor, max(top * 1.15, 2.0)],
    )
    return LiveFigure(figure, live_axes(Params), tuple(slots), _words(result))


def _words(result: Result) -> Slot:
    def say(t: int, w: int) -> str:
        found = result.prices[TEACHERS[t]]
        worth = int(result.worths[w])
        net, everything = found.net.at(w), found.net_of_all.at(w)
        explained = say_count(float(found.explained[w]), "question")
        return join(
            [
                f"An explanation is {found.mean_tokens:.0f} tokens long on average. If a right "
                f"answer is worth {worth:,} tokens, {explained} of {result.questions} are "
                f"explained for {say_percent(float(found.spent[w]), 0)} of the tokens: "
                f"{say_percent(float(found.accuracy[w]))} right.",
                f"Gain less cost is {say_points(net.mean)} right answers per 100 questions (95 % "
                f"interval {say_points(net.low)} to {say_points(net.high)}), against "
                f"{say_points(everything.mean)} when everything is explained.",
                "The interval covers zero: at this price explaining has no detectable use."
                if net.covers_zero
                else "",
            ]
        )

    return Slot("", LIVE, over_positions((len(TEACHERS), len(result.worths)), say))
