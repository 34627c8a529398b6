"""``language.count_tokens``: how many tokens a model reads in each of several texts."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import prompts
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import preparing
from workbench.server.operations.prompts import MAX_CHARACTERS

MAX_TEXTS = 1024

Text = Annotated[str, Field(max_length=MAX_CHARACTERS)]


class Arguments(Base):
    """Texts of any length, empty ones too; the model's own limit does not matter here."""

    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]


def count_tokens(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Count for one request: array ``counts``, ``(n,)`` int64, without special tokens."""
    del number, control
    ids = prompts.encode(loaded, item.arguments.texts, add_special_tokens=False)
    return Output({"counts": np.array([len(one) for one in ids], dtype=np.int64)})


OPERATION = Operation(
    name="language.count_tokens",
    version=1,
    kinds=frozenset({"causal-lm", "seq2seq-lm", "sentence-encoder"}),
    prepare=preparing(Arguments, cost=lambda given: prompts.estimate_tokens(*given.texts)),
    run=one_by_one(count_tokens),
    summary="How many tokens each of up to 1,024 texts has.",
)
