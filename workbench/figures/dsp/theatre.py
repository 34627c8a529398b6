"""Training theatre: the curves of a training, and the hints the policy wrote at each iteration."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.dsp.marks import RUN_COLOURS, span_of
from workbench.figures.dsp.texts import list_phrases, mark_article
from workbench.figures.dsp.theatre_words import NAMES, theatre_words
from workbench.figures.live import LiveFigure, Position, Slot
from workbench.figures.marks import add_heading, add_label, add_line, add_points
from workbench.figures.passages import LivePassages, Passage, Role, Span
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each
from workbench.methods.dsp.marking import occurs
from workbench.methods.dsp.records import Article, TrainingCurve
from workbench.methods.dsp.theatre import (
    ARTICLE,
    ITERATION,
    OVERLAY,
    RUNS,
    Theatre,
    points_at,
)

QUANTITIES = (
    ("validation_rouge", "validation ROUGE × 100", 100.0),
    ("hint_precision", "phrases in the reference (%)", 100.0),
    ("reward", "reward of a hint", 1.0),
    ("kl", "KL per action (nats)", 1.0),
    ("beta", "weight β of the KL", 1.0),
    ("clip_fraction", "clipped ratios (%)", 100.0),
)
AXES = ("iteration", "overlay")
"""Names that the study's parameters must have."""
LAST = int(ITERATION.maximum)


def draw_theatre(stage: Theatre) -> LiveFigure:
    """Six curves of the training as set and of one other, with a mark at the iteration."""
    others = [name for name in OVERLAY.options if name in stage.runs]
    figure = make_subplots(2, 3, horizontal_spacing=0.09, vertical_spacing=0.2)
    slots: list[Slot] = []
    own = stage.runs[RUNS[0]]
    at = points_at(len(own.reward))
    for number, (quantity, title, scale) in enumerate(QUANTITIES):
        row, col = divmod(number, 3)
        place: dict[str, Any] = {"row": row + 1, "col": col + 1}
        of_runs = {name: scale * getattr(stage.runs[name], quantity) for name in stage.runs}
        if others:
            other = add_line(
                figure,
                **place,
                x=np.arange(stage.points),
                y=_to_length(of_runs[others[0]], stage.points),
                name="compared",
                color=RUN_COLOURS[others[0]],
                width=2,
                showlegend=False,
                hovertemplate="iteration %{x}: %{y:.3~f}<extra></extra>",
            )
            slots += [
                Slot(
                    f"data[{other}].y",
                    AXES[1:],
                    np.array([_to_length(of_runs[name], stage.points) for name in others]),
                ),
                Slot(f"data[{other}].line.color", AXES[1:], [RUN_COLOURS[n] for n in others]),
            ]
        values = of_runs[RUNS[0]]
        repeats = [scale * getattr(curve, quantity) for curve in stage.repeats]
        if repeats:
            _add_repeats(figure, place, repeats)
        add_line(
            figure,
            **place,
            x=np.arange(len(values)),
            y=values,
            name=NAMES[RUNS[0]],
            color=RUN_COLOURS[RUNS[0]],
            showlegend=False,
            hovertemplate="iteration %{x}: %{y:.3~f}<extra></extra>",
        )
        mark = add_points(
            figure,
            **place,
            x=[0.0],
            y=[values[0]],
            name="this iteration",
            color=RUN_COLOURS[RUNS[0]],
            size=12,
            line={"width": 2, "color": "white"},
            showlegend=False,
            hoverinfo="skip",
        )
        slots += [
            Slot(f"data[{mark}].x[0]", AXES[:1], np.array(at, dtype=float)),
            Slot(f"data[{mark}].y[0]", AXES[:1], values[at]),
        ]
        levels = [values, *repeats, *(of_runs[name] for name in others)]
        if quantity == "kl":
            target = stage.target_kl
            add_line(
                figure,
                **place,
                x=[0.0, stage.points - 1.0],
                y=[target, target],
                name="target",
                color=PALETTE["threshold"],
                width=1.5,
                dash="dot",
                showlegend=False,
                hovertemplate="target: %{y:.2f} nats<extra></extra>",
            )
            add_label(
                figure,
                row + 1,
                col + 1,
                "target",
                x=0.0,  # the KL starts at 0, so its curves are far from here
                y=target,
                xanchor="left",
                yanchor="bottom",
                color=PALETTE["threshold"],
            )
            levels.append(np.array([1.08 * target]))
        figure.update_yaxes(title_text="", range=span_of(*levels, pad=0.1), **place)
        figure.update_xaxes(
            title_text="iteration" if row else "",
            title_standoff=4,
            range=[-0.5, stage.points - 0.5],
            **place,
        )
        add_heading(figure, title, **place)
    _add_key(figure, NAMES[RUNS[0]], RUN_COLOURS[RUNS[0]], 0.0)
    if others:
        key = len(figure.to_dict()["layout"]["annotations"])
        _add_key(figure, NAMES[others[0]], RUN_COLOURS[others[0]], 0.3)
        slots += [
            Slot(f"layout.annotations[{key}].text", AXES[1:], [_key(NAMES[n]) for n in others]),
            Slot(
                f"layout.annotations[{key}].font.color",
                AXES[1:],
                [RUN_COLOURS[name] for name in others],
            ),
        ]
    figure.update_layout(template=TEMPLATE, height=540, margin={"t": 72, "l": 56, "r": 16, "b": 56})
    axes: dict[str, list[Position]] = {AXES[0]: [*range(LAST + 1)], AXES[1]: [*others]}
    words = Slot(
        "",
        AXES if others else AXES[:1],
        each(
            lambda i, *o: theatre_words(stage, at[i], others[o[0]] if o else ""),
            LAST + 1,
            *([len(others)] if others else []),
        ),
    )
    return LiveFigure(figure, axes, tuple(slots), words)


