"""Reward hacking: what the policy and the summaries become when nothing holds the policy back."""

from __future__ import annotations

from typing import Any

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.dsp.marks import RUN_COLOURS, span_of
from workbench.figures.dsp.texts import list_phrases, mark_output
from workbench.figures.dsp.wording import say_score
from workbench.figures.live import LiveFigure, Position, Slot
from workbench.figures.marks import add_heading, add_line, add_points
from workbench.figures.passages import LivePassages, Passage, Role, Span
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_percent
from workbench.methods.dsp.hacking import HELD, LOOSE, Hacking
from workbench.methods.dsp.marking import occurs
from workbench.methods.dsp.theatre import ARTICLE, ITERATION, points_at

AXIS = ("iteration",)
NAMES = {HELD: "with the KL", LOOSE: "without (β = 0)"}
LAST = int(ITERATION.maximum)
LONGER = 1.25
"""So many times as long is called longer."""


def draw_hacking(found: Hacking) -> LiveFigure:
    """Reward and ROUGE, length and precision of the hints, and signs in the summaries."""
    figure = make_subplots(2, 3, horizontal_spacing=0.09, vertical_spacing=0.2)
    slots: list[Slot] = []
    points = found.phrases.shape[1]
    at = points_at(points)
    curves: list[tuple[str, np.ndarray]] = [
        ("reward of a hint", np.array([found.runs[n].reward for n in (HELD, LOOSE)])),
        ("phrases in a hint", found.phrases),
        (
            "phrases in the reference (%)",
            100.0 * np.array([found.runs[n].hint_precision for n in (HELD, LOOSE)]),
        ),
        (
            "validation ROUGE × 100",
            100.0 * np.array([found.runs[n].validation_rouge for n in (HELD, LOOSE)]),
        ),
    ]
    for number, (title, values) in enumerate(curves):
        place = _panel(number)
        for run, name in enumerate((HELD, LOOSE)):
            add_line(
                figure,
                **place,
                x=np.arange(points),
                y=values[run],
                name=NAMES[name],
                color=RUN_COLOURS[name],
                showlegend=number == 0,
                hovertemplate=f"iteration %{{x}}, {NAMES[name]}: %{{y:.3~f}}<extra></extra>",
            )
            mark = add_points(
                figure,
                **place,
                x=[0.0],
                y=[values[run, 0]],
                name="this iteration",
                color=RUN_COLOURS[name],
                size=11,
                line={"width": 2, "color": "white"},
                showlegend=False,
                hoverinfo="skip",
            )
            slots += [
                Slot(f"data[{mark}].x[0]", AXIS, np.array(at, dtype=float)),
                Slot(f"data[{mark}].y[0]", AXIS, values[run][at]),
            ]
        _finish(figure, place, title, [values], points)
    for number, (title, spread, scale) in enumerate(
        (
            ("copied from the article (%)", found.copied, 100.0),
            ("numbers made up, per summary", found.unsupported, 1.0),
        ),
        start=len(curves),
    ):
        place = _panel(number)
        low, high = scale * spread.low, scale * spread.high
        for run, name in enumerate((HELD, LOOSE)):
            add_points(
                figure,
                **place,
                x=found.points + (run - 0.5) * 0.5,
                y=scale * spread.mean[run],
                name=NAMES[name],
                color=RUN_COLOURS[name],
                size=9,
                error_y={
                    "array": high[run] - scale * spread.mean[run],
                    "arrayminus": scale * spread.mean[run] - low[run],
                    "symmetric": False,
                    "thickness": 1.6,
                    "width": 0,
                },
                showlegend=False,
                hovertemplate=f"iteration %{{x:.0f}}, {NAMES[name]}: %{{y:.3~f}}<extra></extra>",
            )
        levels = [low, high]
        if number == len(curves):
            people = scale * found.reference_copied.mean
            add_line(
                figure,
                **place,
                x=[0.0, points - 1.0],
                y=[people, people],
                name="references",
                color=PALETTE["exact"],
                width=1.5,
                dash="dot",
                hovertemplate="references copy %{y:.0f} %<extra></extra>",
            )
            levels.append(np.array([people]))
        _finish(figure, place, title, levels, points)
    figure.update_layout(template=TEMPLATE, height=560, margin={"t": 84, "l": 56, "r": 16, "b": 56})
    figure.update_layout(legend={"y": 1.1})
    words = Slot("", AXIS, each(lambda i: _words(found, at[i]), LAST + 1))
    return LiveFigure(figure, {AXIS[0]: [*range(LAST + 1)]}, tuple(slots), words)


