"""The token-level policy of arXiv:2302.11520: an encoder-decoder that writes the hint itself.

It samples under NLPO's mask and top-k, and every token carries the log-probability and the value
that PPO needs. The value head reads the decoder's last hidden state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from workbench.methods.dsp.policy_gradient import nlpo_mask


@dataclass(frozen=True)
class Sampling:
    """How hints are sampled; the paper's numbers.

    Args:
        top_k: at most so many tokens can be drawn.
        top_p: mass of the mask policy's nucleus.
        mask_minimum: tokens the mask always leaves.
        max_new_tokens: a hint that is not ended by then is ended there, and paid like any other.
    """

    top_k: int = 100
    top_p: float = 0.9
    mask_minimum: int = 100
    max_new_tokens: int = 80


class Seq2SeqPolicy(nn.Module):
    """An encoder-decoder with a value head.

    Args:
        model: such as ``T5ForConditionalGeneration``; its own copy, as it is changed.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.requires_grad_(True)  # models are loaded to be asked, not taught
        self.value = nn.Linear(model.config.d_model, 1).to(model.device)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)

    @property
    def start(self) -> int:
        """The token a hint begins with."""
        return int(self.model.config.decoder_start_token_id)

    @property
    def end(self) -> int:
        """The token that ends a hint."""
        return int(self.model.config.eos_token_id)

    def forward(
        self, inputs: torch.Tensor, attention: torch.Tensor, tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities and values at every token of some hints, on the CPU.

        Args:
            inputs: ``(n, s)`` token ids of the articles, on any device.
            attention: ``(n, s)`` 1 where there is a token.
            tokens: ``(n, t)`` token ids of the hints.

        Returns:
            ``(n, t, v)`` of the token at each place, given those before; ``(n, t)`` values.
        """
        device = self.model.device
        first = torch.full_like(tokens[:, :1], self.start)
        output = self.model(
            input_ids=inputs.to(device),
            attention_mask=attention.to(device),
            decoder_input_ids=torch.cat([first, tokens[:, :-1]], dim=1).to(device),
            output_hidden_states=True,
            use_cache=False,
        )
        hidden = output.decoder_hidden_states[-1]
        values = self.value(hidden.float())[..., 0]
        return output.logits.float().log_softmax(dim=-1).cpu(), values.cpu()

    def label_loss(
        self, inputs: torch.Tensor, attention: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        """Mean negative log-likelihood of target tokens; -100 marks padding."""
        given = {"input_ids": inputs, "attention_mask": attention, "labels": labels}
        return self.model(**{n: value.to(self.model.device) for n, value in given.items()}).loss


@dataclass(frozen=True)
class TokenRollouts:
    """n sampled hints of t tokens, padded after their end.

    Args:
        tokens: ``(n, t)`` int64.
        taken: ``(n, t)`` bool, up to the end token or the last place.
        kept: ``(n, t, v)`` bool, tokens that mask and top-k left.
        log_probabilities: ``(n, t)`` under the masked policy that acted.
        kl: ``(n, t)`` log π - log π_ref, without mask.
        values: ``(n, t)``.
    """

    tokens: torch.Tensor
    taken: torch.Tensor
    kept: torch.Tensor
    log_probabilities: torch.Tensor
    kl: torch.Tensor
    values: torch.Tensor


@dataclass(frozen=True)
class TokenPolicies:
    """The policy that learns, the supervised one, and NLPO's copy (``None`` for plain PPO)."""

    learning: Seq2SeqPolicy
    reference: Seq2SeqPolicy
    mask: Seq2SeqPolicy | None


def sample_tokens(
    policies: TokenPolicies,
    inputs: torch.Tensor,
    attention: torch.Tensor,
    sampling: Sampling,
    generator: torch.Generator,
    check: Callable[[], None] = lambda: None,
) -> TokenRollouts:
    """Write a hint for each article, token by token.

    Args:
        policies: who acts, with what mask, and whom KL compares with.
        inputs: ``(n, s)`` token ids of the articles.
        attention: ``(n, s)`` 1 where there is a token.
        sampling: how.
        generator: of the samples.
        check: called before each token; may raise to stop.
    """
    learning = policies.learning
    rows = len(inputs)
    tokens = torch.zeros((rows, 0), dtype=torch.long)
    going = torch.ones(rows, dtype=torch.bool)
    columns: dict[str, list[torch.Tensor]] = {}
    pad = torch.zeros((rows, 1), dtype=torch.long)
    while tokens.shape[1] < sampling.max_new_tokens and bool(going.any()):
        check()
        so_far = torch.cat([tokens, pad], dim=1)  # what stands at the last place is not read
        with torch.inference_mode():
            free, values = (part[:, -1] for part in learning(inputs, attention, so_far))
            compared = policies.reference(inputs, attention, so_far)[0][:, -1]
            of_mask = policies.mask and policies.mask(inputs, attention, so_far)[0][:, -1]
            kept = _kept_tokens(policies, of_mask, free, sampling)
        masked = free.masked_fill(~kept, float("-inf")).log_softmax(dim=-1)
        token = torch.multinomial(masked.exp(), 1, generator=generator)
        row = {
            "taken": going.clone(),
            "kept": kept,
            "log_probabilities": masked.gather(1, token)[:, 0],
            "kl": (free - compared).gather(1, token)[:, 0],
            "values": values,
        }
        for name, column in row.items():
            columns.setdefault(name, []).append(column)
        tokens = torch.cat([tokens, token], dim=1)
        going = going & (token[:, 0] != learning.end)
    return TokenRollouts(
        tokens, **{name: torch.stack(column, dim=1) for name, column in columns.items()}
    )


def write_greedily(
    policy: Seq2SeqPolicy,
    inputs: torch.Tensor,
    attention: torch.Tensor,
    max_new_tokens: int,
    check: Callable[[], None] = lambda: None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest token at each place of each hint, no mask and no chance.

    Args:
        policy: who writes.
        inputs: ``(n, s)`` token ids of the articles.
        attention: ``(n, s)`` 1 where there is a token.
        max_new_tokens: longest hint.
        check: called before each token; may raise to stop.

    Returns:
        ``(n, t)`` tokens, and ``(n, t)`` bool up to the end token or the last place.
    """
    tokens = torch.zeros((len(inputs), 0), dtype=torch.long)
    going = torch.ones(len(inputs), dtype=torch.bool)
    taken: list[torch.Tensor] = []
    pad = torch.zeros((len(inputs), 1), dtype=torch.long)
    while len(taken) < max_new_tokens and bool(going.any()):
        check()
        with torch.inference_mode():
            free = policy(inputs, attention, torch.cat([tokens, pad], dim=1))[0][:, -1]
        token = free.argmax(dim=1, keepdim=True)
        taken.append(going)
        tokens = torch.cat([tokens, token], dim=1)
        going = going & (token[:, 0] != policy.end)
    return tokens, torch.stack(taken, dim=1)


def score_tokens(
    policies: TokenPolicies,
    texts: tuple[torch.Tensor, torch.Tensor],
    tokens: torch.Tensor,
    taken: torch.Tensor,
    sampling: Sampling,
) -> TokenRollouts:
    """What ``sample_tokens`` would have noted of hints that are known already, in one pass.

    Args:
        policies: who acted, with what mask, and whom KL compares with.
        texts: ``(n, s)`` token ids of the articles and their attention.
        tokens: ``(n, t)`` token ids of the hints.
        taken: ``(n, t)`` bool, up to the end token or the last place.
        sampling: how they were drawn.
    """
    n, t = tokens.shape
    with torch.no_grad():  # what follows writes into the result
        free, values = policies.learning(*texts, tokens)
        compared = policies.reference(*texts, tokens)[0]
        of_mask = policies.mask and policies.mask(*texts, tokens)[0].flatten(0, 1)
        kept = _kept_tokens(policies, of_mask, free.flatten(0, 1), sampling).view(n, t, -1)
    # what was drawn was allowed, whatever rounding says of a token at the edge
    kept.scatter_(2, tokens[..., None], True)
    masked = free.masked_fill(~kept, float("-inf")).log_softmax(dim=-1)
    at = tokens[..., None]
    return TokenRollouts(
        tokens=tokens,
        taken=taken,
        kept=kept,
        log_probabilities=masked.gather(2, at)[..., 0],
        kl=(free - compared).gather(2, at)[..., 0],
        values=values,
    )


def _kept_tokens(
    policies: TokenPolicies,
    of_mask: torch.Tensor | None,
    free: torch.Tensor,
    sampling: Sampling,
) -> torch.Tensor:
    """``(n, v)`` tokens that top-k and the mask leave, from log-probabilities ``(n, v)``."""
    count = min(sampling.top_k, free.shape[1])
    likely = free >= free.topk(count, dim=1).values[:, -1:]
    if of_mask is None:
        return likely
    probabilities = of_mask.exp().numpy()
    end = policies.learning.end
    nucleus = nlpo_mask(
        probabilities, top_p=sampling.top_p, minimum=sampling.mask_minimum, always=[end]
    )
    allowed = likely & torch.from_numpy(nucleus)
    allowed[:, end] = True  # special tokens are never removed, so something is always left
    return allowed
