"""The cost race: what choosing one command costs as the list of commands grows."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.grounded.marks import METHOD_COLOURS, METHOD_NAMES
from workbench.figures.grounded.wording import say_times
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join
from workbench.methods.grounded.published import EFFICIENCY
from workbench.methods.grounded.race import METHODS, Result

LABELLED = {
    "greedy": "greedy",
    "beam": "beam, at most",
    "saycan_shared": "SayCan, shared prefixes",
    "saycan": "SayCan",
}


def draw_cost(result: Result) -> LiveFigure:
    """Tokens, and seconds where they were measured, against the number of commands."""
    axes = live_axes(type(result.params))
    widths = [int(str(width)) for width in axes["beam_width"]]
    beams = np.array([result.beam_tokens(width) for width in widths])
    tokens = {**result.tokens, "beam": beams[widths.index(result.params.beam_width)]}
    has_seconds = any(np.isfinite(values).any() for values in result.seconds.values())
    figure = make_subplots(1, 2 if has_seconds else 1, horizontal_spacing=0.15)
    slots = []
    for method in METHODS:
        number = add_line(
            figure,
            1,
            1,
            x=result.counts,
            y=tokens[method],
            name=LABELLED[method],
            color=METHOD_COLOURS[method],
            hovertemplate=f"{LABELLED[method]}, %{{x:,}} commands: %{{y:,.0f}} tokens"
            "<extra></extra>",
        )
        if method == "beam":
            slots.append(Slot(f"data[{number}].y", ("beam_width",), beams))
    for method, seconds in result.seconds.items():
        shown = np.isfinite(seconds)
        if shown.any():
            _add_seconds(figure, method, result.counts[shown], seconds[shown])
    figure.update_xaxes(title_text="commands in the list", type="log", dtick=1)
    figure.update_yaxes(title_text="tokens read for one command", type="log", dtick=1, row=1, col=1)
    if has_seconds:
        measured = result.counts[np.isfinite(result.seconds["greedy"])]
        figure.update_xaxes(tickvals=measured, ticktext=[f"{c:,}" for c in measured], row=1, col=2)
        figure.update_yaxes(title_text="seconds for one command", type="log", row=1, col=2)
    figure.update_layout(template=TEMPLATE, height=480, margin={"t": 60, "l": 84, "r": 30})
    add_line(
        figure,
        1,
        1,
        x=result.counts[[0, -1]],
        y=[EFFICIENCY["SayCan"][1] * result.command_tokens] * 2,
        name="SayCan, published ratio",
        color=PALETTE["published"],
        dash="dot",
        width=2,
        hovertemplate="published ratio to greedy's tokens<extra></extra>",
    )
    words = Slot("", ("beam_width",), [_words(result, width) for width in widths])
    return LiveFigure(figure, {"beam_width": axes["beam_width"]}, tuple(slots), words)


def _add_seconds(figure: go.Figure, method: str, counts: np.ndarray, seconds: np.ndarray) -> None:
    add_points(
        figure,
        1,
        2,
        x=counts,
        y=seconds,
        name=METHOD_NAMES[method],
        color=METHOD_COLOURS[method],
        showlegend=False,
        hovertemplate=f"{LABELLED[method]}, %{{x:,}} commands: %{{y:.2f}} s<extra></extra>",
    )
    add_line(
        figure,
        1,
        2,
        x=counts,
        y=seconds,
        color=METHOD_COLOURS[method],
        showlegend=False,
        hoverinfo="skip",
        width=1.5,
    )


def _words(result: Result, width: int) -> str:
    at = int(np.flatnonzero(result.counts == 462)[0])
    naive, shared = result.tokens["saycan"], result.tokens["saycan_shared"]
    ratio = float(naive[at] / result.command_tokens)
    beam = float(result.beam_tokens(width)[at] / result.command_tokens)
    return join(
        [
            f"With 462 commands SayCan reads {int(naive[at]):,} tokens to choose one, greedy "
            f"decoding {result.command_tokens}: {say_times(ratio)} as many; a beam of {width} "
            f"at most {say_times(beam)}.",
            f"Reading shared beginnings only once leaves {int(shared[at]):,}, and with "
            f"{int(result.counts[-1]):,} commands {int(shared[-1]):,}: still the whole list.",
            f"The paper reports {EFFICIENCY['SayCan'][1]:g} times (published).",
        ]
    )
