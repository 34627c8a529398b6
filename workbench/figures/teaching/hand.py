"""Be the teacher: rows to click, and the score once every explanation is spent."""

from __future__ import annotations

import textwrap

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_line, add_points
from workbench.figures.teaching.marks import CHOSEN, HARMED, HELPED, RANDOM, SAME
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, keep_together, say_count, say_percent, shorten
from workbench.methods.teaching.hand import Result, Score

ROW_PX = 27
QUESTION_CHARACTERS = 76
SCALE = (1.34, 1.80)
"""Where confidences 0 and 1 stand, in units of the room for the questions' text."""
RIGHT_EDGE = 1.96
OUTCOME_AT, RULE_AT = 1.86, 1.92


def draw_deal(result: Result) -> LiveFigure:
    """One row a question; a click explains it or takes it back."""
    figure = go.Figure()
    rows = np.arange(len(result.questions))[::-1]
    _draw_rows(figure, result, rows)
    _draw_confidence(figure, result, rows)
    if result.score is not None:
        _draw_outcome(figure, result.score, rows)
    figure.update_layout(
        template=TEMPLATE,
        height=ROW_PX * len(rows) + 96,
        margin={"l": 12, "r": 12, "t": 36, "b": 56},
        bargap=0.1,
    )
    figure.update_yaxes(visible=False, range=[-0.6, len(rows) - 0.4])
    ticks = [0.0, 0.5, 1.0] if result.before is not None else []
    figure.update_xaxes(
        range=[0.0, RIGHT_EDGE],
        tickvals=[_place(t) for t in ticks],
        ticktext=[f"{t:g}" for t in ticks],
        showgrid=False,
        showline=False,
    )
    if result.before is not None:
        figure.add_annotation(
            x=_place(0.5),
            xanchor="center",
            y=0.0,
            yref="paper",
            yanchor="top",
            yshift=-24,
            text="confidence in the right answer",
            showarrow=False,
        )
    return LiveFigure(figure, words=keep_together(_say(result)))


def _draw_rows(figure: go.Figure, result: Result, rows: np.ndarray) -> None:
    for is_picked, colour, opacity in ((False, PALETTE["grid"], 0.10), (True, CHOSEN, 0.34)):
        own = np.flatnonzero(result.is_picked == is_picked)
        figure.add_bar(
            x=np.full(len(own), RIGHT_EDGE),
            y=rows[own],
            orientation="h",
            marker={"color": colour},
            opacity=opacity,
            customdata=own,
            meta="pick",
            hovertext=[_hover(result, int(i)) for i in own],
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
            name="explained" if is_picked else "not explained",
        )
    lines = [
        f"{i}  {shorten(question.text, QUESTION_CHARACTERS, at_word=True)}"
        for i, question in enumerate(result.questions)
    ]
    figure.add_scatter(
        x=np.full(len(rows), 0.012),
        y=rows,
        text=[
            f"<b>{line}</b>" if is_picked else line
            for line, is_picked in zip(lines, result.is_picked, strict=True)
        ],
        mode="text",
        textposition="middle right",
        textfont={"size": 13},
        hoverinfo="skip",
        showlegend=False,
    )


def _draw_confidence(figure: go.Figure, result: Result, rows: np.ndarray) -> None:
    if result.before is None:
        return
    add_line(
        figure,
        x=[_place(0.5)] * 2,
        y=[-0.5, len(rows) - 0.5],
        color=PALETTE["grid"],
        width=1.0,
        hoverinfo="skip",
    )
    before = np.array([_place(v) for v in result.before])
    named = "the student alone" if result.after is None else "mental model: alone"
    if result.after is not None:
        after = np.array([_place(v) for v in result.after])
        gaps = np.full_like(after, np.nan)
        add_line(
            figure,
            x=np.stack([before, after, gaps], axis=1).ravel(),
            y=np.repeat(rows, 3).astype(float),
            color=SAME,
            width=1.5,
            hoverinfo="skip",
        )
        add_points(
            figure,
            x=after,
            y=rows,
            color=PALETTE["vermilion"],
            name="mental model: taught",
            showlegend=True,
            hoverinfo="skip",
            size=9,
        )
    add_points(
        figure,
        x=before,
        y=rows,
        color=PALETTE["blue"],
        name=named,
        showlegend=True,
        hoverinfo="skip",
        size=9,
    )