def _add_repeats(figure: go.Figure, place: dict[str, Any], repeats: list[np.ndarray]) -> None:
    """The training as set from other seeds, as thin lines of its colour."""
    add_line(
        figure,
        **place,
        x=np.concatenate([[*range(len(one)), np.nan] for one in repeats]),
        y=np.concatenate([[*one, np.nan] for one in repeats]),
        name="other seeds",
        color=RUN_COLOURS[RUNS[0]],
        width=1,
        showlegend=False,
        hoverinfo="skip",
    )


def _key(name: str) -> str:
    return f"<b>—</b> {name}"


def _add_key(figure: go.Figure, name: str, colour: str, x: float) -> None:
    """Name a line above all panels, in its colour."""
    figure.add_annotation(
        text=_key(name),
        font={"color": colour},
        x=x,
        xref="paper",
        xanchor="left",
        y=1.07,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
    )


def draw_stage_hints(stage: Theatre) -> LivePassages:
    """A validation article with that iteration's hint, beside the other training's."""
    others = [name for name in OVERLAY.options if name in stage.runs] or [RUNS[0]]
    articles = [min(n, len(stage.articles) - 1) for n in range(int(ARTICLE.maximum))]
    names = {RUNS[0], *others}
    at = {name: points_at(len(stage.runs[name].reward)) for name in names}
    cards = {
        (name, a, i): _card(stage.runs[name], NAMES[name], stage.articles[a], a, i)
        for name in names
        for a in set(articles)
        for i in set(at[name])
    }

    def show(i: int, o: int, a: int) -> tuple[Passage, ...]:
        article, hint = stage.articles[a], stage.runs[RUNS[0]].hints[at[RUNS[0]][i]][a]
        mine = cards[RUNS[0], a, at[RUNS[0]][i]]
        theirs = cards[others[o], a, at[others[o]][i]]
        return (
            mine,
            *(() if others == [RUNS[0]] else (theirs,)),
            Passage(
                f"Validation article {a + 1}", mark_article(article.text, hint, article.reference)
            ),
            Passage("Reference", (Span(article.reference),), "The policy never sees it."),
        )

    passages = [
        [[show(i, o, a) for a in articles] for o in range(len(others))] for i in range(LAST + 1)
    ]
    axes: dict[str, list[Position]] = {
        AXES[0]: [*range(LAST + 1)],
        AXES[1]: [*others],
        "article": [n + 1 for n in range(len(articles))],
    }
    words = Slot(
        "",
        AXES,
        each(lambda i, o: theatre_words(stage, at[RUNS[0]][i], others[o]), LAST + 1, len(others)),
    )
    return LivePassages(passages, axes, words)


def _card(curve: TrainingCurve, name: str, article: Article, a: int, i: int) -> Passage:
    def role_of(phrase: str) -> tuple[Role, str]:
        if occurs(phrase, article.reference):
            return "good", "in the reference"
        return "muted", "not in the reference"

    hint = curve.hints[i][a]
    hits = sum(occurs(phrase, article.reference) for phrase in hint)
    return Passage(
        f"{name}, iteration {i}",
        list_phrases(hint, role_of),
        f"{hits} of {len(hint)} in the reference",
    )


def _to_length(values: np.ndarray, length: int) -> np.ndarray:
    """A run cut short leaves the rest of its curve empty."""
    found = np.full(length, np.nan)
    found[: len(values)] = values
    return found
