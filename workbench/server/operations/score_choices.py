"""``language.score_choices``: how probable each candidate is as the continuation of a prompt.

The tokens of a candidate are those it has *in context*: prompt and candidate are tokenised
together, and the candidate begins at the first token in which that differs from the prompt alone.
Where the last token of the prompt merges with the candidate's first, that merged token is scored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.errors import InputError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations import prompts, scores, seq2seq
from workbench.server.operations.arguments import parse
from workbench.server.operations.forward import Row, cut_prefix, prefill, read_logits

MAX_CANDIDATES = 1024


class Arguments(prompts.Prompted):
    """A prompt and what may follow it.

    ``prefix`` stands before the prompt. It changes no number: requests with the same prefix share
    its keys and values, so few-shot examples are read once for all questions.
    """

    candidates: Annotated[list[prompts.NonEmpty], Field(min_length=1, max_length=MAX_CANDIDATES)]
    prefix: Annotated[str, Field(max_length=prompts.MAX_CHARACTERS)] = ""


@dataclass(frozen=True)
class Candidate:
    """One candidate in context: all tokens, and where its own begin."""

    ids: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class Question:
    """One request in tokens; ``prefix`` holds the token ids that may be shared."""

    candidates: tuple[Candidate, ...]
    prefix: tuple[int, ...]


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
    outcomes: list[Question | WorkbenchError] = []
    for item in items:
        try:
            outcomes.append(read_question(loaded, item.arguments))
        except InputError as error:
            outcomes.append(error)
    shared: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, question in enumerate(outcomes):
        if isinstance(question, Question) and control.is_alive(number):
            shared[question.prefix].append(number)
    found: dict[tuple[int, int], np.ndarray] = {}
    for prefix, numbers in shared.items():
        questions = {number: outcomes[number] for number in numbers}
        found |= _score_group(loaded, prefix, questions, control)
    return [
        outcome
        if isinstance(outcome, WorkbenchError)
        else scores.write_output(
            loaded,
            items[number].arguments.candidates,
            [candidate.ids[candidate.start :] for candidate in outcome.candidates],
            [found.get((number, c)) for c in range(len(outcome.candidates))],
        )
        for number, outcome in enumerate(outcomes)
    ]


def read_question(loaded: Any, arguments: Arguments) -> Question:
    """Tokenise a request in context.

    Raises:
        InputError: prompt and candidate together are longer than the model takes.
    """
    text, special = prompts.written_prompt(loaded, arguments)
    stem = arguments.prefix + text
    texts = [stem, *(stem + candidate for candidate in arguments.candidates)]
    if arguments.prefix:
        texts.append(arguments.prefix)
    encoded = prompts.encode(loaded, texts, add_special_tokens=special)
    prefix = tuple(encoded.pop()) if arguments.prefix else ()
    prompt, *wholes = encoded
    candidates: list[Candidate] = []
    for whole in wholes:
        prompts.refuse_length(loaded, len(whole), "The prompt with its longest candidate")
        start = shared_length(prompt, whole)
        if start == len(whole):
            raise InputError("A candidate adds no token to the prompt; give it some text.")
        if start == 0:  # nothing stands before the first token: begin as a text begins
            whole, start, prefix = [prompts.start_token(loaded), *whole], 1, ()
        candidates.append(Candidate(tuple(whole), start))
    return Question(tuple(candidates), prefix)


def shared_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences share from their start."""
    for position, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return position
    return min(len(first), len(second))


def _score_group(
    loaded: Any, prefix_ids: tuple[int, ...], questions: dict[int, Any], control: Control
) -> dict[tuple[int, int], np.ndarray]:
    """Log-probabilities of every candidate's tokens, for questions with the same prefix."""
    wholes = {
        (number, c): candidate
        for number, question in questions.items()
        for c, candidate in enumerate(question.candidates)
    }
    # Every row keeps at least the token before its candidate, from which the first is predicted.
    cut = min(
        min(shared_length(prefix_ids, whole.ids), whole.start - 1) for whole in wholes.values()
    )
    prefix = prefill(loaded, prefix_ids, control.check) if cut > 0 else None
    cut = cut if prefix else 0
    rows, places = _merge_rows(wholes, cut)
    waiting: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for key, row in places.items():
        waiting[row].append(key)
    found: dict[tuple[int, int], np.ndarray] = {}
    shared = cut_prefix(prefix, cut) if prefix else None
    for row, logits in read_logits(loaded, rows, shared, control.check):
        reads = {position: i for i, position in enumerate(rows[row].read)}
        for key in waiting[row]:
            whole = wholes[key]
            tokens = whole.ids[whole.start :]
            picked = [reads[whole.start - 1 - cut + i] for i in range(len(tokens))]
            found[key] = scores.log_probabilities(logits[picked], tokens)
        for number in {number for number, _ in waiting[row]}:
            done = sum((number, c) in found for c in range(len(questions[number].candidates)))
            control.progress(number, done / len(questions[number].candidates), "scoring")
    return found


def _merge_rows(
    wholes: dict[tuple[int, int], Candidate], cut: int
) -> tuple[list[Row], dict[tuple[int, int], int]]:
    """Rows to read, each once: a candidate whose input begins another's is read from that one."""
    inputs = {key: whole.ids[cut:-1] for key, whole in wholes.items()}
    places: dict[tuple[int, int], int] = {}
    kept: list[tuple[int, ...]] = []
    reads: list[set[int]] = []
    # In descending order what begins with a row stands directly before it.
    for key in sorted(inputs, key=lambda k: inputs[k], reverse=True):
        row = inputs[key]
        if not (kept and kept[-1][: len(row)] == row):
            kept.append(row)
            reads.append(set())
        reads[-1].update(range(wholes[key].start - 1 - cut, len(row)))
        places[key] = len(kept) - 1
    rows = [Row(ids, tuple(sorted(read))) for ids, read in zip(kept, reads, strict=True)]
    return rows, places


OPERATION = Operation(
    name="language.score_choices",
    version=1,
    kinds=frozenset({"causal-lm", "seq2seq-lm"}),
    prepare=prepare,
    run=run,
    max_batch_cost=65_536,
    max_batch_items=64,
    summary="Log-probability of each candidate continuation of a prompt.",
)
