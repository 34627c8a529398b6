"""A model with one attention head replaced, for the time of a block.

The replacement stands where the model computes attention, so everything before it (position
rotation, normalisation) and after it (output projection, later layers) is the model's own. Each
row of a batch has its own replacement, so one pass compares many. Other threads that use the same
model meanwhile see it as it is.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import InputError
from workbench.methods.attention.causal import causal_mask

if TYPE_CHECKING:
    import torch

Replacement = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``(queries (n, d), keys (m, d), values (m, d_v), allowed (n, m) bool) -> (n, d_v)``, float64."""

_IMPLEMENTATION = "workbench_replaced_head"


@dataclass(frozen=True)
class _Swap:
    layer: int
    head: int
    rows: Sequence[Replacement | None]
    check: Callable[[], None]
    seen: list[int]


_swap: ContextVar[_Swap | None] = ContextVar("workbench_replaced_head", default=None)


@contextlib.contextmanager
def replaced_head(
    model: Any,
    layer: int,
    head: int,
    rows: Sequence[Replacement | None],
    check: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Let a model compute one head's output differently in each row of a batch.

    Args:
        model: a causal transformers model.
        layer: number of the layer, from 0.
        head: number of the query head, from 0.
        rows: one replacement for each row of the batches to come; ``None`` leaves a row as it is.
        check: called at every layer; may raise to stop in the middle of a pass.

    Raises:
        InputError: the model has no such layer or head, or its attention did not pass here.
    """
    refuse_missing(model, layer, head)
    _register()
    usual = model.config._attn_implementation
    swap = _Swap(layer, head, tuple(rows), check, [])
    token = _swap.set(swap)
    try:
        model.set_attn_implementation(_IMPLEMENTATION)
        yield
        if not swap.seen:
            raise InputError(
                f"The attention of {type(model).__name__} cannot be replaced in layer {layer}; "
                "choose another model."
            )
    finally:
        model.set_attn_implementation(usual)
        _swap.reset(token)


def refuse_missing(model: Any, layer: int, head: int) -> None:
    """Refuse a layer or head that a model does not have.

    Raises:
        InputError: which numbers exist.
    """
    for what, number, count in (
        ("Layer", layer, int(model.config.num_hidden_layers)),
        ("Head", head, int(model.config.num_attention_heads)),
    ):
        if not 0 <= number < count:
            raise InputError(
                f"{what} {number} does not exist in this model; choose 0 to {count - 1}."
            )


@functools.cache
def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    def attention(
        module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **options: Any
    ) -> Any:
        swap = _swap.get()
        if swap is not None:
            swap.check()
        if options.get("softcap") is not None:
            raise InputError("This model caps its scores; choose a model that does not.")
        output, weights = sdpa_attention_forward(
            module, query, key, value, attention_mask, **options
        )
        if swap is None or int(module.layer_idx) != swap.layer:
            return output, weights
        swap.seen.append(swap.layer)
        return _replace(output, (query, key, value), attention_mask, swap), weights

    AttentionInterface.register(_IMPLEMENTATION, attention)
    AttentionMaskInterface.register(_IMPLEMENTATION, sdpa_mask)


def _replace(output: torch.Tensor, entering: Sequence[Any], mask: Any, swap: _Swap) -> torch.Tensor:
    """The layer's output ``(rows, n, heads, d_v)`` with one head's part written anew."""
    import torch

    query, key, value = entering
    shared = swap.head // (query.shape[1] // key.shape[1])  # the key head it looks at
    q = query[:, swap.head].cpu().double().numpy()
    k = key[:, shared].cpu().double().numpy()
    v = value[:, shared].cpu().double().numpy()
    output = output.clone()
    for row, replacement in enumerate(swap.rows):
        if replacement is not None:
            allowed = _allowed(mask, row, swap.head, q.shape[1], k.shape[1])
            made = torch.from_numpy(replacement(q[row], k[row], v[row], allowed))
            output[row, :, swap.head] = made.to(output.device, output.dtype)
    return output


def _allowed(mask: Any, row: int, head: int, queries: int, keys: int) -> np.ndarray:
    """Which pairs the model lets through, ``(n, m)`` bool; without a mask the causal ones."""
    if mask is None:
        return causal_mask(queries, keys)
    return mask[min(row, len(mask) - 1), min(head, mask.shape[1] - 1), :, :keys].cpu().numpy()
