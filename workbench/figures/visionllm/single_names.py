"""Short dictionaries: what is found and what is wrongly found, by number of names."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_line, add_points, segments, thrice
from workbench.figures.theme import PALETTE
from workbench.figures.wording import join, say_number, say_percent
from workbench.methods.intervals import Interval
from workbench.methods.visionllm.single_names import FROM_THREE, SIZES, Result

NAMES = {FROM_THREE: "trained with three names or more"}


def draw_single_names(result: Result) -> LiveFigure:
    """Recall of named things and detections of others, with intervals over scenes."""
    figure = make_subplots(
        1, 2, horizontal_spacing=0.1,
        subplot_titles=["named things found", "other things found all the same"],
    )  # fmt: skip
    for column, every in enumerate((result.recall, result.unlisted), 1):
        for model, by_size in every.items():
            _add_curve(figure, column, model, by_size)
        figure.update_xaxes(
            title_text="names in the instruction",
            type="log",
            tickvals=list(SIZES),
            range=[-0.08, np.log10(SIZES[-1]) + 0.08],
            row=1,
            col=column,
        )
    figure.update_yaxes(title_text="percent", range=[0, 103], row=1, col=1)
    highest = max(
        100 * one.high for by_size in result.unlisted.values() for one in by_size.values()
    )
    figure.update_yaxes(range=[0, max(10.0, 1.1 * highest)], row=1, col=2)
    figure.update_layout(margin={"t": 72}, legend={"y": 1.1})
    return LiveFigure(figure, words=_words(result))


def _add_curve(figure, column: int, model: str, by_size: dict[int, Interval]) -> None:
    colour = PALETTE["vermilion" if model == FROM_THREE else "blue"]
    sizes = np.array(list(by_size))
    low, high = (
        100 * np.array([getattr(one, end) for one in by_size.values()]) for end in ("low", "high")
    )
    aside = 1.03 if model == FROM_THREE else 1 / 1.03
    add_line(
        figure, 1, column, x=thrice(sizes * aside), y=segments(low, high), color=colour, width=2,
        showlegend=False, hoverinfo="skip",
    )  # fmt: skip
    values = [100 * one.mean for one in by_size.values()]
    add_line(
        figure, 1, column, x=sizes * aside, y=values, color=colour, width=1.5, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
    add_points(
        figure, 1, column, x=sizes * aside, y=values, color=colour, size=10,
        name=NAMES.get(model, model), showlegend=column == 1, customdata=sizes,
        hovertemplate="%{customdata} names: %{y:.1f} %<extra></extra>",
    )  # fmt: skip


def _words(result: Result) -> str:
    model = result.params.model
    recall, unlisted = result.recall[model][1], result.unlisted[model][1]
    first = (
        f"Asked for one name, {model} finds {say_percent(recall.mean)} of the things it names "
        f"(95 % interval {_ends(recall)}) and {say_percent(unlisted.mean)} of the others "
        f"({_ends(unlisted)}); every class is asked for by itself in "
        f"{len(result.inputs.scenes)} scenes."
    )
    if FROM_THREE not in result.recall or model == FROM_THREE:
        second = "No network that never saw a short dictionary is here to compare with."
        return join([first, second if model != FROM_THREE else ""])
    short, long = result.recall[FROM_THREE][1], result.recall[FROM_THREE][SIZES[-1]]
    wrong, wrong_long = result.unlisted[FROM_THREE][1], result.unlisted[FROM_THREE][SIZES[-2]]
    falls = short.high < long.low or wrong.low > wrong_long.high
    return join(
        [
            first,
            f"The one that never saw fewer than three names finds {say_percent(short.mean)} with "
            f"one name and {say_percent(long.mean)} with {SIZES[-1]}; of the others it finds "
            f"{say_percent(wrong.mean)} with one.",
            "A prompt unlike those of training fails, though it looks simpler."
            if falls
            else "Short prompts cost it nothing that can be seen here; it was trained for fewer "
            "steps, which may be why it finds less at every length.",
        ]
    )


def _ends(one: Interval) -> str:
    return f"{say_number(100 * one.low, 1)} to {say_number(100 * one.high, 1)}"
