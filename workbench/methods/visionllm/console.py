"""The instruction console: change the words, and see another task being done.

Wang et al. 2023, arXiv:2305.11175, sections 3.1 and 3.3: class list, number of points and task are
all written in the instruction. No code and no weights of it were published; the networks here are a
small reconstruction, and the other families do something else behind the same words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import numpy as np

from workbench.errors import InputError
from workbench.methods.visionllm.asking import DEFAULT_MODEL, DEFAULT_NAMES, NAMES
from workbench.methods.visionllm.changes import Changes, compare
from workbench.methods.visionllm.decoding import Answer, Slots, decode
from workbench.methods.visionllm.formats import BOX_POINTS, FEWEST_POINTS, MOST_POINTS
from workbench.methods.visionllm.hub import FAMILIES, SAME_INTERFACE, locate
from workbench.methods.visionllm.instructions import write_instruction
from workbench.methods.visionllm.own_picture import BOARD, SIZE, UPLOAD, Picture, bring_picture
from workbench.methods.visionllm.parsing import (
    DEFAULT_REACH,
    InstructionError,
    parse_instruction,
)
from workbench.methods.visionllm.scenes import SCENES
from workbench.methods.visionllm.task import KINDS, SET_KINDS, Entry, Kind, Task
from workbench.params import Choice, Model, Range, Text, check, chips
from workbench.server.api import ModelClient, Request
from workbench.study import Study, Summary

TASK_NAMES: Final = ("find boxes", "outline", "find what is meant", "caption", "answer")
SHOWN: Final = 40
"""Boxes that are drawn at most, the surest ones."""
SCORE: Final = Range(0.05, 0.95, 0.05, "Smallest score shown", live=True)
INSTRUCTION: Final = Text(
    "Instruction in your own words",
    max_chars=32_000,
    lines=4,
    help="Empty: it is written from the controls. With words here, the words decide.",
)
MODEL: Final = Model(
    ("visionllm", *FAMILIES),
    "Model",
    help=f"Published models of other kinds take the same words: {SAME_INTERFACE}.",
)
WORDS: Final = Text(
    "Expression or question",
    max_chars=200,
    help="Such as: the left dog; or, to be answered: how many cars are there?",
)
BEFORE: Final = Text(
    "Compare with this instruction",
    max_chars=32_000,
    lines=2,
    help="Put the present one here, then edit: boxes that come, go or change name are marked.",
)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    names: Annotated[str, NAMES] = DEFAULT_NAMES
    task: Annotated[str, Choice(KINDS, "Task", names=TASK_NAMES)] = "detection"
    instruction: Annotated[str, INSTRUCTION] = ""
    score: Annotated[float, SCORE] = 0.5
    scene: Annotated[int, Range(0, SCENES - 1, 1, "Test scene")] = 7
    board: Annotated[str, BOARD] = ""
    size: Annotated[float, SIZE] = 0.34
    upload: Annotated[str, UPLOAD] = ""
    before: Annotated[str, BEFORE] = ""
    points: Annotated[int, Range(FEWEST_POINTS, MOST_POINTS, 1, "Points of an outline N")] = 16
    reach: Annotated[int, Range(1, 512, 1, "Range R of the offsets")] = DEFAULT_REACH
    words: Annotated[str, WORDS] = ""
    model: Annotated[str, MODEL] = DEFAULT_MODEL

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Problem:
    """What is wrong with an instruction, and from which character on."""

    text: str
    place: int


@dataclass(frozen=True, eq=False)
class Said:
    """What a model answers to one instruction.

    Args:
        instruction: as it was given.
        task: as it was understood; ``None`` where it was not.
        problem: what was not understood.
        slots: of the picture, for boxes and outlines.
        answer: the same, decoded, surest first.
        text: for captions and answers.
        family: kind of a published model of another algorithm; empty for a network of this tab.
        remarks: about what such a model wrote that is not among the answers.
    """

    instruction: str
    task: Task | None = None
    problem: Problem | None = None
    slots: Slots | None = None
    answer: Answer | None = None
    text: str = ""
    family: str = ""
    remarks: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """Of the boxes, in their order."""
        if self.answer is None or self.task is None:
            return []
        return [self.task.names[entry] for entry in self.answer.entries]


@dataclass(frozen=True, eq=False)
class Inputs:
    """A picture and what was said of it, now and before."""

    picture: Picture
    said: Said
    before: Said | None


@dataclass(frozen=True, eq=False)
class Result:
    """What the page shows.

    Args:
        params: what was asked for.
        picture: what was looked at.
        said: the answer.
        before: the answer to the instruction it is compared with.
        changes: by position of the smallest score; empty without a comparison.
    """

    params: Params
    picture: Picture
    said: Said
    before: Said | None
    changes: tuple[Changes, ...]

    def found(self) -> tuple[Answer, Task]:
        """The boxes or outlines, and the task that they answer.

        Raises:
            InputError: there are none: the instruction asks for a text or is not understood.
        """
        if self.said.answer is None or self.said.task is None:
            raise InputError(
                "There are no boxes to write: this instruction asks for a text or is not "
                "understood. Choose a task that finds or outlines things."
            )
        return self.said.answer, self.said.task


def task_of(params: Params, picture: Picture) -> Task:
    """The task that the controls describe.

    Raises:
        InputError: there is no class, or nothing to ask about.
    """
    kind: Kind = next(one for one in KINDS if one == params.task)
    names = [chip.text for chip in chips(params.names)]
    words = " ".join(params.words.split())
    if kind == "captioning":
        return Task(kind, points=0)
    if kind == "question":
        return Task(kind, points=0, question=words.rstrip("?") or "how many things are there")
    if kind == "grounding":
        names = [words or next(iter(picture.expressions), "the dog")]
    if not names:
        raise InputError("No class is named; add at least one name, such as dog.")
    entries = tuple(Entry(name, token) for token, name in enumerate(names))
    points = params.points if kind == "segmentation" else BOX_POINTS
    return Task(kind, entries, points, params.reach)


def instruction_of(params: Params, picture: Picture) -> str:
    """The instruction: the words if there are some, else written from the controls."""
    return params.instruction.strip() or write_instruction(task_of(params, picture))


def ask(client: ModelClient, model: str, instruction: str, pixels: np.ndarray) -> Said:
    """Have a model carry out one instruction; what cannot be read is said, not raised."""
    try:
        task = parse_instruction(instruction)
    except InstructionError as error:
        return Said(instruction, problem=Problem(str(error), error.place))
    kinds = {entry.name: entry.kind for entry in client.models()}
    if kinds.get(model) in FAMILIES:
        located = locate(client, model, instruction, pixels[None])
        return Said(
            instruction,
            task,
            answer=located.answers[0] if located.answers else None,
            text=located.texts[0] if located.texts else "",
            family=kinds[model],
            remarks=located.notes[0],
        )
    request = Request(
        "vision.decode",
        model,
        {"instruction": instruction},
        {"images": pixels[None]},
        dtype="float32",
        label="Answer",
    )
    found = client.call(request)
    if task.kind not in SET_KINDS:
        texts: Any = found.values["texts"]
        return Said(instruction, task, text=str(texts[0]))
    names = ("objectness", "centres", "class_probabilities", "location_probabilities")
    slots = Slots(*(found.arrays[name][0] for name in names))
    return Said(instruction, task, slots=slots, answer=decode(slots, task))


def gather(client: ModelClient, params: Params) -> Inputs:
    """Bring the picture and ask."""
    picture = bring_picture(client, params.scene, params.board, params.size, params.upload)
    said = ask(client, params.model, instruction_of(params, picture), picture.pixels)
    before = None
    if params.before.strip():
        before = ask(client, params.model, params.before.strip(), picture.pixels)
    return Inputs(picture, said, before)


def compute(inputs: Inputs, params: Params) -> Result:
    """Compare the two answers at every smallest score."""
    said, before = inputs.said, inputs.before
    changes: tuple[Changes, ...] = ()
    if before is not None and before.answer is not None and said.answer is not None:
        changes = tuple(_changes(before, said, score) for score in SCORE.positions())
    return Result(params, inputs.picture, said, before, changes)


def _changes(before: Said, said: Said, score: float) -> Changes:
    sides: list[Any] = []
    for one in (before, said):
        answer: Any = one.answer
        sure = replace(one, answer=answer.above(score))
        sides += [answer.above(score).boxes, sure.names()]
    return compare(*sides)


def summarise(result: Result) -> Summary:
    """What was understood and found."""
    said = result.said
    summary: dict[str, float | int | str | bool] = {
        "is_understood": said.problem is None,
        "instruction": said.instruction,
    }
    if said.problem is not None:
        return summary | {"problem": said.problem.text, "character": said.problem.place + 1}
    if said.task is not None:
        summary["task"] = said.task.kind
    if said.answer is None:
        return summary | {"text": said.text}
    sure = said.answer.above(result.params.score)
    names = replace(said, answer=sure).names()
    summary |= {"boxes": len(sure.scores), "names": "; ".join(names)}
    if len(sure.scores):
        summary["largest_score"] = round(float(sure.scores[0]), 6)
    if result.changes:
        at = int(np.argmin(np.abs(np.array(SCORE.positions()) - result.params.score)))
        changes = result.changes[at]
        for name in ("appeared", "vanished", "renamed"):
            summary[name] = len(getattr(changes, name))
    return summary


CONSOLE: Study[Params, Inputs, Result] = Study(
    slug="visionllm.console",
    title="Instruct it",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
