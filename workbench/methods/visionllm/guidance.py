"""Language guidance: which tokens light up when the instruction names other things.

Wang et al. 2023, arXiv:2305.11175, section 3.2: the words' features are attended from the
picture's before the tokens are made. The switch leaves that out; what is left of the instruction
then reaches the class slot only. The paper's ablation trains a tokenizer without BERT; ours only
switches the attention off in a network that was trained with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Final

import numpy as np

from workbench.methods.intervals import Interval
from workbench.methods.visionllm.announcing import announced
from workbench.methods.visionllm.asking import (
    DEFAULT_MODEL,
    DEFAULT_NAMES,
    MODEL,
    NAMES,
    SCENE,
    Found,
    ask_boxes,
    ask_slots,
    find,
    names_of,
)
from workbench.methods.visionllm.decoding import Slots
from workbench.methods.visionllm.resampling import mean_over_scenes
from workbench.methods.visionllm.scenes import Scenes, ask_scenes
from workbench.params import Choice, Flag, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary
from workbench.together import ask_together

COUNT: Final = 100
DICTIONARIES: Final = ("A", "B")
SHOWN: Final = ("A", "B", "A minus B")


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    shown: Annotated[str, Choice(SHOWN, "Objectness of", live=True)] = "A"
    use_language: Annotated[
        bool, Flag("Look at the picture with the instruction in mind", live=True)
    ] = True
    scene: Annotated[int, SCENE] = 5
    names: Annotated[str, replace(NAMES, label="Dictionary A")] = DEFAULT_NAMES
    others: Annotated[str, replace(NAMES, label="Dictionary B")] = (
        "banana; grapes; strawberry; pineapple; cow; panda; bicycle; rocket"
    )
    model: Annotated[str, MODEL] = DEFAULT_MODEL

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Inputs:
    """One scene and many, with dictionary A and B, with and without language.

    Args:
        scene: the one.
        slots: of it, by dictionary and whether language is used.
        many: scenes.
        found: answers on them, dictionary A then B, by whether language is used.
    """

    scene: Scenes
    slots: dict[tuple[str, bool], Slots]
    many: Scenes
    found: dict[bool, Found]


@dataclass(frozen=True, eq=False)
class Result:
    """What language does to objectness.

    Args:
        params: what was asked for.
        inputs: what came back.
        names: of dictionary A and B.
        strength: mean over things of the objectness they are announced with, by whether language
            is used and whether the dictionary names them.
        things: how many of each went into it.
    """

    params: Params
    inputs: Inputs
    names: dict[str, tuple[str, ...]]
    strength: dict[tuple[bool, bool], Interval]
    things: dict[bool, int]


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask about the scene four times, and about many scenes."""
    tasks = {one: find(names) for one, names in _names(params).items()}
    scene = ask_scenes(client, 1, start=params.scene)
    wanted = [(one, use) for one in tasks for use in (True, False)]
    slots = ask_together(
        [
            partial(ask_slots, client, params.model, tasks[one], scene.pictures, use_language=use)
            for one, use in wanted
        ]
    )
    found = ask_together(
        [
            partial(ask_boxes, client, params.model, list(tasks.values()), COUNT, use_language=use)
            for use in (True, False)
        ]
    )
    return Inputs(
        scene,
        {which: opened.slots[0] for which, opened in zip(wanted, slots, strict=True)},
        ask_scenes(client, COUNT),
        dict(zip((True, False), found, strict=True)),
    )


def _names(params: Params) -> dict[str, tuple[str, ...]]:
    return {"A": names_of(params.names), "B": names_of(params.others)}


def compute(inputs: Inputs, params: Params) -> Result:
    """Average over the things of all scenes, each asked for with both dictionaries."""
    names = _names(params)
    many = inputs.many
    is_listed = np.concatenate(
        [np.isin(many.labels, many.labels_of(one)) for one in names.values()]
    )
    scene_of = np.tile(many.scene_of, len(names))
    strength: dict[tuple[bool, bool], Interval] = {}
    for use, found in inputs.found.items():
        every = np.concatenate([announced(found, row, many) for row in range(len(names))])
        for listed in (True, False):
            mine = is_listed == listed
            strength[use, listed] = mean_over_scenes(every[mine], scene_of[mine], COUNT)
    return Result(
        params,
        inputs,
        names,
        strength,
        {listed: int((is_listed == listed).sum()) for listed in (True, False)},
    )


def summarise(result: Result) -> Summary:
    """Mean objectness of named and other things, with and without language."""
    numbers: dict[str, float | int] = {"scenes": COUNT}
    for (use, listed), one in result.strength.items():
        which = "listed" if listed else "unlisted"
        one.put(numbers, f"objectness_{which}_{'with' if use else 'without'}_language", 6)
    for listed, count in result.things.items():
        numbers["things_listed" if listed else "things_unlisted"] = count
    return numbers


GUIDANCE: Study[Params, Inputs, Result] = Study(
    slug="visionllm.guidance",
    title="Language guidance",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