def _draw_outcome(figure: go.Figure, score: Score, rows: np.ndarray) -> None:
    for gain, colour, symbol, name in (
        (1, HELPED, "triangle-up", "help puts right"),
        (-1, HARMED, "triangle-down", "help spoils"),
        (0, SAME, "line-ew-open", "no change"),
    ):
        own = rows[score.gains == gain]
        add_points(
            figure,
            x=np.full(len(own), OUTCOME_AT),
            y=own,
            color=colour,
            symbol=symbol,
            size=11,
            name=name,
            showlegend=bool(len(own)),
            hoverinfo="skip",
        )
    own = rows[score.chosen_by_rule]
    add_points(
        figure,
        x=np.full(len(own), RULE_AT),
        y=own,
        color=PALETTE["purple"],
        symbol="star",
        size=10,
        name="expected utility's choice",
        showlegend=True,
        hoverinfo="skip",
    )


def _place(confidence: float) -> float:
    return SCALE[0] + (SCALE[1] - SCALE[0]) * float(confidence)


def _hover(result: Result, i: int) -> str:
    question = result.questions[i]
    lines = [
        f"<b>{'<br>'.join(textwrap.wrap(question.text, 64))}</b>",
        f"Right answer: {question.options[question.gold]}",
        "<br>".join(textwrap.wrap(f"Explanation: {result.explanations[i]}", 64)),
    ]
    return "<br>".join(lines)


def draw_score(result: Result) -> LiveFigure:
    """How likely random choice is to gain as much, with the person, the rule and the oracle."""
    figure = go.Figure()
    figure.update_layout(template=TEMPLATE, height=380, margin={"t": 70, "r": 20}, bargap=0.15)
    figure.update_xaxes(title_text="right answers gained by the explanations", dtick=1)
    figure.update_yaxes(title_text="how often random choice gains this (%)", rangemode="tozero")
    score = result.score
    if score is None:
        figure.update_xaxes(range=[-result.budget - 0.6, result.budget + 0.6])
        figure.update_yaxes(range=[0.0, 50.0])
        figure.add_annotation(
            x=0.0, y=25.0, text="Hidden until every explanation is spent.", showarrow=False
        )
        return LiveFigure(figure, words=keep_together(_say(result)))
    figure.add_bar(
        x=score.random_gains,
        y=100.0 * score.random_chances,
        marker={"color": RANDOM},
        opacity=0.7,
        name="random choice",
        showlegend=False,
        hovertemplate="random choice gains %{x} in %{y:.1f} % of draws<extra></extra>",
    )
    top = 100.0 * float(score.random_chances.max())
    for level, (name, gain, colour) in enumerate(
        (
            ("you", score.mine, PALETTE["blue"]),
            ("expected utility", score.expected_utility, PALETTE["purple"]),
            ("oracle", score.oracle, SAME),
        )
    ):
        height = top * (1.12 + 0.13 * level)
        add_line(figure, x=[gain, gain], y=[0.0, height], color=colour, width=2.0, hoverinfo="skip")
        figure.add_annotation(
            x=gain,
            y=height,
            text=f"<b>{name}</b>",
            font={"color": colour},
            yanchor="bottom",
            showarrow=False,
        )
    figure.update_yaxes(range=[0.0, top * 1.55])
    return LiveFigure(figure, words=keep_together(_say(result)))


def _say(result: Result) -> str:
    size, spent = len(result.questions), int(result.is_picked.sum())
    score = result.score
    if score is None:
        return join(
            [
                f"You may explain {result.budget} of these {size} questions; "
                f"{say_count(result.budget - spent, 'explanation')} left. Click a row to explain "
                "it, click again to take it back; point at it to read the explanation.",
                "What help does to each answer is shown once all are spent.",
            ]
        )
    alone = result.right_alone
    return join(
        [
            f"Your {result.budget} explanations gained {_signed(score.mine)}: the student has "
            f"{alone + score.mine} of {size} right, {alone} without help.",
            f"Random choice gains {_signed(score.random_mean)} on average and does at least as "
            f"well as you in {say_percent(score.chance_of_as_much, 0)} of draws; expected utility "
            f"gains {_signed(score.expected_utility)}, the oracle {_signed(score.oracle)}.",
            "One deal is a small sample: try others before you trust your eye."
            if score.mine > score.random_mean
            else "Expect such deals: with so few questions, luck outweighs skill.",
        ]
    )


def _signed(gain: float) -> str:
    whole = abs(gain - round(gain)) < 1e-9
    text = f"{gain:+.0f}" if whole else f"{gain:+.1f}"
    return "0" if text in ("+0", "-0") else text.replace("-", "\N{MINUS SIGN}")
