"""Choosing the next token: greedy, or at random with temperature, top-k and top-p."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Sampling:
    """How a row chooses its tokens.

    Args:
        temperature: divides the logits; 0 takes the most probable token.
        top_k: only the k most probable tokens; 0 for all.
        top_p: the smallest set of tokens whose probabilities sum to at least this (nucleus
            sampling, Holtzman et al. 2020, arXiv:1904.09751); 1 for all.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0


def choose(logits: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """Choose one token.

    One uniform number is drawn for each token and read against the cumulated probabilities in
    descending order, so a rounding difference between batch layouts seldom changes the choice.

    Args:
        logits: ``(vocabulary,)`` float32 on the CPU.
        sampling: how to choose.
        generator: of the row, so that its neighbours in a batch do not matter.
    """
    import torch

    if sampling.temperature == 0.0:
        return int(logits.argmax())
    count = min(sampling.top_k or len(logits), len(logits))
    # Subtract first: dividing by a tiny temperature must not overflow.
    kept, ids = ((logits - logits.max()) / sampling.temperature).topk(count)
    cumulated = kept.double().softmax(dim=0).cumsum(dim=0)
    if sampling.top_p < 1.0:
        nucleus = int((cumulated < sampling.top_p).sum()) + 1
        cumulated = cumulated[:nucleus]
    drawn = torch.rand((), generator=generator, dtype=torch.float64) * cumulated[-1]
    place = int((cumulated <= drawn).sum())
    return int(ids[min(place, len(cumulated) - 1)])


def generator_for(seed: int | None) -> torch.Generator:
    """A row's own source of random numbers; a seed of ``None`` takes a fresh one."""
    import torch

    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator
