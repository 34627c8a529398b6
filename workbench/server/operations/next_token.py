"""``language.next_token``: the distribution of the token that follows a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.errors import CancelledError, InputError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations import prompts
from workbench.server.operations.arguments import parse
from workbench.server.operations.forward import Row, read_logits


class Arguments(prompts.Prompted):
    """A prompt, how many of the most probable tokens to name, and whether to give them all."""

    top: Annotated[int, Field(ge=1, le=1000)] = 10
    full: bool = False


def prepare(request: Request) -> Prepared:
    """Check a request."""
    arguments = parse(Arguments, request)
    return Prepared(arguments, cost=arguments.estimated_tokens())


def run(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Read the next token's distribution for a batch of prompts."""
    del device
    outcomes: list[Output | WorkbenchError] = []
    rows: dict[int, Row] = {}
    for number, item in enumerate(items):
        outcomes.append(CancelledError("The request was left before it was read."))
        if not control.is_alive(number):
            continue
        try:
            ids = prompts.prompt_ids(loaded, item.arguments)
            rows[number] = Row(tuple(ids), (len(ids) - 1,))
        except InputError as error:
            outcomes[number] = error
    numbers = list(rows)
    for place, logits in read_logits(loaded, list(rows.values()), None, control.check):
        number = numbers[place]
        outcomes[number] = _write_output(loaded, items[number].arguments, logits[0])
    return outcomes


def _write_output(loaded: Any, arguments: Arguments, logits: Any) -> Output:
    """Put one prompt's next token together.

    Returns:
        Arrays: ``ids``, ``probabilities`` and ``log_probabilities`` of the top tokens, and with
        ``full`` also ``distribution``, ``(vocabulary,)`` float32. Values: ``tokens``, their texts.
    """
    # In float32 the sum over a vocabulary of 50,000 loses the fifth digit.
    log_probabilities = logits.cpu().double().log_softmax(dim=0)
    top = log_probabilities.topk(min(arguments.top, len(log_probabilities)))
    ids = top.indices.numpy()
    arrays: dict[str, np.ndarray] = {
        "ids": ids,
        "log_probabilities": top.values.numpy(),
        "probabilities": top.values.exp().numpy(),
    }
    if arguments.full:
        arrays["distribution"] = log_probabilities.exp().float().numpy()
    return Output(arrays, {"tokens": [loaded.tokenizer.decode([int(token)]) for token in ids]})


OPERATION = Operation(
    name="language.next_token",
    version=1,
    kinds=frozenset({"causal-lm"}),
    prepare=prepare,
    run=run,
    max_batch_cost=32_768,
    max_batch_items=64,
    max_batch_items_on_cpu=16,
    summary="The most probable next tokens, or the whole distribution.",
)
