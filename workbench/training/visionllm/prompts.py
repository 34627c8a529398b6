"""Prompts as the network reads them: words of the entries and questions, task, class tokens.

The paper's language model reads the whole instruction. Here rules parse it and the network reads
what it means: our choice, and what makes it small enough to train on a processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from workbench.errors import InputError
from workbench.methods.visionllm.task import KINDS, Task
from workbench.training.visionllm.shape import BEGIN, Shape, number_words

KIND_NUMBERS = len(KINDS) + 1
"""Each kind of task, and the long caption."""


@dataclass(frozen=True, eq=False)
class Prompts:
    """Some prompts; texts that several hold are kept once.

    Args:
        kinds: ``(b,)`` int64, what to do.
        texts: ``(u, w)`` int64 word numbers, 0 after a text's end.
        entries: ``(b, k)`` int64 rows of ``texts``, -1 after the dictionary's end.
        class_tokens: ``(b, k)`` int64, j of <cj>; 0 where there is no entry.
        questions: ``(b,)`` int64 rows of ``texts``, -1 for none.
    """

    kinds: torch.Tensor
    texts: torch.Tensor
    entries: torch.Tensor
    class_tokens: torch.Tensor
    questions: torch.Tensor

    def to(self, device: str) -> Prompts:
        """The same on a device."""
        return Prompts(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def build_prompts(tasks: Sequence[Task], shape: Shape, *, entries: int = 0) -> Prompts:
    """Prompts of some tasks.

    Args:
        tasks: one for each picture.
        shape: of the network, with the words it knows.
        entries: room for so many at least; what is left over is padding.

    Raises:
        UnknownNameError: a word the network has never seen; lists those that it knows.
        InputError: more classes, or a class token, than the network has.
    """
    rows: dict[str, int] = {}
    for task in tasks:
        _check_tokens(task, shape)
        for text in (*task.names, *([task.question] if task.question else [])):
            rows.setdefault(text, len(rows))
    numbers = [number_words(text, shape.words, shape.text_tokens) for text in rows]
    numbers = numbers or [[shape.words.index(BEGIN)]]
    texts = torch.zeros(len(numbers), max(map(len, numbers)), dtype=torch.int64)
    for row, one in enumerate(numbers):
        texts[row, : len(one)] = torch.tensor(one)
    room = max(entries, 1, *(len(task.entries) for task in tasks))
    places = torch.full((len(tasks), room), -1, dtype=torch.int64)
    tokens = torch.zeros(len(tasks), room, dtype=torch.int64)
    for row, task in enumerate(tasks):
        for column, entry in enumerate(task.entries):
            places[row, column] = rows[entry.name]
            tokens[row, column] = entry.token
    return Prompts(
        torch.tensor([kind_number(task) for task in tasks]),
        texts,
        places,
        tokens,
        torch.tensor([rows.get(task.question, -1) if task.question else -1 for task in tasks]),
    )


def kind_number(task: Task) -> int:
    """Which word of command a task begins with."""
    return len(KINDS) if task.is_long else KINDS.index(task.kind)


def _check_tokens(task: Task, shape: Shape) -> None:
    highest = max((entry.token for entry in task.entries), default=0)
    if max(highest + 1, len(task.entries)) > shape.class_tokens:
        raise InputError(
            f"The dictionary uses <c{highest}> and {len(task.entries)} classes; this model has "
            f"{shape.class_tokens} class tokens, <c0> to <c{shape.class_tokens - 1}>."
        )
