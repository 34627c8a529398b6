"""The transition: the exponent of the counted cost, and the rank, as B passes √(ln n)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from workbench.figures.attention.wording import log_ticks, say_number, say_power
from workbench.figures.live import LiveFigure, Slot, over_positions
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.attention.low_rank import paper_rank_bound, rank
from workbench.methods.attention.transition import RATIO, Frames, Params, Result

AXES = ("log2_tokens", "ratio")
RANK_DECADES = 18
"""Higher ranks leave the picture: n reaches 10¹²."""
MARKER = {"size": 15, "color": PALETTE["blue"], "line": {"width": 2, "color": "white"}}


def draw_phase(result: Result) -> LiveFigure:
    """Exponent of n in the counted cost against B / √(ln n): one frame for each n.

    Exact attention is the line at 2. Both counts of the rank are drawn, and what the sharper one
    tends to for n → ∞.
    """
    frames = result.frames
    figure = go.Figure()
    capped = np.minimum(frames.exponents, 2.0)
    # the line at 2 is drawn by the other curve
    paper = np.where(frames.paper_exponents <= 2.0, frames.paper_exponents, np.nan)
    limit = np.minimum(result.limit_exponents, 2.0)
    for name, x, y, line in (
        ("n → ∞", result.limit_ratios, limit, _line("exact", "dot", 2.5)),
        ("rank as the paper counts it", frames.ratios, paper[0], _line("published", "dash", 2.5)),
        ("rank with exponents matched", frames.ratios, capped[0], _line("blue", "solid", 4.5)),
    ):
        figure.add_scatter(
            x=x,
            y=y,
            customdata=None if x is result.limit_ratios else _nearest_positions(frames),
            meta=None if x is result.limit_ratios else "pick",
            name=name,
            mode="lines",
            line=line,
            hovertemplate=f"{name}<br>%{{x:.2f}} √(ln n): n^%{{y:.2f}}<extra></extra>",
        )
    _add_marker(figure)
    _add_rules(figure)
    places = _places(frames)
    chosen = capped[:, places]
    slots = (
        Slot("data[1].y", ("log2_tokens",), paper),
        Slot("data[2].y", ("log2_tokens",), capped),
        Slot("data[3].x[0]", ("ratio",), frames.ratios[places]),
        Slot("data[3].y[0]", AXES, chosen),
        Slot("data[3].text[0]", AXES, [[f"<b>n^{y:.2f}</b>" for y in row] for row in chosen]),
    )
    words = _over_positions(result, _say_phase)
    return LiveFigure(figure, live_axes(Params), slots, Slot("", AXES, words))


def draw_rank(result: Result) -> LiveFigure:
    """Columns of the factors against B, with the number of tokens they are meant to replace."""
    frames = result.frames
    bounds_b = frames.ratios * frames.thresholds_b[:, None]
    ranks = _power_of_ten(frames.log_ranks)
    paper = _power_of_ten(frames.log_paper_ranks)
    tokens = 2.0 ** frames.log2_tokens.astype(np.float64)
    widest = float(frames.thresholds_b.max())
    figure = go.Figure()
    for name, y, line in (
        ("rank as the paper counts it", paper[0], _line("published", "dash", 2.5)),
        ("rank, exponents matched", ranks[0], _line("purple", "solid", 4.5)),
    ):
        figure.add_scatter(
            x=bounds_b[0],
            y=y,
            customdata=_nearest_positions(frames),
            meta="pick",
            name=name,
            mode="lines",
            line=line,
            hovertemplate=f"{name}<br>B = %{{x:.2f}}: %{{y:.3s}} columns<extra></extra>",
        )
    figure.add_scatter(
        x=[0.0, widest * 1.02],
        y=[1.0, 1.0],
        name="tokens n",
        mode="lines+text",
        text=["", ""],
        textposition="top left",
        textfont={"color": PALETTE["danger"], "size": 16},
        line=_line("danger", "longdash", 2.0),
        showlegend=False,
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[1.0, 1.0],
        y=[1.0, 10.0**RANK_DECADES],
        name="√(ln n)",
        mode="lines+text",
        text=["", ""],
        textposition="bottom left",
        textfont={"color": PALETTE["threshold"], "size": 16},
        line=_line("threshold", "longdash", 2.0),
        showlegend=False,
        hoverinfo="skip",
    )
    _add_marker(figure, colour="purple", at="top left")
    figure.update_layout(template=TEMPLATE, height=500, margin={"t": 60, "r": 30})
    figure.update_xaxes(title_text="largest entry B", range=[0.0, widest * 1.02], dtick=1.0)
    figure.update_yaxes(
        title_text="columns of the factors",
        type="log",
        range=[0.0, float(RANK_DECADES)],
        **log_ticks(0, RANK_DECADES, 3),
    )
    places = _places(frames)
    chosen = ranks[:, places]
    counted = [[f"<b>{say_number(one)}</b>" for one in row] for row in chosen.tolist()]
    named = [f"n = {_say_tokens(frames, f)}" for f in _all(frames)]
    threshold = [f"√(ln n) = {b:.2f}" for b in frames.thresholds_b]
    slots = (
        *(Slot(f"data[{i}].x", ("log2_tokens",), bounds_b) for i in (0, 1)),
        Slot("data[0].y", ("log2_tokens",), np.where(paper <= 10.0**RANK_DECADES, paper, np.nan)),
        Slot("data[1].y", ("log2_tokens",), ranks),
        Slot("data[2].y", ("log2_tokens",), np.stack([tokens, tokens], axis=1)),
        Slot("data[2].text[1]", ("log2_tokens",), named),
        Slot("data[3].x", ("log2_tokens",), np.stack([frames.thresholds_b] * 2, axis=1)),
        Slot("data[3].text[1]", ("log2_tokens",), threshold),
        Slot("data[4].x[0]", AXES, bounds_b[:, places]),
        Slot("data[4].y[0]", AXES, chosen),
        Slot("data[4].text[0]", AXES, counted),
    )
    words = _over_positions(result, _say_rank)
    return LiveFigure(figure, live_axes(Params), slots, Slot("", AXES, words))


def _add_marker(figure: go.Figure, *, colour: str = "blue", at: str = "bottom right") -> None:
    figure.add_scatter(
        x=[0.0],
        y=[1.0],
        name="chosen",
        showlegend=False,
        mode="markers+text",
        text=[""],
        textposition=at,
        textfont={"size": 17},
        marker=MARKER | {"color": PALETTE[colour]},
        cliponaxis=False,
        hoverinfo="skip",
    )


def _add_rules(figure: go.Figure) -> None:
    """The two costs that everything lies between, named where they are."""
    figure.update_layout(
        template=TEMPLATE,
        height=500,
        margin={"t": 60, "r": 30},
        shapes=[
            {"type": "line", "xref": "x domain", "x0": 0.0, "x1": 1.0, "y0": y, "y1": y}
            | {"line": _line(role, "longdash", 1.5), "layer": "below"}
            for y, role in ((2.0, "danger"), (1.0, "green"))
        ],
        annotations=[
            {"xref": "x domain", "x": x, "y": y, "text": text, "xanchor": anchor}
            | {"yanchor": "bottom", "font": {"color": PALETTE[role], "size": 16}}
            for x, y, text, role, anchor in (
                (0.99, 2.01, "exact attention: n²", "danger", "right"),
                (0.99, 1.01, "linear: n¹", "green", "right"),
            )
        ],
    )
    figure.update_xaxes(title_text="B / √(ln n)", range=[0.0, 1.02], dtick=0.1)
    figure.update_yaxes(
        title_text="counted cost, as a power of n", range=[0.93, 2.12], dtick=0.25, tickformat=".2f"
    )


def _line(role: str, dash: str, width: float) -> dict[str, object]:
    return {"color": PALETTE[role], "dash": dash, "width": width}


def _places(frames: Frames) -> list[int]:
    """Where the positions of the ratio's slider lie on the curves."""
    return [int(np.argmin(np.abs(frames.ratios - one))) for one in RATIO.positions()]


