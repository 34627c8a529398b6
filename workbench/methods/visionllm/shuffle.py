"""Shuffle stress: the same question with its dictionary in fifty random orders.

Wang et al. 2023, arXiv:2305.11175, section 3.4: class tokens mean nothing outside the prompt, so an
order must not matter. The pointer head scores the prompt's own entries, so that it passes nearly by
construction; a network that was trained with one order and a plain token head shows what fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from workbench.methods.visionllm.announcing import named_rightly
from workbench.methods.visionllm.asking import (
    DEFAULT_MODEL,
    MODEL,
    MOST_NAMES,
    Found,
    ask_boxes,
    find,
)
from workbench.methods.visionllm.precision import average_precision
from workbench.methods.visionllm.scenes import Scenes, ask_scenes
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

FIXED: Final = "visionllm-fixed-order"
"""Trained with every class in one order; shown beside when its card is there."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    orders: Annotated[int, Range(5, 50, 5, "Random orders")] = 50
    scenes: Annotated[int, Range(20, 100, 20, "Scenes")] = 60
    model: Annotated[str, MODEL] = DEFAULT_MODEL
    seed: Annotated[int, Range(0, 999, 1, "Seed")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Scenes, orders, and each model's answers.

    Args:
        scenes: n of them.
        orders: ``(p, k)`` labels; the first is the order of training, the others are random.
        found: by model.
    """

    scenes: Scenes
    orders: np.ndarray
    found: dict[str, Found]


@dataclass(frozen=True, eq=False)
class Result:
    """What an order of the dictionary changes.

    Args:
        params: what was asked for.
        inputs: what came back.
        ap50: by model, ``(p,)``; the first in the order of training.
        accuracy: by model, ``(p,)``: share of things under a box whose class is right.
        chance: accuracy of a class drawn from the dictionary.
    """

    params: Params
    inputs: Inputs
    ap50: dict[str, np.ndarray]
    accuracy: dict[str, np.ndarray]
    chance: float


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask with every order, of the model and of the one that never saw another order."""
    scenes = ask_scenes(client, params.scenes)
    count = min(len(scenes.names), MOST_NAMES)
    generator = np.random.default_rng(params.seed)
    shuffled = [generator.permutation(count) for _ in range(params.orders)]
    orders = np.stack([np.arange(count), *shuffled])
    tasks = [find([scenes.names[label] for label in order]) for order in orders]
    models = dict.fromkeys([params.model, *(m for m in [FIXED] if is_there(client, m))])
    return Inputs(
        scenes,
        orders,
        {model: ask_boxes(client, model, tasks, params.scenes) for model in models},
    )


def is_there(client: ModelClient, model: str) -> bool:
    """Whether a model has a card and needs no download."""
    return any(one.name == model and one.state == "ready" for one in client.models())


def compute(inputs: Inputs, params: Params) -> Result:
    """Average precision and class accuracy for every order."""
    scenes = inputs.scenes
    truth = [scenes.objects(scene) for scene in range(len(scenes))]
    ap50: dict[str, np.ndarray] = {}
    accuracy: dict[str, np.ndarray] = {}
    half = np.array([0.5])
    for model, found in inputs.found.items():
        precisions: list[float] = []
        shares: list[float] = []
        for row, order in enumerate(inputs.orders):
            detections = found.detections(row, order)
            precisions.append(average_precision(detections, truth, thresholds=half).ap)
            right, counts = named_rightly(found, row, scenes, order)
            shares.append(float(right[counts].mean()) if counts.any() else 0.0)
        ap50[model], accuracy[model] = np.array(precisions), np.array(shares)
    return Result(params, inputs, ap50, accuracy, 1 / inputs.orders.shape[1])


def summarise(result: Result) -> Summary:
    """In the order of training, and over the random orders: mean, least and most."""
    numbers: dict[str, float | int] = {
        "scenes": len(result.inputs.scenes),
        "orders": result.params.orders,
        "class_accuracy_by_chance": result.chance,
    }
    for name, every in (("ap50", result.ap50), ("class_accuracy", result.accuracy)):
        for model, values in every.items():
            which = "" if model == result.params.model else "_fixed_order"
            numbers[f"{name}{which}_in_order"] = float(values[0])
            numbers[f"{name}{which}_shuffled"] = float(values[1:].mean())
            numbers[f"{name}{which}_shuffled_least"] = float(values[1:].min())
            numbers[f"{name}{which}_shuffled_most"] = float(values[1:].max())
    return numbers


SHUFFLE: Study[Params, Inputs, Result] = Study(
    slug="visionllm.shuffle",
    title="Shuffled classes",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
