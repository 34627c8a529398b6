"""``language.score_choices``: how probable each candidate is as the continuation of a prompt.

The tokens of a candidate are those it has *in context*: prompt and candidate are tokenised
together, and the candidate begins at the first token in which that differs from the prompt alone.
Where the last token of the prompt merges with the candidate's first, that merged token is scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from workbench.errors import InputError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations import prompts, scores, scoring, seq2seq
from workbench.server.operations.arguments import parse

MAX_CANDIDATES = 1024


class Arguments(prompts.Prompted):
    """A prompt and what may follow it.

    ``prefix`` stands before the prompt. It changes no number: requests with the same prefix share
    its keys and values, so few-shot examples are read once for all questions. In a conversation
    ``shared_turns`` says the same of its first messages.
    """

    candidates: Annotated[list[prompts.NonEmpty], Field(min_length=1, max_length=MAX_CANDIDATES)]
    prefix: Annotated[str, Field(max_length=prompts.MAX_CHARACTERS)] = ""
    shared_turns: Annotated[int, Field(ge=0)] = 0


def prepare(request: Request) -> Prepared:
    """Check a request."""
    arguments = parse(Arguments, request)
    if arguments.prefix and arguments.messages is not None:
        raise InputError("language.score_choices: prefix goes with prompt, not with messages.")
    each = arguments.estimated_tokens()
    cost = len(arguments.candidates) * each + prompts.estimate_tokens(*arguments.candidates)
    return Prepared(arguments, cost=cost)


def run(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Score the candidates of a batch of requests."""
    del device
    if loaded.kind == "seq2seq-lm":
        return seq2seq.score(loaded, [item.arguments for item in items], control)
    outcomes: list[scoring.Question | WorkbenchError] = []
    for item in items:
        try:
            outcomes.append(_read_question(loaded, item.arguments))
        except InputError as error:
            outcomes.append(error)
    waiting = {
        number: question
        for number, question in enumerate(outcomes)
        if isinstance(question, scoring.Question) and control.is_alive(number)
    }
    found = scoring.score(loaded, waiting, control)
    return [
        outcome
        if isinstance(outcome, WorkbenchError)
        else scores.write_output(
            loaded,
            items[number].arguments.candidates,
            [candidate.tokens for candidate in outcome.candidates],
            [found.get((number, c)) for c in range(len(outcome.candidates))],
        )
        for number, outcome in enumerate(outcomes)
    ]


def _read_question(loaded: Any, arguments: Arguments) -> scoring.Question:
    """Tokenise a request in context.

    Raises:
        InputError: prompt and candidate together are longer than the model takes.
    """
    text, special = prompts.written_prompt(loaded, arguments)
    stem, shared = arguments.prefix + text, arguments.prefix
    if arguments.messages and arguments.shared_turns:
        shared = prompts.write_turns(
            loaded, arguments.messages[: arguments.shared_turns], answers=False
        )
    texts = [stem, *(stem + candidate for candidate in arguments.candidates)]
    if shared:
        texts.append(shared)
    encoded = prompts.encode(loaded, texts, add_special_tokens=special)
    prefix = tuple(encoded.pop()) if shared else ()
    prompt, *wholes = encoded
    candidates: list[scoring.Candidate] = []
    for whole in wholes:
        prompts.refuse_length(loaded, len(whole), "The prompt with its longest candidate")
        start = scoring.shared_length(prompt, whole)
        if start == len(whole):
            raise InputError("A candidate adds no token to the prompt; give it some text.")
        if start == 0:  # nothing stands before the first token: begin as a text begins
            whole, start, prefix = [prompts.start_token(loaded), *whole], 1, ()
        candidates.append(scoring.Candidate(tuple(whole), start))
    return scoring.Question(tuple(candidates), prefix)


OPERATION = Operation(
    name="language.score_choices",
    version=1,
    kinds=frozenset({"causal-lm", "seq2seq-lm"}),
    prepare=prepare,
    run=run,
    max_batch_cost=65_536,
    max_batch_items=64,
    max_batch_items_on_cpu=16,
    summary="Log-probability of each candidate continuation of a prompt.",
)
