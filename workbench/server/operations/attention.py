"""Statistics of every attention head of a model on one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from workbench.errors import InputError
from workbench.methods.attention.head_statistics import NAMES, SHARES, head_statistics
from workbench.server.api import Request
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.capture import LayerAttention, visit_layers

MAXIMUM_TOKENS = 2_048
"""Scores of one head take 4 bytes for each pair of tokens."""
MAXIMUM_CHARACTERS = 40_000


@dataclass(frozen=True)
class _Arguments:
    text: str


def prepare(request: Request) -> Prepared:
    """Check the text of a request."""
    unknown = sorted(set(request.arguments) - {"text"})
    if unknown:
        raise InputError(
            f"attention.head_statistics has no argument {unknown[0]!r}; it takes only 'text'."
        )
    text = request.arguments.get("text")
    if not isinstance(text, str) or not text.strip():
        raise InputError("The text is empty; give at least one word to read.")
    if len(text) > MAXIMUM_CHARACTERS:
        raise InputError(
            f"The text has {len(text):,} characters; at most {MAXIMUM_CHARACTERS:,} are read. "
            "Shorten it."
        )
    return Prepared(_Arguments(text), cost=1 + len(text) // 4)


def measure_heads(model: Any, item: Prepared, number: int, control: Control) -> Output:
    """Measure one text, layer by layer."""
    ids = model.tokenizer(item.arguments.text, return_tensors="pt")["input_ids"]
    tokens = int(ids.shape[-1])
    limit = min(MAXIMUM_TOKENS, model.max_tokens)
    if not 0 < tokens <= limit:
        raise InputError(
            f"The text has {tokens:,} tokens; the head atlas reads 1 to {limit:,}. Shorten it."
        )
    layers = int(model.model.config.num_hidden_layers)
    found: list[dict[str, np.ndarray]] = []
    dimensions: set[int] = set()

    def visit(layer: LayerAttention) -> None:
        control.check()
        found.append(
            head_statistics(
                layer.queries.cpu().numpy(),
                layer.keys.cpu().numpy(),
                layer.values.cpu().numpy(),
                scale=layer.scale,
                is_causal=layer.is_causal,
            )
        )
        dimensions.add(int(layer.queries.shape[-1]))
        control.progress(number, len(found) / layers, f"Layer {len(found)} of {layers}")

    control.progress(number, 0.0, f"Reading {tokens:,} tokens")
    # NumPy's threads and torch's would wait for each other at every layer: one core is faster.
    with threadpool_limits(limits=1, user_api="blas"):
        visit_layers(model.model, ids, visit)
    return Output(
        arrays={name: np.stack([one[name] for one in found]) for name in (*NAMES, *SHARES)},
        values={
            "tokens": [model.tokenizer.decode([int(i)]) for i in ids.reshape(-1)],
            "head_dimension": max(dimensions),
        },
    )


run = one_by_one(measure_heads)

HEAD_STATISTICS = Operation(
    name="attention.head_statistics",
    version=3,
    kinds=frozenset({"causal-lm", "sentence-encoder"}),
    prepare=prepare,
    run=run,
    max_batch_items=1,
    max_batch_cost=MAXIMUM_CHARACTERS,
    summary="Largest entries, score ranges and equivalent bounds of every attention head.",
)
"""Arguments: ``text``. Arrays: ``(layers, heads)`` float32 for each name of ``NAMES`` and
``(layers, heads, BINS)`` for each of ``SHARES``.
"""
