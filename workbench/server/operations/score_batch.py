"""``language.score_batch``: how probable the candidates of several prompts are, after one prefix.

Each score is the one that ``language.score_choices`` gives to the same prefix, prompt and
candidates.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from workbench.errors import InputError, WorkbenchError
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import prompts, score_choices
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import preparing
from workbench.server.operations.several import MAX_TEXTS, PartControl

_MAX_CANDIDATES = 64


class Question(Base):
    """A prompt and what may follow it; in a conversation ``begin`` begins the answer."""

    prompt: prompts.NonEmpty
    candidates: Annotated[list[prompts.NonEmpty], Field(min_length=1, max_length=_MAX_CANDIDATES)]
    begin: prompts.Begin = ""


class Arguments(Base):
    """Questions, and the text or the turns of a conversation that stand before each of them."""

    questions: Annotated[list[Question], Field(min_length=1, max_length=MAX_TEXTS)]
    prefix: Annotated[str, Field(max_length=prompts.MAX_CHARACTERS)] = ""
    turns: prompts.Turns | None = None

    @model_validator(mode="after")
    def _check_form(self) -> Arguments:
        prompts.check_turns(self.turns, self.prefix, [one.begin for one in self.questions])
        return self


def score_together(
    loaded: Any, item: Prepared, number: int, control: Control
) -> Output | WorkbenchError:
    """Score one request's questions together.

    Returns:
        Arrays over all candidates, question after question: ``log_probabilities`` (sums) and
        ``token_counts``; over all their tokens ``token_ids`` and ``token_log_probabilities``; over
        the questions ``candidate_counts``. Value ``best``: the number of the most probable
        candidate of each question.
    """
    arguments: Arguments = item.arguments
    if arguments.turns is not None:
        prompts.refuse_without_template(loaded)
    asked = [Prepared(_ask(arguments, one)) for one in arguments.questions]
    parts = PartControl(control, number, len(asked))
    found: list[Output] = []
    for part, outcome in enumerate(score_choices.run(loaded, asked, parts, loaded.device)):
        if isinstance(outcome, InputError) and len(asked) > 1:
            return InputError(f"Text {part + 1} of {len(asked)}: {outcome}")
        if isinstance(outcome, WorkbenchError):
            return outcome
        found.append(outcome)
    together = ("log_probabilities", "token_counts", "token_ids", "token_log_probabilities")
    arrays = {name: np.concatenate([one.arrays[name] for one in found]) for name in together}
    arrays["candidate_counts"] = np.array([len(one.candidates) for one in arguments.questions])
    return Output(arrays, {"best": [one.values["best"] for one in found]})


def _ask(arguments: Arguments, one: Question) -> score_choices.Arguments:
    if arguments.turns is None:
        return score_choices.Arguments(
            prompt=one.prompt, candidates=one.candidates, prefix=arguments.prefix
        )
    return score_choices.Arguments(
        messages=prompts.add_turn(arguments.turns, one.prompt, one.begin),
        continues=bool(one.begin),
        candidates=one.candidates,
        shared_turns=len(arguments.turns),
    )


OPERATION = Operation(
    name="language.score_batch",
    version=1,
    kinds=score_choices.OPERATION.kinds,
    prepare=preparing(Arguments),
    run=one_by_one(score_together),
    summary="Log-probability of each candidate of up to 64 prompts after one shared prefix.",
)
