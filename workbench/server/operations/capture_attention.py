"""``language.capture_attention``: queries, keys and values of chosen layers and heads."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from workbench.errors import InputError
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import prompts
from workbench.server.operations.arguments import preparing
from workbench.server.operations.capture import LayerAttention, visit_layers

MAX_BYTES = 256 * 1024 * 1024


class Arguments(prompts.Prompted):
    """A text, and which layers and heads to show; every one when not given."""

    layers: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] | None = None
    heads: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] | None = None


def capture_text(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Capture one text.

    Returns:
        Arrays: ``queries``, ``keys``, ``values``, ``(layers, heads, t, d)`` float32; ``layers``
        and ``heads``, their numbers; ``ids``, the token ids. Values: ``tokens``, their texts;
        ``scale`` and ``is_causal``, as in ``capture.LayerAttention``.
    """
    import torch

    arguments: Arguments = item.arguments
    ids = prompts.prompt_ids(loaded, arguments)
    config = loaded.model.config
    layers = _chosen(arguments.layers, config.num_hidden_layers, "Layer")
    heads = _chosen(arguments.heads, config.num_attention_heads, "Head")
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    size_bytes = 3 * 4 * len(layers) * len(heads) * len(ids) * width
    if size_bytes > MAX_BYTES:
        raise InputError(
            f"That would be {size_bytes / 2**20:,.0f} MiB of queries, keys and values; at most "
            f"{MAX_BYTES / 2**20:,.0f} MiB are given. Choose fewer layers or heads, or a shorter "
            "text."
        )
    seen: list[LayerAttention] = []

    def visit(layer: LayerAttention) -> None:
        control.check()
        seen.append(layer)
        control.progress(number, len(seen) / len(layers), f"layer {len(seen)} of {len(layers)}")

    visit_layers(loaded.model, torch.tensor(ids), visit, layers)
    seen.sort(key=lambda layer: layer.layer)

    def stack(name: str) -> np.ndarray:
        return np.stack([getattr(layer, name)[heads].cpu().numpy() for layer in seen])

    return Output(
        arrays={
            "queries": stack("queries"),
            "keys": stack("keys"),
            "values": stack("values"),
            "layers": np.array(layers, dtype=np.int64),
            "heads": np.array(heads, dtype=np.int64),
            "ids": np.array(ids, dtype=np.int64),
        },
        values={
            "tokens": [loaded.tokenizer.decode([token]) for token in ids],
            "scale": seen[0].scale,
            "is_causal": seen[0].is_causal,
        },
    )


def _chosen(numbers: list[int] | None, count: int, what: str) -> list[int]:
    chosen = list(range(count)) if numbers is None else sorted(set(numbers))
    if chosen[-1] >= count:
        raise InputError(f"{what} {chosen[-1]} does not exist; choose 0 to {count - 1}.")
    return chosen


OPERATION = Operation(
    name="language.capture_attention",
    version=1,
    kinds=frozenset({"causal-lm", "sentence-encoder"}),
    prepare=preparing(Arguments, cost=Arguments.estimated_tokens),
    run=one_by_one(capture_text),
    summary="Queries, keys and values as they enter the dot product.",
)
