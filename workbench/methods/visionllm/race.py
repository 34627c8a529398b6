"""All slots at once, or one after another: passes, milliseconds, and whether the answers agree.

Wang et al. 2023, arXiv:2305.11175, section 3.3: the template's own tokens are the queries, so that
every slot of every candidate is filled in one pass. Filled one after another, M candidates of s
slots take M·s passes; a decoder that writes only the n things it finds, and an end, takes n·s + 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from workbench.methods.visionllm.asking import (
    DEFAULT_MODEL,
    DEFAULT_NAMES,
    MODEL,
    NAMES,
    SCENE,
    Opened,
    ask_slots,
    find,
    names_of,
)
from workbench.methods.visionllm.decoding import Answer, decode
from workbench.methods.visionllm.formats import BOX_POINTS, slots_of
from workbench.methods.visionllm.scenes import Scenes, ask_scenes
from workbench.methods.visionllm.task import Task
from workbench.params import Flag, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

SCENES_TIMED: Final = 5
PASSES: Final = 40
"""Positions of the slider: 8 candidates of 5 slots."""
SCORE: Final = 0.5
MODES: Final = ("parallel", "one by one")


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    step: Annotated[int, Range(0, PASSES, 1, "Passes of the decoder", live=True)] = 1
    scene: Annotated[int, SCENE] = 7
    inside_tuple: Annotated[
        bool,
        Flag("Slots of a candidate see each other", help="Without, both ways must agree exactly."),
    ] = True
    names: Annotated[str, NAMES] = DEFAULT_NAMES
    model: Annotated[str, MODEL] = DEFAULT_MODEL

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Some scenes, each answered in both ways.

    Args:
        scene: the shown one, and those that follow it.
        task: what is asked.
        opened: by mode, of each scene.
    """

    scene: Scenes
    task: Task
    opened: dict[str, tuple[Opened, ...]]


@dataclass(frozen=True, eq=False)
class Result:
    """The race.

    Args:
        params: what was asked for.
        inputs: what came back.
        answers: by mode, of the shown scene.
        seconds: by mode, median over the scenes of what one picture took on the device.
        passes: by mode.
        same: share of the slots of sure boxes in which both ways say the same token; of all slots
            when no box is sure.
        largest_gap: largest difference of a probability between both ways.
        things_found: of the shown scene, with a score of 0.5 or more.
    """

    params: Params
    inputs: Inputs
    answers: dict[str, Answer]
    seconds: dict[str, float]
    passes: dict[str, int]
    same: float
    largest_gap: float
    things_found: int

    @property
    def pass_seconds(self) -> float:
        """Time of one more pass; what both ways share is looking at the picture."""
        once, turn = (self.seconds[mode] for mode in MODES)
        return max(0.0, (turn - once) / (self.passes[MODES[1]] - 1))

    @property
    def written_passes(self) -> int:
        """Of a decoder that writes only what it finds, and an end: n·s + 1."""
        return self.things_found * len(slots_of(BOX_POINTS)) + 1


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask one picture at a time, in both ways."""
    scenes = ask_scenes(client, SCENES_TIMED, start=params.scene)
    task = find(names_of(params.names))
    opened = {
        mode: tuple(
            ask_slots(
                client,
                params.model,
                task,
                scenes.pictures[[number]],
                one_by_one=mode == "one by one",
                inside_tuple=params.inside_tuple,
            )
            for number in range(SCENES_TIMED)
        )
        for mode in MODES
    }
    return Inputs(scenes, task, opened)


def compute(inputs: Inputs, params: Params) -> Result:
    """Compare both ways slot by slot."""
    pairs = list(zip(*(inputs.opened[mode] for mode in MODES), strict=True))
    same: list[np.ndarray] = []
    gaps: list[float] = []
    for first, second in ((one.slots[0], two.slots[0]) for one, two in pairs):
        sure = first.objectness * first.class_probabilities.max(axis=1) >= SCORE
        kept = sure if sure.any() else np.ones_like(sure)
        for name in ("class_probabilities", "location_probabilities"):
            mine, theirs = getattr(first, name), getattr(second, name)
            same.append((mine.argmax(-1) == theirs.argmax(-1))[kept].ravel())
            gaps.append(float(np.abs(mine - theirs).max()))
    answers = {mode: decode(rows[0].slots[0], inputs.task) for mode, rows in inputs.opened.items()}
    return Result(
        params,
        inputs,
        answers,
        {m: float(np.median([one.seconds for one in rows])) for m, rows in inputs.opened.items()},
        {mode: rows[0].passes for mode, rows in inputs.opened.items()},
        float(np.concatenate(same).mean()),
        max(gaps),
        int((answers["parallel"].scores >= SCORE).sum()),
    )


def summarise(result: Result) -> Summary:
    """Passes, times and agreement."""
    numbers: dict[str, float | int] = {
        "passes_parallel": result.passes["parallel"],
        "passes_one_by_one": result.passes["one by one"],
        "passes_of_what_is_found": result.written_passes,
        "same_tokens": result.same,
        "largest_gap": float(f"{result.largest_gap:.2g}"),
        "things_found": result.things_found,
    }
    for mode, seconds in result.seconds.items():
        numbers[f"{mode.replace(' ', '_')}_seconds"] = seconds
    return numbers


RACE: Study[Params, Inputs, Result] = Study(
    slug="visionllm.race",
    title="At once or in turn",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
