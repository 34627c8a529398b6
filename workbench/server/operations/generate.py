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
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.server.operations.decoding import open_decoder
from workbench.server.operations.sampling import Sampling, choose, generator_for
from workbench.server.operations.transcript import cut_at_stop, safe_part

if TYPE_CHECKING:
    import torch

MAX_NEW_TOKENS = 4096


class Settings(Base):
    """How to continue a prompt.

    ``stop`` ends the answer where one of its strings begins; the string is cut off.
    """

    max_new_tokens: Annotated[int, Field(ge=1, le=MAX_NEW_TOKENS)] = 128
    temperature: Annotated[float, Field(ge=0, le=5)] = 0.0
    top_k: Annotated[int, Field(ge=0, le=100_000)] = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    stop: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=8)
    ] = Field(default_factory=list)


class Arguments(prompts.Prompted, Settings):
    """A prompt and how to continue it.

    ``prefix`` stands before the prompt. It changes no answer: requests with the same prefix share
    its keys and values.
    """

    prefix: Annotated[str, Field(max_length=prompts.MAX_CHARACTERS)] = ""


@dataclass
class Answer:
    """One prompt while it is being answered."""

    number: int
    arguments: Settings
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
    if arguments.prefix and arguments.messages is not None:
        raise InputError("language.generate: prefix goes with prompt, not with messages.")
    cost = arguments.estimated_tokens() + arguments.max_new_tokens
    return Prepared(arguments, cost=cost, bucket=arguments.prefix, seed=check_seed(request.seed))


def check_seed(seed: int | None) -> int | None:
    """Refuse a seed that no generator takes.

    Raises:
        InputError: it is out of range.
    """
    if seed is not None and not 0 <= seed < 2**63:
        raise InputError(f"The seed is {seed}; choose a whole number from 0 to 2^63 - 1.")
    return seed


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
        prefix = prefix_ids(loaded, items[0].arguments.prefix)  # one for the whole batch
        for answer in decode(loaded, answers, control, prefix):
            outcomes[answer.number] = _write_output(answer)
    return outcomes


def _begin(loaded: Any, number: int, item: Prepared) -> Answer:
    arguments: Arguments = item.arguments
    if arguments.prefix:
        whole = prompts.Prompted(prompt=arguments.prefix + (arguments.prompt or ""))
        return begin(loaded, number, prompts.prompt_ids(loaded, whole), arguments, item.seed)
    return begin(loaded, number, prompts.prompt_ids(loaded, arguments), arguments, item.seed)


def begin(
    loaded: Any, number: int, ids: list[int], arguments: Settings, seed: int | None
) -> Answer:
    """One answer before its first token.

    Args:
        loaded: a language model of this machine.
        number: of the answer among those that are decoded together.
        ids: token ids of the whole prompt.
        arguments: how to continue it.
        seed: of its random numbers.

    Raises:
        InputError: the prompt leaves no room for an answer.
    """
    limit = arguments.max_new_tokens
    if loaded.kind == "causal-lm":
        prompts.refuse_length(loaded, len(ids) + 1, "The prompt with one token of the answer")
        limit = min(limit, loaded.max_tokens - len(ids))
    return Answer(number, arguments, ids, limit, generator_for(seed))


def prefix_ids(loaded: Any, prefix: str) -> list[int]:
    """Token ids of a text that prompts begin with; none for an empty one."""
    return prompts.encode(loaded, [prefix])[0] if prefix else []


def decode(
    loaded: Any, answers: list[Answer], control: Control, prefix: Sequence[int] = ()
) -> list[Answer]:
    """Decode until every answer has ended or was left; returns those that ended.

    Args:
        loaded: a language model of this machine.
        answers: what to continue, at least one.
        control: asked by the answers' numbers who still waits.
        prefix: token ids that the prompts begin with, read once.
    """
    decoder = open_decoder(loaded, [answer.prompt for answer in answers], control.check, prefix)
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
                control.progress(answer.number, 1.0, "ended")
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
