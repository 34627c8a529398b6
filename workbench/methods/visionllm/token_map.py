"""The M image tokens of a picture: where each stands, how sure it is of an object, what it answers.

Wang et al. 2023, arXiv:2305.11175, section 3.2 and the ablation of M. Here the surest M' of one
network's M tokens are kept; the paper trains a network for each M.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from workbench.methods.intervals import Interval, interval
from workbench.methods.visionllm.asking import (
    DEFAULT_MODEL,
    DEFAULT_NAMES,
    MODEL,
    NAMES,
    SCENE,
    Found,
    Opened,
    ask_boxes,
    ask_slots,
    find,
    names_of,
)
from workbench.methods.visionllm.decoding import Answer, decode
from workbench.methods.visionllm.precision import average_precision
from workbench.methods.visionllm.resampling import times_drawn
from workbench.methods.visionllm.scenes import Scenes, ask_scenes
from workbench.methods.visionllm.task import Task
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

KEPT = 8
"""Positions of the slider; what a larger network has beyond is left out."""
COUNT: Final = 100
"""Scenes on which the average precision is measured."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    kept: Annotated[int, Range(1, KEPT, 1, "Tokens kept M', the surest first", live=True)] = KEPT
    scene: Annotated[int, SCENE] = 7
    names: Annotated[str, NAMES] = DEFAULT_NAMES
    model: Annotated[str, MODEL] = DEFAULT_MODEL

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Inputs:
    """One scene laid open, and the answers on many."""

    scene: Scenes
    task: Task
    opened: Opened
    many: Scenes
    found: Found


@dataclass(frozen=True, eq=False)
class Result:
    """Tokens of one picture and what becomes of the average precision with fewer of them.

    Args:
        params: what was asked for.
        inputs: what came back.
        answer: of the picture, the surest first.
        ap50: with 1, 2, … tokens kept of each picture.
        ap: the same over all thresholds.
        things: mean number of things in a scene that the dictionary names.
    """

    params: Params
    inputs: Inputs
    answer: Answer
    ap50: tuple[float, ...]
    ap: tuple[float, ...]
    things: Interval

    @property
    def order(self) -> np.ndarray:
        """Tokens of the picture by objectness, the surest first."""
        return np.argsort(-self.inputs.opened.slots[0].objectness, kind="stable")


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask for the picture's slots, and for the boxes of many scenes."""
    task = find(names_of(params.names))
    scene = ask_scenes(client, 1, start=params.scene)
    opened = ask_slots(client, params.model, task, scene.pictures)
    found = ask_boxes(client, params.model, [task], COUNT)
    return Inputs(scene, task, opened, ask_scenes(client, COUNT), found)


def compute(inputs: Inputs, params: Params) -> Result:
    """Decode the picture; measure with the tokens of highest objectness alone."""
    labels = inputs.many.labels_of(inputs.task.names)
    truth = [listed(inputs.many, scene, labels) for scene in range(COUNT)]
    by_objectness = _by_objectness(inputs.found)
    precisions = [
        average_precision(by_objectness.detections(0, labels, kept), truth)
        for kept in range(1, KEPT + 1)
    ]
    counts = np.array([len(one.labels) for one in truth], dtype=float)
    return Result(
        params,
        inputs,
        decode(inputs.opened.slots[0], inputs.task),
        tuple(one.ap50 for one in precisions),
        tuple(one.ap for one in precisions),
        interval(float(counts.mean()), times_drawn(COUNT) @ counts / COUNT),
    )


def listed(scenes: Scenes, scene: int, labels: np.ndarray):
    """The things of a scene that a dictionary names."""
    objects = scenes.objects(scene)
    mine = np.isin(objects.labels, labels)
    return type(objects)(objects.labels[mine], objects.boxes[mine])


def _by_objectness(found: Found) -> Found:
    order = np.argsort(-found.objectness, axis=-1, kind="stable")

    def sort(values: np.ndarray) -> np.ndarray:
        places = order.reshape(*order.shape, *[1] * (values.ndim - order.ndim))
        return np.take_along_axis(values, places, axis=2)

    names = ("entries", "scores", "objectness", "centres", "boxes")
    return Found(
        **{name: sort(getattr(found, name)) for name in names},
        attention=None,
        reach=found.reach,
    )


def summarise(result: Result) -> Summary:
    """Average precision by tokens kept, and the objectness of the picture's tokens."""
    numbers: dict[str, float | int] = {"scenes": COUNT}
    for kept in range(KEPT):
        numbers[f"ap50_of_{kept + 1}"] = result.ap50[kept]
        numbers[f"ap_of_{kept + 1}"] = result.ap[kept]
    result.things.put(numbers, "things_named_in_a_scene", 6)
    objectness = result.inputs.opened.slots[0].objectness
    numbers["tokens"] = len(objectness)
    numbers["tokens_above_half"] = int((objectness >= 0.5).sum())
    return numbers


TOKEN_MAP: Study[Params, Inputs, Result] = Study(
    slug="visionllm.tokens",
    title="Image tokens",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
