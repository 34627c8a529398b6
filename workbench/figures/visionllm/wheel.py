"""The task wheel: one picture three times with boxes, outlines and one thing meant; five texts."""

from __future__ import annotations

from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure
from workbench.figures.passages import LivePassages, Passage, Span
from workbench.figures.theme import TEMPLATE
from workbench.figures.visionllm.console import marks_of, spoken
from workbench.figures.visionllm.picture import (
    add_names,
    add_outlines,
    add_picture,
    entry_colour,
)
from workbench.figures.visionllm.reading import mark_parts
from workbench.figures.wording import join
from workbench.methods.visionllm.asking import BOXES_ONLY
from workbench.methods.visionllm.console import Said
from workbench.methods.visionllm.task import Kind
from workbench.methods.visionllm.wheel import SCORE, Result

_PANELS: tuple[tuple[Kind, str], ...] = (
    ("detection", "Find boxes"),
    ("segmentation", "Outline"),
    ("grounding", "Find what is meant"),
)
_TITLES: dict[Kind, str] = {
    **dict(_PANELS),
    "captioning": "Caption",
    "question": "Answer",
}


def draw_wheel(result: Result) -> LiveFigure:
    """Three tasks that mark places, on the same picture."""
    figure = make_subplots(
        1, len(_PANELS), subplot_titles=[title for _, title in _PANELS], horizontal_spacing=0.03
    )
    for col, (kind, _) in enumerate(_PANELS, 1):
        add_picture(figure, result.picture.pixels, 1, col)
        said = result.said[kind]
        marks = marks_of(said)
        if marks is None or said.answer is None:
            continue
        # An expression means one thing: the surest.
        count = 1 if kind == "grounding" else int((marks.scores >= SCORE).sum())
        for place in range(count):
            colour = entry_colour(int(marks.entries[place]))
            add_outlines(figure, marks.outlines[place : place + 1], 1, col, colour=colour)
        add_names(figure, marks.places[:count], marks.names[:count], 1, col)
    figure.update_yaxes(constraintoward="top")  # the pictures stand right below their titles
    figure.update_layout(template=TEMPLATE, height=390, margin={"l": 12, "r": 12, "t": 44, "b": 12})
    return LiveFigure(figure, words=say_wheel(result))


def draw_instructions(result: Result) -> LivePassages:
    """The five instructions with their answers."""
    passages = [
        Passage(_TITLES[kind], (*mark_parts(said.instruction), Span("\n"), *_short(said)))
        for kind, said in result.said.items()
    ]
    return LivePassages(passages, words=say_wheel(result))


def _short(said: Said) -> tuple[Span, ...]:
    if said.answer is None:
        return (Span(spoken(said.text), "good"),)
    sure = int((said.answer.scores >= SCORE).sum())
    names = said.names()[:sure] or ["nothing of score 0.50 or more"]
    return (Span(", ".join(names), "good"),)


def say_wheel(result: Result) -> str:
    """What the five tasks gave, and what is true."""
    captions = result.said["captioning"], result.said["question"]
    caption, answer = (spoken(one.text) or "…" for one in captions)
    task = result.said["question"].task
    question = task.question if task else ""
    truth = spoken(result.picture.caption)
    return join(
        [
            f"One network and one picture; only the text differs. Asked for a caption it writes "
            f"“{caption}”; asked “{question}?” it answers “{answer}”.",
            f"True caption: “{truth}”." if truth else "",
            f"{result.params.model} was trained to find boxes alone: outlines, expressions and "
            "texts mean nothing here."
            if result.params.model in BOXES_ONLY
            else "",
        ]
    )
