"""What people do on every tab: studies they open, controls they move, models they ask.

A move names a study and the one parameter that is changed; its values come from the parameter's
own declaration, so that a changed range or a new choice needs no change here. Numbers stand for
values: people who are given the same number ask the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.methods.catalog import METHODS, find_study, studies
from workbench.params import Choice, Range, as_dict, fields_of

PLACES = ("the harbour", "a kitchen", "the old mill", "a night train", "the market", "a glacier")
DEEDS = ("waited", "sang", "counted the ships", "read a letter", "lost a key", "drew a map")


@dataclass(frozen=True)
class Move:
    """One control of one study.

    Args:
        study: its slug.
        parameter: the parameter that is changed.
    """

    study: str
    parameter: str

    def params(self, number: int) -> dict[str, Any]:
        """All parameters of the study, the moved one at its value of this number."""
        study = find_study(self.study)
        (moved,) = (f for f in fields_of(study.params) if f.name == self.parameter)
        match moved.kind:
            case Range() as kind:
                steps = round((kind.maximum - kind.minimum) / kind.step) + 1
                value: Any = kind.minimum + kind.step * (number % steps)
                value = int(value) if moved.type is int else round(value, 6)
            case Choice() as kind:
                value = kind.options[number % len(kind.options)]
            case _:
                value = sentence(number)
        return as_dict(study.params()) | {self.parameter: value}


CONTROLS = tuple(
    Move(*move)
    for move in (
        ("attention", "tokens"),
        ("attention.transition", "accuracy_power"),
        ("attention.matrices", "seed"),
        ("attention.hardness", "seed"),
        ("attention.peers", "seed"),
        ("gla.planted", "seed"),
        ("gla.world", "seed"),
        ("gla.map", "layout"),
        ("gla.solver", "seed"),
        ("teaching.hand", "deal"),
        ("teaching.hand", "shown"),
        ("grounded.trie", "strength"),
        ("grounded.trie", "noise"),
        ("grounded.beam", "width"),
        ("visionllm.ledger", "scene"),
        ("visionllm.xray", "scene"),
    )
)
"""Controls that make a request to the page, mostly answered by arithmetic."""

QUESTIONS = tuple(
    Move(*move)
    for move in (
        ("attention.heads", "text"),
        ("attention.symmetries", "text"),
        ("gla.names", "names"),
        ("visionllm.console", "scene"),
        ("visionllm.wheel", "scene"),
        ("visionllm.tokens", "scene"),
        ("visionllm.guidance", "scene"),
        ("visionllm.race", "scene"),
    )
)
"""One question to a model each: a text read, names embedded, a scene looked at."""

LONG = tuple(
    Move(*move)
    for move in (
        ("teaching.prompts", "question"),
        ("dsp.bench", "article"),
        ("dsp.dialogue", "dialogue"),
        ("grounded.kitchen", "instruction"),
        ("grounded.theatre", "mode"),
    )
)
"""Runs that write texts or score hundreds of commands: seconds to minutes of a whole processor."""

API = ("language.next_token", "language.score_choices")
"""What the API's clients ask, beside what the page asks."""


def opened() -> tuple[str, ...]:
    """Every study that is opened on its shipped answer, main studies first."""
    found = [slug for m in METHODS for slug, s in studies(m.slug).items() if not s.is_local]
    return tuple(sorted(found, key=lambda slug: "." in slug))


def sentence(number: int) -> str:
    """A short text of its own for every number."""
    dice = random.Random(number)
    return (
        f"Story {number}. Mara {dice.choice(DEEDS)} near {dice.choice(PLACES)}; "
        f"later she {dice.choice(DEEDS)} and went to {dice.choice(PLACES)}."
    )


def api_request(operation: str, number: int) -> dict[str, Any]:
    """A request to the model server's API as JSON."""
    arguments: dict[str, Any] = {"prompt": f"{sentence(number)} The capital of France is"}
    if operation == "language.score_choices":
        arguments["candidates"] = [" Paris", " Rome", " Oslo"]
    return {"operation": operation, "model": "smollm2-135m-instruct", "arguments": arguments}


@dataclass
class Script:
    """Decides what a person does next.

    Args:
        seed: of everything random.
        shared: which part of all requests is the same for all at any time: what the class is told
            to do just now.
        step_s: how long the class stays at one thing.
    """

    seed: int
    shared: float = 0.5
    step_s: float = 30.0

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self.studies = opened()

    def think_s(self, mean_s: float) -> float:
        """A pause, exponentially distributed."""
        return self._dice.expovariate(1 / mean_s)

    def next(self, now_s: float) -> Act:
        """What a person on the page does: a third opens, a third moves, a third asks a model."""
        is_shared = self._dice.random() < self.shared
        step = int(now_s / self.step_s)
        number = self.seed + step if is_shared else self._dice.randrange(10**6)
        dice = random.Random(self.seed + step) if is_shared else self._dice
        sort = dice.choice(("open", "control", "question"))
        if sort == "open":
            study = dice.choice(self.studies)
            return Act(study, as_dict(find_study(study).params()), "fill")
        return asked(dice.choice(CONTROLS if sort == "control" else QUESTIONS), number)

    def next_api(self, now_s: float) -> dict[str, Any]:
        """What a client of the API asks."""
        is_shared = self._dice.random() < self.shared
        step = int(now_s / self.step_s)
        number = self.seed + step if is_shared else self._dice.randrange(10**6)
        return api_request(API[number % len(API)], number)


@dataclass(frozen=True)
class Act:
    """One thing to do on the page: run a study with parameters.

    Args:
        study: its slug.
        params: all its parameters.
        mode: "fill" opens it on what is measured; "run" is a moved control or Run.
    """

    study: str
    params: Mapping[str, Any]
    mode: str


def asked(move: Move, number: int) -> Act:
    """A moved control as something to do."""
    return Act(move.study, move.params(number), "run")


def tabs(of: Iterable[Move]) -> set[str]:
    """The tabs that some moves touch."""
    return {move.study.partition(".")[0] for move in of}
