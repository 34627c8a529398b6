"""One pass of a causal language model over many rows, with logits only where they are read.

Rows are padded on the right: under a causal mask no token sees what follows it, so padding needs
no mask and changes nothing but the order of some sums.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.models.prefix_cache import Prefix

if TYPE_CHECKING:
    import torch

_STEP_TOKENS = {"cpu": 1024}
_STEP_TOKENS_ACCELERATOR = 16_384
_STEP_CONTEXT_TOKENS = 65_536
"""Most tokens, the shared prefix counted for every row, whose keys are in memory at once."""


@dataclass(frozen=True)
class Row:
    """Tokens to read, and where their continuation is wanted.

    Args:
        ids: token ids that follow the shared prefix.
        read: positions in ``ids`` whose distribution of the next token is wanted.
    """

    ids: tuple[int, ...]
    read: tuple[int, ...]


def step_tokens(device: str) -> int:
    """How many tokens one forward pass handles between two looks at who still waits."""
    return _STEP_TOKENS.get(device, _STEP_TOKENS_ACCELERATOR)


def read_logits(
    loaded: Any, rows: Sequence[Row], prefix: Prefix | None, check: Callable[[], None]
) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield each row's number and its logits, ``(len(read), vocabulary)`` float32.

    Args:
        loaded: a causal language model.
        rows: what to read; every row has at least one token.
        prefix: keys and values that stand before every row, or ``None``.
        check: called between passes; may raise to stop.
    """
    import torch

    for group in _groups(rows, prefix.tokens if prefix else 0, step_tokens(loaded.device)):
        check()
        width = max(len(rows[number].ids) for number in group)
        ids = torch.zeros(len(group), width, dtype=torch.long)
        for place, number in enumerate(group):
            ids[place, : len(rows[number].ids)] = torch.tensor(rows[number].ids)
        wanted = [(place, at) for place, number in enumerate(group) for at in rows[number].read]
        past = _shared_cache(prefix) if prefix else None
        with torch.inference_mode(), logits_only_at(loaded.model, wanted):
            logits = loaded.model(
                input_ids=ids.to(loaded.device), past_key_values=past, use_cache=bool(past)
            ).logits[0]
        start = 0
        for number in group:
            count = len(rows[number].read)
            yield number, logits[start : start + count].float()
            start += count


@contextlib.contextmanager
def logits_only_at(model: Any, wanted: Sequence[tuple[int, int]]) -> Iterator[None]:
    """Let a model compute logits only at some (row, position) pairs, as ``(1, n, vocabulary)``.

    The hidden states are thinned where they enter the output layer, so whatever a model does to
    its logits afterwards (scaling, capping) still happens.
    """
    rows = [row for row, _ in wanted]
    positions = [position for _, position in wanted]

    def thin(_module: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (inputs[0][rows, positions].unsqueeze(0), *inputs[1:])

    hook = model.get_output_embeddings().register_forward_pre_hook(thin)
    try:
        yield
    finally:
        hook.remove()


def prefill(
    loaded: Any, ids: Sequence[int], check: Callable[[], None], *, keep: bool
) -> Prefix | None:
    """Keys and values of a prefix, from the model's cache of prefixes or computed now.

    Args:
        loaded: a causal language model.
        ids: the prefix.
        check: called between passes; may raise to stop.
        keep: whether others will ask for the same prefix soon.

    Returns:
        ``None`` when this model's memory is not plain keys and values for every token.
    """
    import torch
    from transformers import DynamicCache

    if (kept := loaded.prefixes.get(ids)) is not None:
        return kept
    cache = DynamicCache(config=loaded.model.config)
    tokens = torch.tensor([list(ids)], device=loaded.device)
    step = step_tokens(loaded.device)
    with torch.inference_mode():
        for start in range(0, len(ids), step):
            check()
            loaded.model.base_model(
                input_ids=tokens[:, start : start + step], past_key_values=cache, use_cache=True
            )
    layers: list[Any] = list(cache.layers)
    if not all(_is_plain(layer) for layer in layers):
        return None
    prefix = Prefix(tuple((layer.keys, layer.values) for layer in layers), len(ids))
    if keep:
        loaded.prefixes.put(ids, prefix)
    return prefix


def cut_prefix(prefix: Prefix, tokens: int) -> Prefix:
    """The first tokens of a prefix, without copying."""
    if tokens == prefix.tokens:
        return prefix
    layers = tuple(
        (keys[..., :tokens, :], values[..., :tokens, :]) for keys, values in prefix.layers
    )
    return Prefix(layers, tokens)


def _groups(rows: Sequence[Row], before: int, limit: int) -> list[list[int]]:
    """Numbers of the rows that share a pass: similar lengths together, within the limits."""
    groups: list[list[int]] = []
    widest = 0
    for number in sorted(range(len(rows)), key=lambda n: len(rows[n].ids)):
        widest = len(rows[number].ids)  # sorted: the newest is the longest
        count = len(groups[-1]) + 1 if groups else 1
        fits = count * widest <= limit and count * (before + widest) <= _STEP_CONTEXT_TOKENS
        if groups and fits:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _is_plain(layer: Any) -> bool:
    from transformers.cache_utils import DynamicLayer

    return type(layer) is DynamicLayer


def _shared_cache(prefix: Prefix) -> Any:
    from transformers import Cache

    shared = _shared_layer_type()
    return Cache(layers=[shared(keys, values) for keys, values in prefix.layers])


@functools.cache
def _shared_layer_type() -> type:
    import torch
    from transformers.cache_utils import DynamicLayer

    class SharedLayer(DynamicLayer):
        """One prefix before every row; it is joined to the rows' own keys for one layer at a time.

        Keeping a copy for each row in every layer would take a gigabyte for 64 rows of 360
        tokens, and nothing is read from it after the pass.
        """

        def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
            super().__init__()
            self.keys: torch.Tensor = keys
            self.values: torch.Tensor = values
            self.dtype, self.device = keys.dtype, keys.device
            self.is_initialized = True

        def update(
            self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
        ) -> tuple[torch.Tensor, torch.Tensor]:
            rows = len(key_states)
            return (
                torch.cat([self.keys.expand(rows, -1, -1, -1), key_states], dim=-2),
                torch.cat([self.values.expand(rows, -1, -1, -1), value_states], dim=-2),
            )

    return SharedLayer
