"""The ledger of failures: what became of every episode, and whose fault it was."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.grounded.marks import METHOD_NAMES, OUTCOME_COLOURS, OUTCOME_NAMES
from workbench.figures.live import LiveFigure
from workbench.figures.marks import segments, thrice
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, say_percent
from workbench.methods.grounded.comparison import Result
from workbench.methods.grounded.episode import METHODS, OUTCOMES


def draw_ledger(result: Result) -> LiveFigure:
    """Share of the episodes by outcome, with intervals, for every method."""
    figure = go.Figure()
    step = 0.19
    for place, outcome in enumerate(OUTCOMES):
        heights = np.array([-i + step * (1.5 - place) for i in range(len(METHODS))])
        found = [result.outcomes[method][outcome] for method in METHODS]
        figure.add_bar(
            x=[100.0 * one.mean for one in found],
            y=heights,
            orientation="h",
            width=step * 0.92,
            name=OUTCOME_NAMES[outcome],
            marker={"color": OUTCOME_COLOURS[outcome]},
            hovertext=[
                f"{OUTCOME_NAMES[outcome]}: {say_percent(one.mean, 0)} ({say_percent(one.low, 0)} "
                f"to {say_percent(one.high, 0)})"
                for one in found
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
        low, high = (
            100.0 * np.array([getattr(one, end) for one in found]) for end in ("low", "high")
        )
        figure.add_scatter(
            x=segments(low, high),
            y=thrice(heights),
            mode="lines",
            line={"color": PALETTE["exact"], "width": 2},
            hoverinfo="skip",
            showlegend=False,
        )
    figure.update_layout(
        template=TEMPLATE, height=480, barmode="overlay", margin={"t": 50, "l": 190, "r": 30}
    )
    figure.update_xaxes(title_text="episodes (%), with 95 % intervals", range=[0, 102])
    figure.update_yaxes(
        tickvals=[-i for i in range(len(METHODS))],
        ticktext=[METHOD_NAMES[method] for method in METHODS],
        range=[0.6 - len(METHODS), 0.5],
        showgrid=False,
    )
    greedy, alone = result.outcomes["greedy"], result.outcomes["ungrounded"]
    worst = max((o for o in OUTCOMES if o != "success"), key=lambda o: greedy[o].mean)
    words = join(
        [
            f"The plan itself is at fault in {say_percent(alone['planner'].mean, 0)} of the "
            f"episodes of the language model alone and in {say_percent(greedy['planner'].mean, 0)} "
            f"of the grounded ones; the hand in {say_percent(greedy['policy'].mean, 0)}.",
            f"What grounded episodes fail by most is “{OUTCOME_NAMES[worst]}”.",
            "A failed hand is never told to the model: it goes on as if the step had worked.",
        ]
    )
    return LiveFigure(figure, words=words)
