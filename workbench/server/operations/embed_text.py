"""``language.embed_text``: one vector for each text, near each other when the meanings are.

Sentence-BERT's recipe (Reimers and Gurevych 2019, arXiv:1908.10084): the mean of the last hidden
states over the text's tokens, then unit length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.errors import CancelledError, InputError, WorkbenchError
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared
from workbench.server.operations import prompts
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse
from workbench.server.operations.forward import step_tokens

MAX_TEXTS = 4096


class Arguments(Base):
    """Texts to embed; ``truncate`` reads the beginning of a text that is too long."""

    texts: Annotated[list[prompts.NonEmpty], Field(min_length=1, max_length=MAX_TEXTS)]
    normalise: bool = True
    truncate: bool = False


def prepare(request: Request) -> Prepared:
    """Check a request."""
    arguments = parse(Arguments, request)
    for number, text in enumerate(arguments.texts):
        if not text.strip():
            raise InputError(f"{request.operation}: text {number + 1} is empty; type some words.")
    return Prepared(arguments, cost=prompts.estimate_tokens(*arguments.texts))


def run(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Embed the texts of a batch of requests, all of them together."""
    del device
    outcomes: list[Output | WorkbenchError | None] = []
    rows: list[list[int]] = []
    spans: dict[int, range] = {}
    for number, item in enumerate(items):
        outcomes.append(CancelledError("The request was left before it was embedded."))
        if not control.is_alive(number):
            continue
        try:
            encoded = _encode(loaded, item.arguments)
        except InputError as error:
            outcomes[number] = error
            continue
        spans[number] = range(len(rows), len(rows) + len(encoded))
        rows += encoded
    vectors = np.zeros((len(rows), loaded.model.config.hidden_size), dtype=np.float32)
    for numbers, part in _embed(loaded, rows, control):
        vectors[numbers] = part
    for number, span in spans.items():
        lengths = [len(rows[row]) for row in span]
        outcomes[number] = _write_output(
            items[number].arguments, vectors[span.start : span.stop], lengths
        )
    return [outcome for outcome in outcomes if outcome is not None]


def _encode(loaded: Any, arguments: Arguments) -> list[list[int]]:
    rows = loaded.tokenizer(
        list(arguments.texts),
        truncation=arguments.truncate,
        max_length=loaded.max_tokens if arguments.truncate else None,
        verbose=False,
    )["input_ids"]
    for number, row in enumerate(rows):
        prompts.refuse_length(loaded, len(row), f"Text {number + 1}")
    return rows


def _embed(
    loaded: Any, rows: Sequence[Sequence[int]], control: Control
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield row numbers and their mean hidden states ``(n, d)``, similar lengths together."""
    import torch

    order = sorted(range(len(rows)), key=lambda number: len(rows[number]), reverse=True)
    while order:
        control.check()
        count = max(1, step_tokens(loaded.device) // len(rows[order[0]]))
        numbers, order = order[:count], order[count:]
        padded = loaded.tokenizer.pad(
            {"input_ids": [rows[number] for number in numbers]},
            padding_side="right",
            return_tensors="pt",
        ).to(loaded.device)
        mask = padded["attention_mask"]
        with torch.inference_mode():
            hidden = loaded.model(
                input_ids=padded["input_ids"], attention_mask=mask
            ).last_hidden_state.float()
        weights = mask.unsqueeze(-1).float()
        yield numbers, ((hidden * weights).sum(dim=1) / weights.sum(dim=1)).cpu().numpy()


def _write_output(arguments: Arguments, vectors: np.ndarray, lengths: Sequence[int]) -> Output:
    """Arrays over the n texts: ``embeddings`` ``(n, d)`` float32 and ``token_counts``."""
    if arguments.normalise:
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    return Output({"embeddings": vectors, "token_counts": np.array(lengths, dtype=np.int64)})


OPERATION = Operation(
    name="language.embed_text",
    version=1,
    kinds=frozenset({"sentence-encoder"}),
    prepare=prepare,
    run=run,
    max_batch_cost=65_536,
    max_batch_items=64,
    summary="One vector of unit length for each text.",
)
