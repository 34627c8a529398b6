"""``language.generate``: continue a prompt or answer a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from workbench.errors import CancelledError, InputError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations import prompts, remote_generation
from workbench.server.operations.arguments import parse
from workbench.server.operations.decoding import CausalDecoder, Decoder, Seq2SeqDecoder
from workbench.server.operations.sampling import Sampling, choose, generator_for
from workbench.server.operations.transcript import cut_at_stop, safe_part

if TYPE_CHECKING:
    import torch

MAX_NEW_TOKENS = 4096


class Arguments(prompts.Prompted):
    """A prompt and how to continue it.

    ``stop`` ends the answer where one of its strings begins; the string is cut off.
    """

    max_new_tokens: Annotated[int, Field(ge=1, le=MAX_NEW_TOKENS)] = 128
    temperature: Annotated[float, Field(ge=0, le=5)] = 0.0
    top_k: Annotated[int, Field(ge=0, le=100_000)] = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    stop: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=8)
    ] = Field(default_factory=list)


@dataclass
class Answer:
    """One request while it is being answered."""

    number: int
    arguments: Arguments
    prompt: list[int]
    limit: int
    generator: torch.Generator
    tokens: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    text: str = ""
    finish: str = ""


def prepare(request: Request) -> Prepared:
    """Check a request."""
    arguments = parse(Arguments, request)
    if request.seed is not None and not 0 <= request.seed < 2**63:
        raise InputError(f"The seed is {request.seed}; choose a whole number from 0 to 2^63 - 1.")
    cost = arguments.estimated_tokens() + arguments.max_new_tokens
    return Prepared(arguments, cost=cost, seed=request.seed)


def is_repeatable(request: Request) -> bool:
    """Whether asking again must give the same answer: greedy, or drawn with a seed."""
    temperature = request.arguments.get("temperature", 0)
    return request.seed is not None or temperature == 0


def run(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Answer a batch of requests, each streamed as it grows."""
    del device
    if loaded.kind == "openai":
        return remote_generation.run(loaded, items, control)
    outcomes: list[Output | WorkbenchError] = []
    answers: list[Answer] = []
    for number, item in enumerate(items):
        outcomes.append(CancelledError("The request was left before it was answered."))
        if not control.is_alive(number):
            continue
        try:
            answers.append(_begin(loaded, number, item))
        except InputError as error:
            outcomes[number] = error
    if answers:
        for answer in _decode(loaded, answers, control):
            outcomes[answer.number] = _write_output(answer)
    return outcomes


def _begin(loaded: Any, number: int, item: Prepared) -> Answer:
    arguments: Arguments = item.arguments
    ids = prompts.prompt_ids(loaded, arguments)
    limit = arguments.max_new_tokens
    if loaded.kind == "causal-lm":
        prompts.refuse_length(loaded, len(ids) + 1, "The prompt with one token of the answer")
        limit = min(limit, loaded.max_tokens - len(ids))
    return Answer(number, arguments, ids, limit, generator_for(item.seed))


def _decode(loaded: Any, answers: list[Answer], control: Control) -> list[Answer]:
    """Decode until every row has ended or was left; returns the rows that ended."""
    decoder_type = Seq2SeqDecoder if loaded.kind == "seq2seq-lm" else CausalDecoder
    decoder: Decoder = decoder_type(loaded, [answer.prompt for answer in answers])
    ends = end_tokens(loaded)
    ended: list[Answer] = []
    logits = decoder.start(control.check)
    while True:
        control.check()
        kept: list[int] = []
        for row, answer in enumerate(answers):
            if not control.is_alive(answer.number):
                continue  # nobody waits for it: it leaves the batch without an answer
            _append(loaded, answer, logits[row], ends)
            if answer.finish:
                ended.append(answer)
            else:
                kept.append(row)
                _show(answer, control)
        if not kept:
            return ended
        if len(kept) < len(answers):
            decoder.keep(kept)
            answers = [answers[row] for row in kept]
        logits = decoder.step([answer.tokens[-1] for answer in answers])


def _append(loaded: Any, answer: Answer, logits: torch.Tensor, ends: frozenset[int]) -> None:
    arguments = answer.arguments
    sampling = Sampling(arguments.temperature, arguments.top_k, arguments.top_p)
    token = choose(logits, sampling, answer.generator)
    if token in ends:
        answer.finish = "end"
        return
    answer.tokens.append(token)
    answer.log_probabilities.append(float(logits[token] - logits.logsumexp(dim=0)))
    text = loaded.tokenizer.decode(answer.tokens, skip_special_tokens=True)
    answer.text, stopped = cut_at_stop(text, arguments.stop)
    if stopped:
        answer.finish = "stop"
    elif len(answer.tokens) >= answer.limit:
        answer.finish = "length"


def _show(answer: Answer, control: Control) -> None:
    count = len(answer.tokens)
    text = safe_part(answer.text, answer.arguments.stop)
    control.partial(answer.number, values={"text": text, "new_tokens": count})
    control.progress(answer.number, count / answer.limit, f"{count} of {answer.limit} tokens")


def end_tokens(loaded: Any) -> frozenset[int]:
    """Tokens with which a model ends its answer."""
    said = loaded.model.generation_config.eos_token_id
    tokens = said if isinstance(said, list) else [said]
    return frozenset(int(t) for t in [*tokens, loaded.tokenizer.eos_token_id] if t is not None)


def _write_output(answer: Answer) -> Output:
    """Put one answer together.

    Returns:
        Values: ``text``; ``finish``, "end" (the model ended), "stop" (a stop string) or "length";
        ``prompt_tokens``; ``new_tokens``. Arrays over the new tokens: ``token_ids`` and
        ``token_log_probabilities`` under the model itself, whatever the temperature.
    """
    return Output(
        arrays={
            "token_ids": np.array(answer.tokens, dtype=np.int64),
            "token_log_probabilities": np.array(answer.log_probabilities, dtype=np.float32),
        },
        values={
            "text": answer.text,
            "finish": answer.finish,
            "prompt_tokens": len(answer.prompt),
            "new_tokens": len(answer.tokens),
        },
    )


OPERATION = Operation(
    name="language.generate",
    version=1,
    kinds=frozenset({"causal-lm", "seq2seq-lm", "openai"}),
    prepare=prepare,
    run=run,
    max_batch_cost=16_384,
    max_batch_items=16,
    is_cacheable=is_repeatable,
    summary="Continue a prompt or answer a conversation, streamed.",
)
