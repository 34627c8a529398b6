"""Short dictionaries: does a network still find what is named, and leave the rest alone?

The classes are split into sets of k names; every set is asked of every scene. So each thing is
named exactly once and left out by all other sets. A network that was trained with three names or
more meets a prompt it has never seen when there is only one; whether that harms is measured, not
assumed (the paper draws random subsets, arXiv:2305.11175, section 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from workbench.methods.intervals import Interval
from workbench.methods.visionllm.announcing import detected
from workbench.methods.visionllm.asking import (
    DEFAULT_MODEL,
    MODEL,
    MOST_NAMES,
    Found,
    ask_boxes,
    find,
)
from workbench.methods.visionllm.resampling import mean_over_scenes
from workbench.methods.visionllm.scenes import Scenes, ask_scenes
from workbench.methods.visionllm.shuffle import is_there
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

FROM_THREE: Final = "visionllm-from-three"
"""Trained with dictionaries of three names or more; shown beside when its card is there."""
SIZES: Final = (1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    scenes: Annotated[int, Range(20, 100, 20, "Scenes")] = 60
    model: Annotated[str, MODEL] = DEFAULT_MODEL
    seed: Annotated[int, Range(0, 999, 1, "Seed", help="Draws which names stand together.")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Scenes, sets of names, and each model's answers to each set."""

    scenes: Scenes
    sets: tuple[np.ndarray, ...]
    found: dict[str, Found]


@dataclass(frozen=True, eq=False)
class Result:
    """Things found by size of the dictionary.

    Args:
        params: what was asked for.
        inputs: what came back.
        recall: by model and size: share of named things that are found with their class.
        unlisted: by model and size: share of things not named that are detected all the same;
            nothing where every class is named.
    """

    params: Params
    inputs: Inputs
    recall: dict[str, dict[int, Interval]]
    unlisted: dict[str, dict[int, Interval]]


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask with every set, of the model and of the one that never saw a short dictionary."""
    scenes = ask_scenes(client, params.scenes)
    sets = split_names(min(len(scenes.names), MOST_NAMES), params.seed)
    tasks = [find([scenes.names[label] for label in labels]) for labels in sets]
    models = dict.fromkeys([params.model, *(m for m in [FROM_THREE] if is_there(client, m))])
    return Inputs(
        scenes, sets, {model: ask_boxes(client, model, tasks, params.scenes) for model in models}
    )


def split_names(classes: int, seed: int) -> tuple[np.ndarray, ...]:
    """Sets of each size, which hold every class once.

    Args:
        classes: how many.
        seed: of the order in which they are dealt.
    """
    generator = np.random.default_rng(seed)
    sets: list[np.ndarray] = []
    for size in SIZES:
        if size <= classes:
            order = generator.permutation(classes)
            sets += [order[start : start + size] for start in range(0, classes, size)]
    return tuple(sets)


def compute(inputs: Inputs, params: Params) -> Result:
    """Shares over all things, with intervals over scenes."""
    recall: dict[str, dict[int, Interval]] = {}
    unlisted: dict[str, dict[int, Interval]] = {}
    scenes = inputs.scenes
    sizes = sorted({len(one) for one in inputs.sets})
    for model, found in inputs.found.items():
        recall[model], unlisted[model] = {}, {}
        for size in sizes:
            rows = [row for row, one in enumerate(inputs.sets) if len(one) == size]
            hits = np.concatenate([detected(found, r, scenes, inputs.sets[r]) for r in rows])
            named = np.concatenate([np.isin(scenes.labels, inputs.sets[r]) for r in rows])
            scene_of = np.tile(scenes.scene_of, len(rows))
            recall[model][size] = mean_over_scenes(hits[named], scene_of[named], len(scenes))
            if not named.all():
                unlisted[model][size] = mean_over_scenes(
                    hits[~named], scene_of[~named], len(scenes)
                )
    return Result(params, inputs, recall, unlisted)


def summarise(result: Result) -> Summary:
    """Both shares by size, with intervals."""
    numbers: dict[str, float | int] = {"scenes": len(result.inputs.scenes)}
    for name, every in (("recall", result.recall), ("unlisted", result.unlisted)):
        for model, by_size in every.items():
            which = "" if model == result.params.model else "_from_three"
            for size, one in by_size.items():
                one.put(numbers, f"{name}{which}_of_{size}", 6)
    return numbers


SINGLE_NAMES: Study[Params, Inputs, Result] = Study(
    slug="visionllm.names",
    title="Short dictionaries",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
