"""Published models behind the same instructions: same interface, different algorithm.

None of them is VisionLLM. Each is asked in its own way for what an instruction asks for, and what
it answers is brought into the form that ``decode`` gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workbench.errors import InputError
from workbench.methods.visionllm.absolute import FLORENCE_BINS, encode_places
from workbench.methods.visionllm.decoding import Answer
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.parsing import parse_instruction
from workbench.methods.visionllm.task import SET_KINDS, Kind, Task
from workbench.server.api import ModelClient, Request, Result

SAME_INTERFACE: Final = "same interface, different algorithm"
OPERATION: Final = "vision.locate"


@dataclass(frozen=True, slots=True)
class Family:
    """A family of published models.

    Args:
        name: what people call it.
        reference: its paper.
        tasks: the kinds of task it has a form for.
        difference: one sentence: what it does where VisionLLM fills in its template.
        usual_score: the score above which its own code counts a detection; 0 for a family that
            gives no scores, whose detections all have score 1.
    """

    name: str
    reference: str
    tasks: tuple[Kind, ...]
    difference: str
    usual_score: float = 0.0

    @property
    def has_scores(self) -> bool:
        """Whether it says how sure it is."""
        return self.usual_score > 0

    @property
    def label(self) -> str:
        """What stands beside it wherever it is shown."""
        return f"{self.name}: {SAME_INTERFACE}"


FAMILIES: Final[Mapping[str, Family]] = {
    "florence2": Family(
        "Florence-2",
        "Xiao et al. 2024, arXiv:2311.06242",
        ("detection", "segmentation", "grounding", "captioning"),
        "It writes absolute places, one of 1,000 tokens <loc_0> to <loc_999> for each coordinate, "
        "one token after the other and one class at a time.",
    ),
    "grounding-dino": Family(
        "Grounding DINO",
        "Liu et al. 2023, arXiv:2303.05499",
        ("detection", "grounding"),
        "A detector with text: it compares each candidate with each word of the prompt and gives "
        "its box as four numbers; nothing is written.",
        0.25,
    ),
    "owlv2": Family(
        "OWLv2",
        "Minderer et al. 2023, arXiv:2306.09683",
        ("detection", "grounding"),
        "A detector with text: every patch of the picture proposes one box, and each box is "
        "compared with a sentence for each class, as CLIP does.",
        0.1,
    ),
    "qwen-vl": Family(
        "Qwen2.5-VL",
        "Bai et al. 2025, arXiv:2502.13923",
        ("detection", "grounding", "captioning", "question"),
        "It writes JSON with corners in pixels of the picture as it sees it, digit by digit like "
        "any other text; what is not valid JSON is lost.",
    ),
}
"""By the kind on the model's card."""


@dataclass(frozen=True, eq=False)
class Located:
    """What a published model answers.

    Args:
        task: that it was asked.
        answers: of each picture, in the form of ``decode``, surest first; empty for a text task.
            ``tokens`` are Florence-2's absolute ones, and of width 0 for the others.
        texts: of each picture, for a text task; else empty.
        said: of each picture, the model's own text as it wrote it; "" from a detector.
        notes: of each picture, sentences about what it wrote that is not among the answers.
    """

    task: Task
    answers: tuple[Answer, ...]
    texts: tuple[str, ...]
    said: tuple[str, ...]
    notes: tuple[tuple[str, ...], ...]


def refuse_task(kind: str, task: Task, model: str) -> None:
    """Refuse a task that a family has no form for.

    Args:
        kind: of the model's card, a key of ``FAMILIES``.
        task: what is asked.
        model: name of the model, for the message.

    Raises:
        InputError: says what the family can do.
    """
    family = FAMILIES[kind]
    if task.kind not in family.tasks:
        can = " and ".join([", ".join(family.tasks[:-1]), family.tasks[-1]])
        raise InputError(
            f"{model} is {family.name}, which has no form for {task.kind}; it takes {can}. Ask "
            "for one of these, or choose another model."
        )


def request_places(model: str, instruction: str, images: np.ndarray, label: str = "") -> Request:
    """The request for what an instruction asks for.

    Args:
        model: name of a card whose kind is in ``FAMILIES``.
        instruction: in the words that ``parse_instruction`` reads.
        images: ``(n, h, w, 3)`` uint8.
        label: what the page calls it while the model writes.
    """
    return Request(OPERATION, model, {"instruction": instruction}, {"images": images}, label=label)


def locate(client: ModelClient, model: str, instruction: str, images: np.ndarray) -> Located:
    """Have a published model carry out an instruction on pictures.

    Args:
        client: the model server.
        model: name of a card whose kind is in ``FAMILIES``.
        instruction: as for VisionLLM; the range and the class tokens mean nothing to these models.
        images: ``(n, h, w, 3)`` uint8.

    Raises:
        InputError: the instruction does not parse, or the family has no form for its task; known
            before the model is loaded.
    """
    task = parse_instruction(instruction)
    kinds = {entry.name: entry.kind for entry in client.models()}
    if kinds.get(model) in FAMILIES:
        refuse_task(kinds[model], task, model)
    return read_places(client.call(request_places(model, instruction, images, model)), task)


def read_places(result: Result, task: Task) -> Located:
    """The answer to ``request_places``.

    Args:
        result: of the operation.
        task: that the instruction parses to.
    """
    values: Mapping[str, Any] = result.values
    said = tuple(values["said"])
    answers = (
        [_answer(result, picture, values["family"] == "florence2") for picture in range(len(said))]
        if task.kind in SET_KINDS
        else []
    )
    notes = tuple(tuple(one) for one in values["notes"])
    return Located(task, tuple(answers), tuple(values["texts"]), said, notes)


def _answer(result: Result, picture: int, has_tokens: bool) -> Answer:
    mine = np.flatnonzero(result.arrays["picture_of"] == picture)
    mine = mine[np.argsort(-result.arrays["scores"][mine], kind="stable")]
    points = np.asarray(result.arrays["points"], dtype=np.float64)[mine]
    flat = points.reshape(len(mine), 2 * points.shape[1])
    # Contours are read at other points than were written, so only corners still have tokens.
    has_tokens = has_tokens and points.shape[1] == BOX_POINTS
    tokens = encode_places(flat, FLORENCE_BINS, "floor") if has_tokens else flat[:, :0].astype(int)
    return Answer(
        candidates=np.arange(len(mine)),
        entries=result.arrays["entries"][mine],
        scores=result.arrays["scores"][mine],
        tokens=tokens,
        points=points,
        boxes=np.asarray(result.arrays["boxes"], dtype=np.float64)[mine],
        is_inverted=np.any(points[:, -1] < points[:, 0], axis=1)
        if points.shape[1] == BOX_POINTS
        else np.zeros(len(mine), dtype=bool),
    )