def _nearest_positions(frames: Frames) -> list[float]:
    """For each point of a curve, the nearest position of the ratio's slider: what a click sets."""
    return [min(RATIO.positions(), key=lambda one: abs(one - x)) for x in frames.ratios.tolist()]


def _all(frames: Frames) -> range:
    return range(len(frames.log2_tokens))


def _power_of_ten(log: np.ndarray) -> np.ndarray:
    """e^log, kept within what single precision holds."""
    return np.exp(np.minimum(log, 87.0))


def _over_positions(result: Result, say: Callable[[Result, int, int], str]) -> list[list[str]]:
    places = _places(result.frames)
    shape = (len(result.frames.log2_tokens), len(places))
    return over_positions(shape, lambda f, x: say(result, f, places[x]))


def _say_tokens(frames: Frames, f: int) -> str:
    return say_power(int(frames.log2_tokens[f]), base=2)


def _say_place(result: Result, f: int, x: int) -> str:
    frames, p = result.frames, result.params.accuracy_power
    bound_b = float(frames.ratios[x] * frames.thresholds_b[f])
    accuracy = "1/n" if p == 1.0 else f"1/n^{p:g}"
    return (
        f"For n = {_say_tokens(frames, f)} tokens of dimension {int(frames.dimensions[f])}, error "
        f"{accuracy} and B = {bound_b:.2f}, degree {int(frames.degrees[f, x])} is certified"
    )


def _say_phase(result: Result, f: int, x: int) -> str:
    frames = result.frames
    exponent = float(frames.exponents[f, x])
    if exponent < 2.0:
        saving = 2.0 ** ((2.0 - exponent) * float(frames.log2_tokens[f]))
        verdict = (
            f": counted, not timed, the method costs n^{exponent:.2f}, {say_number(saving)} times "
            "less than exact attention."
        )
    else:
        verdict = (
            f", and the method would cost n^{exponent:.2f}: exact attention at n² is cheaper, "
            "so the curve stays at 2."
        )
    limit = min(2.0, result.limit_at(float(frames.ratios[x])))
    return (
        f"{_say_place(result, f, x)}{verdict} It helps up to B = "
        f"{float(frames.knee_ratios[f]):.2f} √(ln n). With ever more tokens the curve tends to the "
        f"dotted one (here {limit:.2f}), which reaches 1 only at the left end: almost linear time "
        "needs B to grow more slowly than √(ln n)."
    )


def _say_rank(result: Result, f: int, x: int) -> str:
    frames = result.frames
    degree, dimension = int(frames.degrees[f, x]), int(frames.dimensions[f])
    columns, tokens = rank(degree, dimension), 2 ** int(frames.log2_tokens[f])
    paper = paper_rank_bound(degree, dimension)
    compared = (
        f"{say_number(tokens / columns)} times fewer than tokens"
        if columns <= tokens
        else f"{say_number(columns / tokens)} times more than tokens: low rank no longer helps"
    )
    return (
        f"{_say_place(result, f, x)}. That takes {say_number(float(columns))} columns, {compared}. "
        f"The paper's simpler count allows {say_number(float(paper))}, enough for its theorem."
    )
