"""What is asked of the model server: a few pictures laid open, or many scenes answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workbench.errors import InputError
from workbench.methods.visionllm.decoding import Slots
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.instructions import write_instruction
from workbench.methods.visionllm.parsing import DEFAULT_REACH
from workbench.methods.visionllm.precision import Detections
from workbench.methods.visionllm.scenes import SCENES
from workbench.methods.visionllm.task import Entry, Task
from workbench.params import Chips, Model, Range, chips
from workbench.server.api import ModelClient, Request

DEFAULT_MODEL: Final = "visionllm-pointer"
BOXES_ONLY: Final = ("visionllm-from-three", "visionllm-fixed-order", "visionllm-hard")
"""Networks that were trained to find boxes alone."""
MODEL: Final = Model("visionllm", "Model")
SCENE: Final = Range(0, SCENES - 1, 1, "Scene", help="One of the 500 test scenes.")
MOST_NAMES: Final = 16
NAMES: Final = Chips(
    "Classes in the instruction",
    max_items=MOST_NAMES,
    max_chars=40,
    help="Their order numbers the class tokens <c0>, <c1>, …",
    can_lock=False,
)
DEFAULT_NAMES: Final = "dog; car; lemon; rabbit; bus; carrot; penguin; sailing boat"


@dataclass(frozen=True, eq=False)
class Opened:
    """What a network says slot by slot.

    Args:
        slots: of each picture.
        attention: ``(n, layers, h, M, K)`` from the class slots to the dictionary's entries.
        passes: of the decoder for one picture.
        seconds: that all pictures took on the device, when it was measured.
    """

    slots: tuple[Slots, ...]
    attention: np.ndarray
    passes: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Found:
    """Answers to p instructions on n scenes, M candidates each, the surest first.

    Args:
        entries: ``(p, n, M)`` place of the class in the dictionary.
        scores: ``(p, n, M)`` objectness times probability of the class.
        objectness: ``(p, n, M)``.
        centres: ``(p, n, M, 2)``, l.
        boxes: ``(p, n, M, 4)`` corners in order.
        attention: ``(p, n, layers, h, M, k)``, or nothing if it was not asked for.
        reach: R of the network.
    """

    entries: np.ndarray
    scores: np.ndarray
    objectness: np.ndarray
    centres: np.ndarray
    boxes: np.ndarray
    attention: np.ndarray | None
    reach: int

    def detections(self, instruction: int, labels: np.ndarray, kept: int = 0) -> list[Detections]:
        """Of each scene, as ``average_precision`` takes them.

        Args:
            instruction: which one.
            labels: ``(k,)`` what its entries count as.
            kept: only the surest so many; 0 keeps all.
        """
        stop = kept or self.scores.shape[-1]
        return [
            Detections(labels[entries[:stop]], scores[:stop], boxes[:stop])
            for entries, scores, boxes in zip(
                self.entries[instruction],
                self.scores[instruction],
                self.boxes[instruction],
                strict=True,
            )
        ]


def names_of(value: str) -> tuple[str, ...]:
    """The classes of a ``NAMES`` value.

    Raises:
        InputError: there is none.
    """
    names = tuple(chip.text for chip in chips(value))
    if not names:
        raise InputError(
            f"{NAMES.label}: there is none; name at least one, such as dog, and at most "
            f"{MOST_NAMES}."
        )
    return names


def find(names: Sequence[str], points: int = BOX_POINTS) -> Task:
    """The task of finding things of these names.

    Args:
        names: of the dictionary, <c0> first.
        points: 2 for boxes, more for contours.
    """
    entries = tuple(Entry(name, token) for token, name in enumerate(names))
    return Task("detection" if points == BOX_POINTS else "segmentation", entries, points,
                DEFAULT_REACH)  # fmt: skip


def ask_slots(
    client: ModelClient, model: str, task: Task, pictures: np.ndarray, **switches: bool
) -> Opened:
    """Carry out a task on pictures and see every slot.

    Args:
        client: the model server.
        model: name of its card.
        task: what to do.
        pictures: ``(n, h, w, 3)`` uint8.
        switches: ``use_language``, ``inside_tuple``, ``one_by_one``.
    """
    answer = client.call(
        Request(
            "vision.decode",
            model,
            {"instruction": write_instruction(task), **switches},
            {"images": pictures},
            dtype="float32",
        )
    )
    arrays: Any = answer.arrays
    names = ("objectness", "centres", "class_probabilities", "location_probabilities")
    rows = zip(*(arrays[name] for name in names), strict=True)
    passes: Any = answer.values["passes"]
    return Opened(
        tuple(Slots(*row) for row in rows),
        arrays["class_attention"],
        int(passes),
        answer.receipt.seconds,
    )


def ask_boxes(
    client: ModelClient,
    model: str,
    tasks: Sequence[Task],
    scenes: int,
    **switches: bool,
) -> Found:
    """Carry out each task on the first scenes of the test set.

    Args:
        client: the model server.
        model: name of its card.
        tasks: what to do, each on every scene.
        scenes: how many.
        switches: ``use_language``, ``with_attention``.
    """
    answer = client.call(
        Request(
            "vision.detect",
            model,
            {
                "instructions": [write_instruction(task) for task in tasks],
                "count": scenes,
                **switches,
            },
            dtype="float32",
        )
    )
    arrays: Any = answer.arrays
    reach: Any = answer.values["reach"]
    names = ("entries", "scores", "objectness", "centres", "boxes")
    return Found(
        **{name: arrays[name] for name in names},
        attention=arrays.get("class_attention"),
        reach=int(reach),
    )
