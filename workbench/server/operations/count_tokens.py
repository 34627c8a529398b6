"""``language.count_tokens``: how many tokens a model reads in each of several texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.errors import WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations import prompts
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.server.operations.prompts import MAX_CHARACTERS

MAX_TEXTS = 1024

Text = Annotated[str, Field(max_length=MAX_CHARACTERS)]


class Arguments(Base):
    """Texts of any length, empty ones too; the model's own limit does not matter here."""

    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]


def prepare(request: Request) -> Prepared:
    """Check a request."""
    arguments = parse(Arguments, request)
    return Prepared(arguments, cost=prompts.estimate_tokens(*arguments.texts))


def run(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Count for each request: array ``counts``, ``(n,)`` int64, without special tokens."""
    del device
    outcomes: list[Output | WorkbenchError] = []
    for item in items:
        control.check()
        ids = prompts.encode(loaded, item.arguments.texts, add_special_tokens=False)
        outcomes.append(Output({"counts": np.array([len(one) for one in ids], dtype=np.int64)}))
    return outcomes


OPERATION = Operation(
    name="language.count_tokens",
    version=1,
    kinds=frozenset({"causal-lm", "seq2seq-lm", "sentence-encoder"}),
    prepare=prepare,
    run=run,
    summary="How many tokens each of up to 1,024 texts has.",
)
