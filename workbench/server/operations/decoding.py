"""Decoding step by step: batches of rows that may leave at any time.

A decoder gives the logits of each row's next token, takes the tokens that were chosen, and keeps
only the rows that go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from workbench.models.prefix_cache import Prefix
from workbench.server.operations import shared_prefix
from workbench.server.operations.forward import cut_prefix, prefill
from workbench.server.operations.scoring import shared_length
from workbench.server.operations.seq2seq import encode_prompts, first_decoder_token

if TYPE_CHECKING:
    import torch

_PREFILL_TOKENS = {"cpu": 128}
_PREFILL_TOKENS_ACCELERATOR = 8192
_SCORES_A_HEAD = 4_000_000
"""Most attention scores of one head at once, where they are all in memory."""


class Decoder(Protocol):
    """A batch of rows being continued."""

    def start(self, check: Callable[[], None]) -> torch.Tensor:
        """Read the prompts. Returns logits ``(n, vocabulary)``, float32 on the CPU."""
        ...

    def step(self, tokens: Sequence[int]) -> torch.Tensor:
        """Append one token to each row. Returns logits as ``start`` does."""
        ...

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        ...


class CausalDecoder:
    """Rows of a causal language model, padded on the left.

    Args:
        loaded: a causal language model.
        prompts: token ids of each row's prompt.
    """

    def __init__(self, loaded: Any, prompts: Sequence[Sequence[int]]) -> None:
        import torch
        from transformers import DynamicCache

        self._model = loaded.model
        self._device = loaded.device
        self._width = max(len(row) for row in prompts)
        ids = torch.zeros(len(prompts), self._width, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for number, row in enumerate(prompts):
            ids[number, self._width - len(row) :] = torch.tensor(row)
            mask[number, self._width - len(row) :] = 1
        self._ids = ids.to(self._device)
        self._mask = mask.to(self._device)
        # Padding has position 0; it is masked, so any position that exists will do.
        self._positions = (self._mask.cumsum(dim=1) - 1).clamp(min=0)
        self._cache = DynamicCache(config=loaded.model.config)

    def start(self, check: Callable[[], None]) -> torch.Tensor:
        # In pieces, so that a long prompt can be cancelled while it is being read.
        columns = max(1, self._prefill_tokens() // len(self._ids))
        logits = None
        for first in range(0, self._width, columns):
            check()
            last = min(first + columns, self._width)
            logits = self._forward(
                self._ids[:, first:last], self._positions[:, first:last], self._mask[:, :last]
            )
        assert logits is not None  # noqa: S101  a prompt has at least one token
        self._positions = self._positions[:, -1:]
        return logits

    def step(self, tokens: Sequence[int]) -> torch.Tensor:
        import torch

        ids = torch.tensor(tokens, device=self._device).unsqueeze(1)
        self._mask = torch.cat([self._mask, torch.ones_like(ids)], dim=1)
        self._positions = self._positions + 1
        return self._forward(ids, self._positions, self._mask)

    def keep(self, rows: Sequence[int]) -> None:
        import torch

        index = torch.tensor(rows, device=self._device)
        self._mask, self._positions = self._mask[index], self._positions[index]
        self._cache.batch_select_indices(index)

    def _prefill_tokens(self) -> int:
        return _PREFILL_TOKENS.get(self._device, _PREFILL_TOKENS_ACCELERATOR)

    def _forward(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        import torch

        padded = not bool(mask.all())
        with torch.inference_mode():
            output = self._model(
                input_ids=ids,
                position_ids=positions,
                attention_mask=mask if padded else None,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return output.logits[:, -1].float().cpu()


class SharedPrefixDecoder(CausalDecoder):
    """Rows of a causal language model that all stand after one prefix, which is not repeated.

    Args:
        loaded: a causal language model.
        prompts: token ids of what follows the prefix in each row, at least one each.
        prefix: its keys and values.
    """

    def __init__(self, loaded: Any, prompts: Sequence[Sequence[int]], prefix: Prefix) -> None:
        super().__init__(loaded, prompts)
        self._prefix = prefix
        self._positions = self._positions + prefix.tokens

    def _prefill_tokens(self) -> int:
        return min(super()._prefill_tokens(), max(1, _SCORES_A_HEAD // self._prefix.tokens))

    def _forward(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        import torch

        queries, keys = ids.shape[1], mask.shape[1]
        causal = torch.ones(queries, keys, dtype=torch.bool, device=mask.device)
        allowed = mask.bool()[:, None, None, :] & causal.tril(keys - queries)
        with torch.inference_mode(), shared_prefix.after(self._model, self._prefix):
            output = self._model(
                input_ids=ids,
                position_ids=positions,
                attention_mask=allowed,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return output.logits[:, -1].float().cpu()


class Seq2SeqDecoder:
    """Rows of an encoder-decoder; the encoder reads the prompts once.

    Args:
        loaded: an encoder-decoder language model.
        prompts: token ids of each row's prompt.
    """

    def __init__(self, loaded: Any, prompts: Sequence[Sequence[int]]) -> None:
        from transformers import DynamicCache, EncoderDecoderCache

        self._loaded = loaded
        self._prompts = prompts
        self._hidden: Any = None
        self._mask: Any = None
        self._cache = EncoderDecoderCache(DynamicCache(), DynamicCache())

    def start(self, check: Callable[[], None]) -> torch.Tensor:
        check()
        self._hidden, self._mask = encode_prompts(self._loaded, self._prompts)
        check()
        return self.step([first_decoder_token(self._loaded)] * len(self._prompts))

    def step(self, tokens: Sequence[int]) -> torch.Tensor:
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        with torch.inference_mode():
            output = self._loaded.model(
                encoder_outputs=BaseModelOutput(last_hidden_state=self._hidden),
                attention_mask=self._mask,
                decoder_input_ids=torch.tensor(tokens, device=self._loaded.device).unsqueeze(1),
                past_key_values=self._cache,
                use_cache=True,
            )
        return output.logits[:, -1].float().cpu()

    def keep(self, rows: Sequence[int]) -> None:
        import torch

        index = torch.tensor(rows, device=self._loaded.device)
        self._hidden, self._mask = self._hidden[index], self._mask[index]
        self._cache.batch_select_indices(index)


def open_decoder(
    loaded: Any,
    prompts: Sequence[Sequence[int]],
    check: Callable[[], None],
    prefix: Sequence[int] = (),
) -> Decoder:
    """The decoder that suits a model and its prompts.

    Args:
        loaded: a language model.
        prompts: token ids of each row, whole.
        check: called while the prefix is read; may raise to stop.
        prefix: token ids that most prompts begin with and whose keys and values are worth keeping;
            where a prompt's first own word merges with its last token, less of it is shared.
    """
    if loaded.kind == "seq2seq-lm":
        return Seq2SeqDecoder(loaded, prompts)
    cut = min(min(shared_length(prefix, row), len(row) - 1) for row in prompts)
    shared = prefill(loaded, prefix, check, keep=True) if cut > 0 else None
    if shared is None:
        return CausalDecoder(loaded, prompts)
    return SharedPrefixDecoder(loaded, [row[cut:] for row in prompts], cut_prefix(shared, cut))