def draw_hacked_hints(found: Hacking) -> LivePassages:
    """Hints and summaries of one validation article, with the KL and without it."""
    articles = [min(n, len(found.articles) - 1) for n in range(int(ARTICLE.maximum))]
    at = points_at(found.phrases.shape[1])
    cards = {
        (run, i, a): _card(found, run, i, a)
        for run in range(2)
        for i in set(at)
        for a in set(articles)
    }
    texts = {
        (run, c, a): _summary(found, run, c, a)
        for run in range(2)
        for c in range(len(found.points))
        for a in set(articles)
    }

    def show(i: int, a: int) -> tuple[Passage, ...]:
        c = int(np.flatnonzero(found.points <= at[i])[-1])
        return (
            cards[0, at[i], a],
            texts[0, c, a],
            cards[1, at[i], a],
            texts[1, c, a],
            Passage(
                f"Reference of article {a + 1}",
                (Span(found.articles[a].reference),),
                is_wide=True,
            ),
        )

    axes: dict[str, list[Position]] = {
        AXIS[0]: [*range(LAST + 1)],
        "article": [n + 1 for n in range(len(articles))],
    }
    words = Slot("", AXIS, each(lambda i: _words(found, at[i]), LAST + 1))
    return LivePassages([[show(i, a) for a in articles] for i in range(LAST + 1)], axes, words)


def _panel(number: int) -> dict[str, Any]:
    row, col = divmod(number, 3)
    return {"row": row + 1, "col": col + 1}


def _finish(
    figure: Any, place: dict[str, Any], title: str, levels: list[np.ndarray], points: int
) -> None:
    figure.update_yaxes(range=span_of(*levels, pad=0.1), **place)
    figure.update_xaxes(
        title_text="iteration" if place["row"] == 2 else "",
        title_standoff=4,
        range=[-0.9, points - 0.1],
        **place,
    )
    add_heading(figure, title, **place)


def _card(found: Hacking, run: int, i: int, a: int) -> Passage:
    reference = found.articles[a].reference
    name = (HELD, LOOSE)[run]
    hint = found.runs[name].hints[i][a]

    def role_of(phrase: str) -> tuple[Role, str]:
        if occurs(phrase, reference):
            return "good", "in the reference"
        return "muted", "not in the reference"

    return Passage(f"Hint {NAMES[name]}, iteration {i}", list_phrases(hint, role_of))


def _summary(found: Hacking, run: int, c: int, a: int) -> Passage:
    name = (HELD, LOOSE)[run]
    article, point = found.articles[a], int(found.points[c])
    hint = found.runs[name].hints[point][a]
    return Passage(
        f"Its summary, iteration {point}",
        mark_output(found.outputs[run][c][a], hint, article.reference),
    )


def _gaming(found: Hacking, i: int, gap: float) -> str:
    """Whether the policy is seen to game its reward at point i; ``gap`` is ROUGE won without KL."""
    held, loose = found.phrases[:, i]
    if loose > LONGER * held:
        return (
            "The list grows and the summaries get no better: the policy is paid by the phrase."
            if gap <= 0.0
            else ""
        )
    precision = found.runs[HELD].hint_precision
    if held > LONGER * found.phrases[0, 0] and precision[i] < precision[0]:
        return (
            "Both have grown since the start, and fewer of their phrases stand in the reference: "
            "at this weight the KL hardly holds the policy back."
        )
    return "No gaming is seen at this point: the hints are about as long with the KL as without it."


def _words(found: Hacking, i: int) -> str:
    held, loose = (found.runs[name] for name in (HELD, LOOSE))
    last = found.copied.mean.shape[1] - 1
    copied = [say_percent(float(found.copied.mean[run, last]), 0) for run in range(2)]
    gap = float(loose.validation_rouge[i] - held.validation_rouge[i])
    return join(
        [
            f"At iteration {i} a hint has {found.phrases[0, i]:.1f} phrases with the KL and "
            f"{found.phrases[1, i]:.1f} without it; ROUGE is "
            f"{say_score(float(held.validation_rouge[i]))} and "
            f"{say_score(float(loose.validation_rouge[i]))}.",
            _gaming(found, i, gap),
            f"At the last measured point summaries copy {copied[0]} of their runs of three words "
            f"with the KL and {copied[1]} without it (references "
            f"{say_percent(found.reference_copied.mean, 0)}).",
        ]
    )
