"""What a model makes of one replaced head: the next word, and the text it writes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.attention.heads_wording import show_token
from workbench.figures.attention.swap_wording import say_next_word, say_texts
from workbench.figures.attention.wording import KIND_COLOURS, KIND_NAMES, log_ticks
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.methods.attention.polynomial import KINDS
from workbench.methods.attention.swap import DEGREES, Effect, Params, Result

AXES = ("kind", "degree")
FLOOR = 1e-7
"""Smaller divergences are drawn here: below rounding they are noise."""
BASELINE_STYLE = {
    "zero": ("no head at all", PALETTE["danger"], "solid"),
    "mean": ("mean of the values", PALETTE["baseline"], "dot"),
    "projected": ("exact eˣ, projected", PALETTE["exact"], "dash"),
}
CHARACTERS_IN_LINE = 84


def draw_next_word(result: Result) -> LiveFigure:
    """How far the next word's distribution moves: at each position, and on average by degree."""
    figure = make_subplots(1, 2, column_widths=[0.62, 0.38], horizontal_spacing=0.1)
    slots = [*_add_positions(figure, result), *_add_degrees(figure, result)]
    figure.update_layout(
        template=TEMPLATE,
        height=470,
        margin={"t": 90, "r": 20},
        legend={"y": 1.06},
    )
    values = [effect.divergence for effect in _all_effects(result)]
    highest = max(float(np.nanmax(one)) for one in values if np.isfinite(one).any())
    top = np.log10(max(highest, 1e-5)) + 0.3
    figure.update_xaxes(title_text="position in the text", showgrid=False, row=1, col=1)
    figure.update_xaxes(
        title_text="degree g",
        tickvals=DEGREES,
        range=[DEGREES[0] - 5.2, DEGREES[-1] + 0.7],  # room for names on the left
        showgrid=False,
        row=1,
        col=2,
    )
    for column in (1, 2):
        figure.update_yaxes(type="log", range=[-7.2, top], row=1, col=column, **log_ticks(-7, 2, 1))
    figure.update_yaxes(title_text="KL divergence of the next word, nats", row=1, col=1)
    figure.update_yaxes(title_text="mean over the text, nats", row=1, col=2)
    words = [[say_next_word(result, kind, g) for g in DEGREES] for kind in KINDS]
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", AXES, words))


def draw_texts(result: Result) -> LiveFigure:
    """What each variant writes after the text, side by side; bold from the first difference."""
    figure = go.Figure(go.Scatter(x=[0], y=[0], mode="markers", marker={"opacity": 0}))
    rows = [
        (f"the model itself, after “{_end_of(result)}”", PALETTE["exact"], None),
        ("polynomial", PALETTE["blue"], "polynomial"),
        *((words, colour, name) for name, (words, colour, _) in BASELINE_STYLE.items()),
    ]
    slots: list[Slot] = []
    for number, (label, colour, name) in enumerate(rows):
        y = 1.0 - number / len(rows)
        figure.add_annotation(
            text=f"<b>{label}</b>",
            font={"color": colour},
            **_place(0.0, y),
        )
        effect = result.baselines.get(name or "")
        figure.add_annotation(
            text=_show_text(result, effect.text if effect else result.text),
            font={"size": 16},
            **_place(0.0, y - 0.055),
        )
        if name == "polynomial":
            label_at, text_at = 2 * number, 2 * number + 1
            titles = [[f"<b>{KIND_NAMES[kind]}, degree {g}</b>" for g in DEGREES] for kind in KINDS]
            texts = [
                [_show_effect(result, result.polynomials[kind, g]) for g in DEGREES]
                for kind in KINDS
            ]
            colours = [KIND_COLOURS[kind] for kind in KINDS]
            slots += [
                Slot(f"layout.annotations[{label_at}].text", AXES, titles),
                Slot(f"layout.annotations[{label_at}].font.color", ("kind",), colours),
                Slot(f"layout.annotations[{text_at}].text", AXES, texts),
            ]
    figure.update_layout(template=TEMPLATE, height=500, margin={"t": 20, "l": 20, "r": 20, "b": 10})
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    words = [[say_texts(result, kind, g) for g in DEGREES] for kind in KINDS]
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", AXES, words))


def _add_positions(figure: go.Figure, result: Result) -> list[Slot]:
    shown = [show_token(token) for token in result.tokens]
    position = np.arange(1, len(shown) + 1)
    for name, (label, colour, dash) in BASELINE_STYLE.items():
        figure.add_scatter(
            x=position,
            y=np.maximum(result.baselines[name].divergence, FLOOR),
            name=label,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 1.5},
            text=shown,
            hovertemplate=f"after “%{{text}}”: %{{y:.2g}} nats<extra>{label}</extra>",
            row=1,
            col=1,
        )
    number = len(list(figure.data))
    drawn = _stack(result, lambda effect: effect.divergence)
    figure.add_scatter(
        x=position,
        y=drawn[0, 0],
        name="polynomial",
        mode="lines",
        line={"color": KIND_COLOURS[KINDS[0]], "width": 3},
        text=shown,
        hovertemplate="after “%{text}”: %{y:.2g} nats<extra>polynomial</extra>",
        row=1,
        col=1,
    )
    names = [[f"{KIND_NAMES[kind]}, degree {g}" for g in DEGREES] for kind in KINDS]
    return [
        Slot(f"data[{number}].y", AXES, drawn),
        Slot(f"data[{number}].name", AXES, names),
        Slot(f"data[{number}].line.color", ("kind",), [KIND_COLOURS[kind] for kind in KINDS]),
    ]


def _add_degrees(figure: go.Figure, result: Result) -> list[Slot]:
    ends = [DEGREES[0] - 0.6, DEGREES[-1] + 0.6]
    for name, (label, colour, dash) in BASELINE_STYLE.items():
        mean = max(result.baselines[name].mean_divergence, FLOOR)
        figure.add_scatter(
            x=ends,
            y=[mean, mean],
            name=label,
            mode="lines",
            showlegend=False,
            line={"color": colour, "dash": dash, "width": 2},
            hovertemplate=f"{label}: %{{y:.2g}} nats<extra></extra>",
            row=1,
            col=2,
        )
    means = _stack(result, lambda effect: np.array(effect.mean_divergence))
    for row, kind in enumerate(KINDS):
        figure.add_scatter(
            x=list(DEGREES),
            y=means[row],
            name=KIND_NAMES[kind],
            mode="lines+markers+text",
            showlegend=False,
            text=[f"{KIND_NAMES[kind]} ", *[""] * (len(DEGREES) - 1)],
            textposition="middle left",
            textfont={"color": KIND_COLOURS[kind]},
            line={"color": KIND_COLOURS[kind], "width": 2.5},
            marker={"size": 6},
            hovertemplate=f"{KIND_NAMES[kind]}, degree %{{x}}: %{{y:.2g}} nats<extra></extra>",
            row=1,
            col=2,
        )
    number = len(list(figure.data))
    figure.add_scatter(
        x=[DEGREES[0]],
        y=[means[0, 0]],
        name="chosen",
        showlegend=False,
        mode="markers",
        marker={"size": 15, "color": PALETTE["blue"], "line": {"width": 2, "color": "white"}},
        hoverinfo="skip",
        row=1,
        col=2,
    )
    return [
        Slot(f"data[{number}].x[0]", ("degree",), np.array(DEGREES, dtype=float)),
        Slot(f"data[{number}].y[0]", AXES, means),
        Slot(f"data[{number}].marker.color", ("kind",), [KIND_COLOURS[kind] for kind in KINDS]),
    ]


def _all_effects(result: Result) -> list[Effect]:
    return [*result.polynomials.values(), *result.baselines.values()]


def _stack(result: Result, read: Callable[[Effect], np.ndarray]) -> np.ndarray:
    """What ``read`` finds in each polynomial's effect, nested as ``AXES``, not below ``FLOOR``."""
    found = [[read(result.polynomials[kind, g]) for g in DEGREES] for kind in KINDS]
    return np.maximum(np.array(found), FLOOR)


def _place(x: float, y: float) -> dict[str, object]:
    return {
        "x": x,
        "xref": "paper",
        "xanchor": "left",
        "y": y,
        "yref": "paper",
        "yanchor": "top",
        "align": "left",
        "showarrow": False,
    }


def _end_of(result: Result) -> str:
    """The last words of the text, where the continuations begin."""
    words = "".join(result.tokens).split()
    return (
        "… " + show_token(" ".join(words[-3:])) if len(words) > 3 else show_token(" ".join(words))
    )


def _show_effect(result: Result, effect: Effect) -> str:
    if not effect.is_available:
        return "not to be had for scores this large"
    return _show_text(result, effect.text)


def _show_text(result: Result, text: str) -> str:
    """The continuation in lines, bold from where it leaves the model's own."""
    if not text.strip():
        return "(writes nothing)"
    words, own = text.split(), result.text.split()
    same = 0
    while same < min(len(words), len(own)) and words[same] == own[same]:
        same += 1
    lines = textwrap.wrap(" ".join(words), CHARACTERS_IN_LINE)
    shown, count = [], 0
    for line in lines:
        parts = []
        for word in line.split():
            safe = word.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            parts.append(safe if count < same else f"<b>{safe}</b>")
            count += 1
        shown.append(" ".join(parts))
    return "<br>".join(shown)
