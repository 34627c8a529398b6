"""The utility plane: where the mental model expects help to matter, and where it did."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.marks import add_line, add_points
from workbench.figures.positions import live_axes
from workbench.figures.teaching.curves import LIVE, words_everywhere
from workbench.figures.teaching.marks import CHOSEN, HARMED, HELPED, SAME, add_band
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, say_count, shorten
from workbench.methods.teaching.allocation import TEACHERS, Params, Result
from workbench.methods.teaching.interventions import find
from workbench.methods.teaching.plane import DIVIDING, Plane
from workbench.methods.teaching.spending import FUNCTIONS

GROUPS = (
    (0, SAME, "no change", 7),
    (1, HELPED, "wrong → right", 9),
    (-1, HARMED, "right → wrong", 9),
)
QUESTION_CHARACTERS = 70


def draw_plane(result: Result) -> LiveFigure:
    """Every question by its two simulated confidences; the chosen ones lie beyond the line."""
    planes = [result.planes[t] for t in TEACHERS]
    figure = go.Figure()
    slots: list[Slot] = []
    across = _ends([p.before for p in planes])
    up = _ends([p.after for p in planes])
    regions = np.array([p.regions for p in planes])
    closed = np.concatenate([regions, regions[..., :1, :]], axis=-2)
    number = add_band(
        figure, x=closed[0, 0, 0, :, 0], y=closed[0, 0, 0, :, 1], color=CHOSEN, opacity=0.12
    )
    slots += [
        Slot(f"data[{number}].{axis}", LIVE, closed[..., i]) for i, axis in enumerate(("x", "y"))
    ]
    number = add_line(
        figure,
        x=regions[0, 0, 0, :2, 0],
        y=regions[0, 0, 0, :2, 1],
        color=CHOSEN,
        hoverinfo="skip",
    )
    slots += [
        Slot(f"data[{number}].{axis}", LIVE, regions[..., :2, i])
        for i, axis in enumerate(("x", "y"))
    ]
    add_line(
        figure, x=[-1.0, 2.0], y=[-1.0, 2.0], color=PALETTE["grid"], width=1.0, hoverinfo="skip"
    )
    texts = [
        shorten(q.text, QUESTION_CHARACTERS, at_word=True)
        for q in result.spendings["human"].records.questions
    ]
    for gain, colour, name, size in GROUPS:
        _draw_group(figure, slots, planes, texts, (gain, colour, name, size))
    figure.update_layout(
        template=TEMPLATE,
        height=540,
        margin={"t": 44, "r": 20},
        legend={"itemsizing": "constant"},
    )
    figure.update_xaxes(title_text="simulated confidence in the right answer, alone", range=across)
    figure.update_yaxes(title_text="… with the explanation", range=up)
    budgets = len(result.spendings["human"].budgets)
    say = words_everywhere(lambda t, f, b: _words(result, t, f, b), budgets)
    return LiveFigure(figure, live_axes(Params), tuple(slots), say)


def _draw_group(
    figure: go.Figure,
    slots: list[Slot],
    planes: list[Plane],
    texts: list[str],
    group: tuple[int, str, str, int],
) -> None:
    """Questions on which help did the same: hollow, and filled where they are chosen."""
    gain, colour, name, size = group
    members = [np.flatnonzero(p.gains == gain) for p in planes]
    width = max(1, *(len(m) for m in members))

    def padded(values: list[np.ndarray]) -> np.ndarray:
        found = np.full((len(values), *values[0].shape[:-1], width), np.nan)
        for place, each in zip(found, values, strict=True):
            place[..., : each.shape[-1]] = each
        return found

    x = padded([p.before[m] for p, m in zip(planes, members, strict=True)])
    y = padded([p.after[m] for p, m in zip(planes, members, strict=True)])
    names = [[texts[i] for i in m] + [""] * (width - len(m)) for m in members]
    number = add_points(
        figure,
        x=x[0],
        y=y[0],
        text=names[0],
        name=name,
        color="rgba(0,0,0,0)",
        line={"width": 1.5, "color": colour},
        size=size,
        hovertemplate=f"%{{text}}<br>alone %{{x:.2f}}, taught %{{y:.2f}}: {name}<extra></extra>",
        showlegend=False,
        mode="markers",
    )
    slots += [
        Slot(f"data[{number}].x", ("teacher",), x),
        Slot(f"data[{number}].y", ("teacher",), y),
        Slot(f"data[{number}].text", ("teacher",), names),
    ]
    chosen = padded(
        [
            np.where(p.is_chosen[..., m], p.before[m], np.nan)
            for p, m in zip(planes, members, strict=True)
        ]
    )
    number = add_points(
        figure,
        x=chosen[0, 0, 0],
        y=y[0],
        name=name,
        color=colour,
        size=size + 1,
        showlegend=True,
        hoverinfo="skip",
    )
    slots += [
        Slot(f"data[{number}].x", LIVE, chosen.astype(np.float16)),
        Slot(f"data[{number}].y", ("teacher",), y),
    ]


def _ends(parts: list[np.ndarray]) -> list[float]:
    values = np.concatenate(parts)
    room = 0.02 + 0.04 * float(np.ptp(values))
    return [float(values.min()) - room, float(values.max()) + room]


def _words(result: Result, t: int, f: int, b: int) -> str:
    plane = result.planes[TEACHERS[t]]
    name = FUNCTIONS[f]
    chosen = plane.is_chosen[f, b]
    k = int(chosen.sum())
    rising = int((plane.after > plane.before).sum())
    helped, harmed = (int((plane.gains[chosen] == g).sum()) for g in (1, -1))
    cut = {
        "expected_utility": "The line has slope one: it asks how far help lifts the confidence, "
        "not how low it was.",
        "deceive": "The line has slope one, but the side below it is chosen.",
        "simulated_before": "The line is upright: it asks only how unsure the student is alone, "
        "whether help works or not.",
        "simulated_after": "The line is level: it asks only how sure the taught student is, even "
        "where it was sure before.",
    }
    return join(
        [
            f"Run with seed {plane.seed}: on {rising} of {len(chosen)} questions the mental model "
            "expects help to raise the confidence (above the thin diagonal).",
            cut[name]
            if name in DIVIDING
            else f"“{find(name).title}” looks at other numbers than these two, so no line "
            "divides the plane.",
            f"Of {say_count(k, 'chosen question')} help put {helped} right and spoiled {harmed}."
            if k
            else "Raise the budget and the line moves in.",
        ]
    )
