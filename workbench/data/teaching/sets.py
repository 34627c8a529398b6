"""The question sets written for this project, in the published formats."""

from __future__ import annotations

import functools
from pathlib import Path

from workbench.data.teaching.formats import read_harmful, read_questions
from workbench.data.teaching.question import HarmfulQuestion, Question
from workbench.data.teaching.rows import read_rows
from workbench.errors import AssetError, UnknownNameError

FOLDER = Path(__file__).parents[3] / "assets" / "teaching"
TASKS = ("strategyqa", "ecqa", "gsm8k")
SPLITS = ("train", "test")


@functools.cache
def load_questions(task: str, split: str) -> tuple[Question, ...]:
    """One split of one task.

    Args:
        task: "strategyqa", "ecqa" or "gsm8k".
        split: "train", for demonstrations, or "test".

    Raises:
        UnknownNameError: no such task or split.
        AssetError: its file is not there.
    """
    if task not in TASKS:
        raise UnknownNameError.of("task", task, TASKS)
    if split not in SPLITS:
        raise UnknownNameError.of("split", split, SPLITS)
    name = f"{task}-{split}.jsonl"
    return read_questions(read_rows(_read(name), name), task)


def take_evenly(questions: tuple[Question, ...], count: int) -> tuple[Question, ...]:
    """Some of the questions, each place of the right answer in the share it has among all.

    The first ones of a file may nearly all be yes; then whoever says yes more often looks better.

    Args:
        questions: of one split, in the file's order, which is kept.
        count: how many to take, fewer when there are fewer.
    """
    by_answer: dict[int, list[int]] = {}
    for place, question in enumerate(questions):
        by_answer.setdefault(question.gold, []).append(place)
    # the k-th of m questions with an answer stands at (k + 1/2) / m of the way
    spread = sorted(
        ((k + 0.5) / len(places), place)
        for places in by_answer.values()
        for k, place in enumerate(places)
    )
    return tuple(questions[place] for place in sorted(place for _, place in spread[:count]))


@functools.cache
def load_harmful() -> tuple[HarmfulQuestion, ...]:
    """Test questions with explanations that argue for the wrong answer.

    Raises:
        AssetError: their file is not there.
    """
    return read_harmful(read_rows(_read("harmful.jsonl"), "harmful.jsonl"))


def _read(name: str) -> bytes:
    try:
        return (FOLDER / name).read_bytes()
    except FileNotFoundError as error:
        raise AssetError(f"assets/teaching/{name} is missing; install the workbench again.") from (
            error
        )
