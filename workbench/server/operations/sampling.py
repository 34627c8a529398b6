"""Choosing the next token: greedy, or at random with temperature, top-k and top-p."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


_NUCLEUS_GUESS = 1024
"""Most nuclei are smaller; sorting a vocabulary of 50,000 for every token takes longer."""


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

    One uniform number is drawn for each token and read against cumulated probabilities, so a
    rounding difference between batch layouts seldom changes the choice.

    Args:
        logits: ``(vocabulary,)`` float32 on the CPU.
        sampling: how to choose.
        generator: of the row, so that its neighbours in a batch do not matter.
    """
    import torch

    if sampling.temperature == 0.0:
        return int(logits.argmax())
    # Subtract first: dividing by a tiny temperature must not overflow.
    weights = ((logits - logits.max()) / sampling.temperature).double().exp()
    ids = None
    if sampling.top_k or sampling.top_p < 1.0:
        weights, ids = _most_probable(weights, sampling)
    cumulated = weights.cumsum(dim=0)
    drawn = torch.rand(1, generator=generator, dtype=torch.float64) * cumulated[-1]
    place = min(int(torch.searchsorted(cumulated, drawn, right=True)), len(cumulated) - 1)
    return place if ids is None else int(ids[place])


def _most_probable(weights: torch.Tensor, sampling: Sampling) -> tuple[torch.Tensor, torch.Tensor]:
    """The weights that top-k and top-p leave, in descending order, and their tokens."""
    count = min(sampling.top_k or _NUCLEUS_GUESS, len(weights))
    kept, ids = weights.topk(count)
    if sampling.top_p == 1.0:
        return kept, ids
    # Top-p is a share of what top-k leaves.
    wanted = sampling.top_p * (kept if sampling.top_k else weights).sum()
    if kept.sum() < wanted:  # a flat distribution: only then sort the whole vocabulary
        kept, ids = weights.sort(descending=True)
    nucleus = int((kept.cumsum(dim=0) < wanted).sum()) + 1
    return kept[:nucleus], ids[:nucleus]


def generator_for(seed: int | None) -> torch.Generator:
    """A row's own source of random numbers; a seed of ``None`` takes a fresh one."""
    import torch

    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator
