"""Success of every method with its interval, over all tasks and task by task."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.grounded.marks import METHOD_COLOURS, METHOD_NAMES
from workbench.figures.grounded.published import draw_published_tables
from workbench.figures.grounded.wording import say_times, verdict_of
from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_line, add_points, segments, thrice
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, say_gain, say_percent
from workbench.methods.grounded.comparison import Result, by_category
from workbench.methods.grounded.episode import METHODS

COLOURS = [METHOD_COLOURS[method] for method in METHODS]
NAMES = [METHOD_NAMES[method] for method in METHODS]


def draw_success(result: Result) -> LiveFigure:
    """Success over all scenes, and tokens read for one command, of every method."""
    figure = make_subplots(1, 2, column_widths=[0.58, 0.42], horizontal_spacing=0.08)
    heights = np.arange(len(METHODS))[::-1].astype(float)
    found = [result.success[method] for method in METHODS]
    low, high = (100.0 * np.array([getattr(one, end) for one in found]) for end in ("low", "high"))
    add_line(
        figure,
        1,
        1,
        x=segments(low, high),
        y=thrice(heights),
        color=PALETTE["exact"],
        width=4,
        opacity=0.55,
        hoverinfo="skip",
        showlegend=False,
    )
    add_points(
        figure,
        1,
        1,
        x=[100.0 * one.mean for one in found],
        y=heights,
        text=[say_percent(one.mean, 0) for one in found],
        textposition="top center",
        cliponaxis=False,
        color=COLOURS,
        size=16,
        showlegend=False,
        hovertemplate="%{x:.1f} %<extra></extra>",
    )
    if (without := result.without_habit) is not None:
        add_points(
            figure,
            1,
            1,
            x=[100.0 * without.success.mean],
            y=[heights[METHODS.index("greedy")] - 0.3],
            text=["without our habit"],
            textposition="middle right",
            color=METHOD_COLOURS["greedy"],
            symbol="circle-open",
            size=12,
            line={"width": 2, "color": METHOD_COLOURS["greedy"]},
            showlegend=False,
            hovertemplate="%{x:.1f} %<extra></extra>",
        )
    tokens = np.array([result.tokens[method] for method in METHODS])
    figure.add_bar(
        x=tokens,
        y=heights,
        orientation="h",
        width=0.5,
        marker={"color": COLOURS},
        text=[f"{count:,.0f}" for count in tokens],
        textposition="outside",
        cliponaxis=False,
        showlegend=False,
        hovertemplate="%{x:,.1f} tokens<extra></extra>",
        row=1,
        col=2,
    )
    figure.update_layout(template=TEMPLATE, height=400, margin={"t": 30, "l": 190, "r": 60})
    figure.update_xaxes(title_text="goals reached (%)", range=[-4, 104], row=1, col=1)
    figure.update_xaxes(
        title_text="tokens read for one command",
        type="log",
        dtick=1,
        range=[0, float(np.log10(tokens.max())) + 0.35],
        row=1,
        col=2,
    )
    figure.update_yaxes(range=[-0.6, len(METHODS) - 0.3], showgrid=False)
    figure.update_yaxes(tickvals=heights, ticktext=NAMES, row=1, col=1)
    figure.update_yaxes(tickvals=heights, showticklabels=False, row=1, col=2)
    gain = result.gains["greedy", "ungrounded"]
    whole = result.gains["saycan", "greedy"]
    ratio = result.tokens["saycan"] / result.tokens["greedy"]
    words = join(
        [
            f"On {result.episodes} scenes grounding changes success by {say_gain(gain, 0)}: "
            f"{verdict_of(gain)}.",
            f"SayCan against greedy: {say_gain(whole, 0)}, {verdict_of(whole)}, for "
            f"{say_times(ratio)} the tokens.",
            "The model alone chooses from the same list of commands here.",
            _say_habit(result),
        ]
    )
    return LiveFigure(figure, words=words)


def _say_habit(result: Result) -> str:
    """That one grounder is not the paper's, and what becomes of greedy decoding without it."""
    without = result.without_habit
    if result.params.world == "pairs":
        return join(
            [
                "Nothing here is our addition: the habit grounder is off and “done” is left to the "
                "model. The table holds three blocks and their three bowls alone.",
                _say_early(result),
            ]
        )
    if result.params.world != "tabletop":
        return ""
    if without is None:
        return "All grounded methods use the habit grounder, which is ours and not the paper's."
    alone, low, high, beside = (
        say_percent(share, 0)
        for share in (
            without.success.mean,
            without.success.low,
            without.success.high,
            without.success.mean - without.loss.mean,
        )
    )
    verdict = (
        "no detectable gain over the model alone is left."
        if without.gain.covers_zero
        else f"{say_gain(without.gain, 0)} against the model alone are left."
    )
    return (
        "One grounder, the habit, is ours and not the paper's: without it greedy decoding reaches "
        f"{alone} ({low} to {high}) on {without.scenes} of these scenes, with it {beside}; "
        f"{verdict}"
    )


def _say_early(result: Result) -> str:
    """That beam and SayCan stop before greedy decoding does, and why."""
    greedy, beam, saycan = (result.commands[method] for method in ("greedy", "beam", "saycan"))
    if max(beam, saycan) >= greedy:
        return ""
    return (
        f"Beam and SayCan stop early, after {beam:.1f} and {saycan:.1f} commands; greedy decoding "
        f"gives {greedy:.1f}. They weigh whole commands, and every token of a long one costs "
        "probability: “done” is the shortest. Greedy decoding compares its first word alone."
    )


def draw_tasks(result: Result) -> LiveFigure:
    """Success task by task: the language model alone, greedy, beam and SayCan."""
    figure = go.Figure().set_subplots(1, 1)
    heights = np.arange(len(result.tasks))[::-1].astype(float)
    rows = [result.by_task[name] for name in result.tasks]
    ends = 100.0 * np.array([(row["ungrounded"].mean, row["greedy"].mean) for row in rows])
    add_line(
        figure,
        1,
        1,
        x=segments(ends[:, 0], ends[:, 1]),
        y=thrice(heights),
        color=PALETTE["grid"],
        width=3,
        opacity=0.5,
        hoverinfo="skip",
        showlegend=False,
    )
    # equal rates would hide one another on one line
    lifts = dict(zip(METHODS, (0.0, 0.0, 0.16, -0.16), strict=True))
    for method, symbol in zip(METHODS, ("circle-open", "square", "diamond", "x"), strict=True):
        add_points(
            figure,
            1,
            1,
            x=[100.0 * row[method].mean for row in rows],
            y=heights + lifts[method],
            name=METHOD_NAMES[method],
            color=METHOD_COLOURS[method],
            symbol=symbol,
            size=16 if method == "ungrounded" else 11,  # a ring around whatever equals it
            line={"width": 2, "color": METHOD_COLOURS[method]},
            hovertext=[
                f"{METHOD_NAMES[method]}: {say_percent(row[method].mean, 0)} "
                f"({say_percent(row[method].low, 0)} to {say_percent(row[method].high, 0)})"
                for row in rows
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    height = max(320, 110 + 24 * len(result.tasks))
    figure.update_layout(template=TEMPLATE, height=height, margin={"t": 50, "l": 190, "r": 30})
    figure.update_xaxes(title_text="goals reached (%)", range=[-3, 103])
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[name.replace("_", " ") for name in result.tasks],
        range=[-0.7, len(result.tasks) - 0.3],
    )
    better = sum(row["greedy"].mean > row["ungrounded"].mean for row in rows)
    worse = sum(row["greedy"].mean < row["ungrounded"].mean for row in rows)
    counts = sorted(set(result.scenes.values()))
    scenes = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    words = join(
        [
            f"{scenes} scenes a task. Grounding helps in {better} of {len(rows)} tasks and hurts "
            f"in {worse}.",
            "With so few scenes a single task's interval is wide; point at a mark to read it.",
            "Grounding knows what can be done, not what was asked: a task the language model "
            "does not understand stays lost.",
        ]
    )
    return LiveFigure(figure, words=words)


def draw_published(result: Result) -> LiveFigure:
    """The paper's tables, with the means of the tasks that were measured here."""
    return draw_published_tables(by_category(result))
