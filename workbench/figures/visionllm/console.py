"""The picture of the instruction console: what was found, and what an edit changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from workbench.figures.live import LiveFigure, Slot
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE_DARK, TEMPLATE
from workbench.figures.visionllm.picture import (
    add_names,
    add_outlines,
    add_picture,
    corners,
    entry_colour,
    strokes,
)
from workbench.figures.wording import join, say_count
from workbench.methods.visionllm.asking import BOXES_ONLY
from workbench.methods.visionllm.changes import Changes
from workbench.methods.visionllm.console import SCORE, SHOWN, Params, Result, Said
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.hub import FAMILIES, SAME_INTERFACE
from workbench.methods.visionllm.task import Task

AXES = ("score",)
_HUES = 6
_MOST_WORDS = 5


@dataclass(frozen=True, eq=False)
class _Marks:
    """What is drawn of one answer: at most ``SHOWN`` outlines.

    Args:
        outlines: ``(n, N, 2)``.
        places: ``(n, 2)`` where the names stand.
        names: of each.
        entries: ``(n,)``.
        scores: ``(n,)``.
    """

    outlines: np.ndarray
    places: np.ndarray
    names: list[str]
    entries: np.ndarray
    scores: np.ndarray


def draw_console(result: Result) -> LiveFigure:
    """Boxes or outlines with their names on the picture, at every smallest score."""
    figure = go.Figure()
    add_picture(figure, result.picture.pixels)
    slots: list[Slot] = []
    marks = marks_of(result.said)
    if marks is not None:
        slots += add_marks(figure, marks, result)
    if result.changes and result.before is not None:
        slots += _add_vanished(figure, result)
    width, height = result.picture.size_px
    figure.update_layout(
        template=TEMPLATE,
        height=int(np.clip(520 * height / width, 380, 620)),
        margin={"l": 16, "r": 16, "t": 24, "b": 16},
    )
    words = [say_console(result, k) for k in range(len(SCORE.positions()))]
    return LiveFigure(figure, live_axes(Params), tuple(slots), Slot("", AXES, words))


def marks_of(said: Said) -> _Marks | None:
    """The outlines of an answer; nothing of a text."""
    if said.answer is None or said.task is None:
        return None
    answer, stop = said.answer, SHOWN
    is_box = said.task.points == BOX_POINTS
    return _Marks(
        corners(answer.boxes[:stop]) if is_box else answer.points[:stop],
        answer.boxes[:stop, :2],
        said.names()[:stop],
        answer.entries[:stop],
        answer.scores[:stop],
    )


def add_marks(figure: go.Figure, marks: _Marks, result: Result) -> list[Slot]:
    """Add outlines and names, one colour for each entry; they come and go with the score."""
    shown = marks.scores[None] >= np.array(SCORE.positions())[:, None]  # (positions, n)
    slots: list[Slot] = []
    hues = marks.entries % _HUES
    for hue in np.unique(hues):
        own = hues == hue
        outlines = np.where(shown[:, own, None, None], marks.outlines[own], np.nan)
        traces = add_outlines(figure, outlines[0], colour=entry_colour(int(hue)))
        for part, values in zip("xy", strokes(outlines), strict=True):
            slots += [Slot(f"data[{trace}].{part}", AXES, values) for trace in traces]
    texts = [_texts(marks, result, k, shown[k]) for k in range(len(shown))]
    number = add_names(figure, marks.places, texts[0])
    return [*slots, Slot(f"data[{number}].text", AXES, texts)]


def _texts(marks: _Marks, result: Result, position: int, shown: np.ndarray) -> list[str]:
    """Name and score of what is shown, with what an edit changed."""
    signs = _signs(result, position)
    return [
        f"{signs.get(number, '')}{name} {score:.2f}" if is_shown else ""
        for number, (name, score, is_shown) in enumerate(
            zip(marks.names, marks.scores, shown, strict=True)
        )
    ]


def _signs(result: Result, position: int) -> dict[int, str]:
    if not result.changes or result.before is None:
        return {}
    changes, old = result.changes[position], result.before.names()
    signs = dict.fromkeys(changes.appeared, "new: ")
    return signs | {new: f"{old[was]} → " for was, new in changes.renamed}


def _add_vanished(figure: go.Figure, result: Result) -> list[Slot]:
    """Boxes of the instruction before that are gone, dashed."""
    before = result.before
    if before is None or before.answer is None:
        return []
    boxes = before.answer.boxes[:SHOWN]
    gone = np.zeros((len(result.changes), len(boxes)), dtype=bool)
    for k, changes in enumerate(result.changes):
        gone[k, [old for old in changes.vanished if old < len(boxes)]] = True
    outlines = np.where(gone[..., None, None], corners(boxes), np.nan)
    colour = PALETTE_DARK["danger"]
    traces = add_outlines(figure, outlines[0], colour=colour, dash="dash", width=2)
    names = before.names()
    texts = [
        [f"gone: {names[n]}" if gone[k, n] else "" for n in range(len(boxes))]
        for k in range(len(gone))
    ]
    number = add_names(figure, boxes[:, :2], texts[0])
    return [
        *(
            Slot(f"data[{trace}].{part}", AXES, values)
            for part, values in zip("xy", strokes(outlines), strict=True)
            for trace in traces
        ),
        Slot(f"data[{number}].text", AXES, texts),
    ]


def say_console(result: Result, position: int) -> str:
    """What is seen at one smallest score."""
    said, score = result.said, SCORE.positions()[position]
    if said.problem is not None:
        return f"{said.problem.text} Nothing was asked of the model."
    if said.answer is None:
        return join(
            [
                f"{result.params.model} says: “{spoken(said.text) or '…'}”.",
                say_untrained(result.params.model, said.task),
                "Text is written word after word; there are no boxes to draw.",
                _truth(result),
            ]
        )
    sure = said.answer.scores >= score
    names = [name for name, is_sure in zip(said.names(), sure, strict=True) if is_sure]
    found = f"{say_count(len(names), 'thing')} of score {score:.2f} or more"
    listed = f": {_list(names)}." if names else "."
    family = FAMILIES[said.family].name if said.family else ""
    kind = f"{result.params.model} is {family}: {SAME_INTERFACE}." if family else ""
    seen = f"On {result.picture.name}: {found}{listed}"
    untrained = say_untrained(result.params.model, said.task)
    changes = _say_changes(result, position)
    return join([seen, *said.remarks, kind, untrained, changes, _truth(result)])


def say_untrained(model: str, task: Task | None) -> str:
    """That a network was never trained for a task, or nothing."""
    if model not in BOXES_ONLY or task is None or task.kind == "detection":
        return ""
    return f"{model} was trained to find boxes alone, so its answer to this task means nothing."


def spoken(text: str) -> str:
    """A text that a network wrote, its commas where people put them."""
    return text.replace(" ,", ",")


def _say_changes(result: Result, position: int) -> str:
    if not result.changes or result.before is None:
        return ""
    changes: Changes = result.changes[position]
    old, new = result.before.names(), result.said.names()
    parts = [
        f"{len(chosen)} {word} ({_list(names)})"
        for chosen, word, names in (
            (changes.appeared, "appeared", [new[n] for n in changes.appeared]),
            (changes.vanished, "vanished", [old[n] for n in changes.vanished]),
            (
                changes.renamed,
                "changed name",
                [f"{old[a]} → {new[b]}" for a, b in changes.renamed],
            ),
        )
        if chosen
    ]
    if not parts:
        return "Against the other instruction nothing changed."
    return f"Against the other instruction: {', '.join(parts)}."


def _truth(result: Result) -> str:
    names = result.picture.names
    if not names:
        return "Nobody has labelled this picture; judge for yourself."
    return f"In the picture: {_list(list(names))}."


def _list(names: list[str]) -> str:
    rest = len(names) - _MOST_WORDS
    return ", ".join(names[:_MOST_WORDS]) + (f" and {rest} more" if rest > 0 else "")
