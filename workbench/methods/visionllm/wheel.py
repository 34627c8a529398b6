"""The task wheel: one picture, five tasks; nothing changes but the words.

Wang et al. 2023, arXiv:2305.11175, section 3.3: detection, segmentation, grounding, captioning and
question answering share one network, one set of weights and one decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from workbench.methods.visionllm.asking import DEFAULT_MODEL, DEFAULT_NAMES, MODEL, NAMES, names_of
from workbench.methods.visionllm.console import Said, ask
from workbench.methods.visionllm.formats import BOX_POINTS, FEWEST_POINTS, MOST_POINTS
from workbench.methods.visionllm.instructions import write_instruction
from workbench.methods.visionllm.own_picture import BOARD, SIZE, Picture, bring_picture
from workbench.methods.visionllm.parsing import DEFAULT_REACH
from workbench.methods.visionllm.scenes import SCENES
from workbench.methods.visionllm.task import KINDS, Entry, Kind, Task
from workbench.params import Range, Text, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary
from workbench.together import ask_together

SCORE = 0.5
"""Boxes and outlines are shown from this score on."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    scene: Annotated[int, Range(0, SCENES - 1, 1, "Test scene")] = 7
    names: Annotated[str, NAMES] = DEFAULT_NAMES
    question: Annotated[str, Text("Question", max_chars=200, min_chars=1)] = (
        "how many things are there"
    )
    expression: Annotated[
        str, Text("Expression", max_chars=200, help="Empty takes one that fits the scene.")
    ] = ""
    points: Annotated[int, Range(FEWEST_POINTS, MOST_POINTS, 1, "Points of an outline N")] = 16
    board: Annotated[str, BOARD] = ""
    size: Annotated[float, SIZE] = 0.34
    model: Annotated[str, MODEL] = DEFAULT_MODEL

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Result:
    """A picture, and the answer to each task about it."""

    params: Params
    picture: Picture
    said: dict[Kind, Said]


def tasks_of(params: Params, picture: Picture) -> dict[Kind, Task]:
    """The five tasks.

    Raises:
        InputError: no class is named.
    """
    names = names_of(params.names)
    entries = tuple(Entry(name, token) for token, name in enumerate(names))
    expression = " ".join(params.expression.split()) or next(iter(picture.expressions), names[0])
    question = " ".join(params.question.split()).rstrip("?")
    return {
        "detection": Task("detection", entries, BOX_POINTS, DEFAULT_REACH),
        "segmentation": Task("segmentation", entries, params.points, DEFAULT_REACH),
        "grounding": Task("grounding", (Entry(expression, 0),), BOX_POINTS, DEFAULT_REACH),
        "captioning": Task("captioning", points=0),
        "question": Task("question", points=0, question=question),
    }


def gather(client: ModelClient, params: Params) -> tuple[Picture, dict[Kind, Said]]:
    """Bring the picture and ask five times."""
    picture = bring_picture(client, params.scene, params.board, params.size, "")
    tasks = tasks_of(params, picture)
    said = ask_together(
        [
            partial(ask, client, params.model, write_instruction(task), picture.pixels)
            for task in tasks.values()
        ]
    )
    return picture, dict(zip(tasks, said, strict=True))


def compute(inputs: tuple[Picture, dict[Kind, Said]], params: Params) -> Result:
    """Put them side by side."""
    return Result(params, *inputs)


def summarise(result: Result) -> Summary:
    """How many boxes and outlines there are, and what was written."""
    summary: dict[str, float | int | str | bool] = {}
    for kind in KINDS:
        said = result.said[kind]
        if said.answer is None:
            summary[kind] = said.text
        else:
            summary[f"{kind}_found"] = len(said.answer.above(SCORE).scores)
    return summary


WHEEL: Study[Params, tuple[Picture, dict[Kind, Said]], Result] = Study(
    slug="visionllm.wheel",
    title="Task wheel",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
