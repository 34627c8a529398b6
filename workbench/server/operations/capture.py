"""Queries, keys and values of every attention head, as they enter the dot product.

They are read where the model hands them to its attention function, so they carry everything the
model does before it: position rotation (RoPE), normalisation, scaling of the projections. The
model's own output is not changed.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError

if TYPE_CHECKING:
    import torch

_IMPLEMENTATION = "workbench_capture"


@dataclass(frozen=True)
class LayerAttention:
    """What one attention layer multiplies, for one text.

    Args:
        layer: number of the layer, from 0.
        queries: ``(h, t, d)`` float32, after position rotation.
        keys: ``(h, t, d)`` float32, after rotation; grouped keys are repeated for each query head.
        values: ``(h, t, d)`` float32, repeated likewise.
        scale: the model's scores are ``scale * queries @ keys.T``; usually ``1 / √d``.
        is_causal: whether a token attends only to itself and the tokens before it.
    """

    layer: int
    queries: torch.Tensor
    keys: torch.Tensor
    values: torch.Tensor
    scale: float
    is_causal: bool


class _AllSeen(Exception):  # noqa: N818  it ends a forward pass early and is no error
    """Every wanted layer has been visited."""


_visitor: ContextVar[Callable[..., None]] = ContextVar("workbench_attention_visitor")


def visit_layers(
    model: Any,
    input_ids: torch.Tensor,
    visit: Callable[[LayerAttention], None],
    layers: Collection[int] | None = None,
) -> None:
    """Run one text through a model and show each attention layer to ``visit`` as it passes.

    The forward pass ends after the last wanted layer. An exception that ``visit`` raises stops
    it there and is passed on, which is how a caller cancels between layers.

    Args:
        model: a transformers model with self-attention in one stack (Llama, GPT-2, BERT, …).
        input_ids: ``(t,)`` or ``(1, t)`` token ids of one text without padding.
        visit: called once for each wanted layer, in order.
        layers: numbers of the wanted layers, from 0; every layer when ``None``.

    Raises:
        InputError: the model's attention cannot be read, or it has no such layer.
    """
    import torch

    ids = input_ids.reshape(1, -1).to(next(model.parameters()).device)
    wanted = set(_layer_numbers(model, layers))

    def receive(module: Any, query: Any, key: Any, value: Any, scale: float | None) -> None:
        layer = int(module.layer_idx)
        if layer not in wanted:
            return
        groups = query.shape[1] // key.shape[1]
        visit(
            LayerAttention(
                layer=layer,
                queries=query[0].float(),
                keys=key[0].repeat_interleave(groups, dim=0).float(),
                values=value[0].repeat_interleave(groups, dim=0).float(),
                scale=float(scale) if scale is not None else query.shape[-1] ** -0.5,
                is_causal=bool(getattr(module, "is_causal", True)),
            )
        )
        wanted.discard(layer)
        if not wanted:
            raise _AllSeen

    token = _visitor.set(receive)
    try:
        with torch.inference_mode(), _watched(model), contextlib.suppress(_AllSeen):
            model.base_model(input_ids=ids)
    finally:
        _visitor.reset(token)
    if wanted:
        raise InputError(
            f"The attention of {type(model).__name__} cannot be read in "
            f"{len(wanted)} of its layers; choose another model."
        )


def capture_layers(
    model: Any, input_ids: torch.Tensor, layers: Collection[int] | None = None
) -> list[LayerAttention]:
    """Collect what ``visit_layers`` shows, in order of layers.

    Holds ``12 h t d`` bytes for each layer: for long texts prefer ``visit_layers``.
    """
    seen: list[LayerAttention] = []
    visit_layers(model, input_ids, seen.append, layers)
    return sorted(seen, key=lambda one: one.layer)


def _layer_numbers(model: Any, layers: Collection[int] | None) -> range | list[int]:
    count = int(model.config.num_hidden_layers)
    if layers is None:
        return range(count)
    for layer in layers:
        if not 0 <= layer < count:
            raise InputError(f"Layer {layer} does not exist; choose 0 to {count - 1}.")
    if not layers:
        raise InputError(f"No layer was chosen; choose at least one of 0 to {count - 1}.")
    return list(layers)


@contextlib.contextmanager
def _watched(model: Any) -> Iterator[None]:
    """Let a model use the attention function that shows its inputs, for the time of the block."""
    _register()
    usual = model.config._attn_implementation
    model.set_attn_implementation(_IMPLEMENTATION)
    try:
        yield
    finally:
        model.set_attn_implementation(usual)


@functools.cache
def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    def attention(
        module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **options: Any
    ) -> Any:
        if options.get("softcap") is not None:
            raise InputError("This model caps its scores; choose a model that does not.")
        _visitor.get()(module, query, key, value, options.get("scaling"))
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)

    AttentionInterface.register(_IMPLEMENTATION, attention)
    AttentionMaskInterface.register(_IMPLEMENTATION, sdpa_mask)
