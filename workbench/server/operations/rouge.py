"""``text.rouge``: ROUGE-1, 2 and L of pairs of texts, kept because its stemmer is slow."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from workbench.methods.dsp.rouge import rouge_scores
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import preparing
from workbench.server.operations.prompts import MAX_CHARACTERS

MAX_PAIRS = 4096
_AT_ONCE = 64

AnyText = Annotated[str, Field(max_length=MAX_CHARACTERS)]


class Arguments(Base):
    """Texts to judge and what to judge them by; ``stemmer`` is said, never assumed."""

    predictions: Annotated[list[AnyText], Field(min_length=1, max_length=MAX_PAIRS)]
    references: Annotated[list[AnyText], Field(min_length=1, max_length=MAX_PAIRS)]
    stemmer: bool

    @model_validator(mode="after")
    def _check_pairs(self) -> Arguments:
        if len(self.predictions) != len(self.references):
            raise ValueError(
                f"there are {len(self.predictions)} predictions and {len(self.references)} "
                "references; give one reference for each prediction"
            )
        return self


prepare = preparing(Arguments)


def score_pairs(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Score one request's pairs.

    Returns:
        Arrays: ``scores``, ``(n, 3, 3)`` float64: pair, metric, then precision, recall and F1.
    """
    import numpy as np

    del loaded
    one: Arguments = item.arguments
    parts: list[np.ndarray] = []
    for first in range(0, len(one.predictions), _AT_ONCE):
        control.check()
        control.progress(number, first / len(one.predictions), "Scoring summaries")
        some = slice(first, first + _AT_ONCE)
        parts.append(rouge_scores(one.predictions[some], one.references[some], stemmer=one.stemmer))
    return Output(arrays={"scores": np.concatenate(parts)})


OPERATION = Operation(
    name="text.rouge",
    version=1,
    kinds=frozenset(),
    prepare=prepare,
    run=one_by_one(score_pairs),
    summary="ROUGE-1, 2 and L of pairs of texts, by rouge-score.",
)
