"""Lessons: four to six steps written as data, ``assets/lessons/<slug>.toml``.

[[step]]
title = "…"
text = "…"
question = "…"
choices = ["…", "…"]
answer = 0                 # index into choices
reveal = "…"
[step.set]
bound_b = 3.0              # parameter names as in links
"heads.quantity" = "rank"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from panels.links import prefix
from workbench.errors import InputError, UnknownNameError
from workbench.params import parse

LESSONS = Path(__file__).parents[1] / "assets" / "lessons"


@dataclass(frozen=True)
class Step:
    """One question of a lesson.

    Args:
        title: what it is about.
        text: what to look at.
        question: what to guess.
        choices: the guesses on offer.
        answer: index of the right one.
        reveal: what is true and why, shown after the guess.
        set: values the step gives the controls, by study and parameter.
    """

    title: str
    text: str
    question: str
    choices: tuple[str, ...]
    answer: int
    reveal: str
    set: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Lesson:
    """The steps of one tab's lesson."""

    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        """The lesson for the browser's script."""
        return {"steps": [asdict(step) for step in self.steps]}


def has_lesson(slug: str, folder: Path = LESSONS) -> bool:
    """Whether a tab has a lesson."""
    return (folder / f"{slug}.toml").is_file()


def read_lesson(slug: str, studies: Mapping[str, type], folder: Path = LESSONS) -> Lesson | None:
    """Read and check a tab's lesson; ``None`` when it has none.

    Args:
        slug: the tab.
        studies: its studies' parameter dataclasses by slug, main study first.
        folder: where the lessons are.

    Raises:
        InputError: a step lacks a part, its answer is not among its choices, or it sets a
            control to a value that is not allowed.
    """
    if not has_lesson(slug, folder):
        return None
    with (folder / f"{slug}.toml").open("rb") as file:
        steps = tomllib.load(file).get("step", [])
    return Lesson(
        tuple(
            _read_step(f"{slug}, step {i}", slug, step, studies) for i, step in enumerate(steps, 1)
        )
    )


def _read_step(where: str, slug: str, step: Mapping[str, Any], studies: Mapping[str, type]) -> Step:
    missing = [
        n for n in ("title", "text", "question", "choices", "answer", "reveal") if n not in step
    ]
    if missing:
        raise InputError(f"Lesson {where} lacks {', '.join(missing)}.")
    choices = tuple(step["choices"])
    if not isinstance(step["answer"], int) or not 0 <= step["answer"] < len(choices):
        raise InputError(
            f"Lesson {where}: answer is {step['answer']}; choose 0 to {len(choices) - 1}."
        )
    values: dict[str, dict[str, Any]] = {}
    prefixes = {prefix(slug, study): study for study in studies}
    for name, value in step.get("set", {}).items():
        head, dot, own_name = name.rpartition(".")
        if head + dot not in prefixes:
            raise UnknownNameError.of("study", head, (p.rstrip(".") for p in prefixes))
        values.setdefault(prefixes[head + dot], {})[own_name] = value
    for study, own in values.items():
        parse(studies[study], own)
    return Step(
        title=step["title"],
        text=step["text"],
        question=step["question"],
        choices=choices,
        answer=step["answer"],
        reveal=step["reveal"],
        set=values,
    )
