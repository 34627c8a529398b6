"""Hints as a policy samples them, with what each action was paid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from workbench.methods.dsp.policy_gradient import nlpo_mask
from workbench.training.phrase_policy import MAX_PHRASES, Candidates, PhrasePolicy

STEPS = MAX_PHRASES + 1


@dataclass(frozen=True)
class RewardTable:
    """Everything a hint can earn, measured before training.

    Args:
        bits: ``(a, c)`` int64: the bit of each candidate in the number of a hint; 0 for those that
            training does not offer.
        terminal: ``(a, 2^k)`` mean ROUGE of the summary with each hint, in [0, 1].
        hits: ``(a, c)`` bool, whether the reference holds the candidate.
    """

    bits: np.ndarray
    terminal: np.ndarray
    hits: np.ndarray


@dataclass(frozen=True)
class Rollouts:
    """E sampled hints of up to ``STEPS`` actions each; padded where a hint has ended.

    Args:
        articles: ``(E,)`` article of each.
        chosen: ``(E, STEPS, c)`` bool, the hint before each action.
        actions: ``(E, STEPS)`` int64; c is stopping.
        taken: ``(E, STEPS)`` bool, whether there was an action.
        kept: ``(E, STEPS, c + 1)`` bool, actions the mask left.
        log_probabilities: ``(E, STEPS)`` under the masked policy that acted.
        kl: ``(E, STEPS)`` log π - log π_ref of the action, without mask.
        values: ``(E, STEPS)`` predicted before each action.
        hits: ``(E, STEPS)`` bool, a phrase that the reference holds.
        phrases: ``(E, STEPS)`` bool, the action was a phrase.
        terminal: ``(E,)`` mean ROUGE of the summary.
    """

    articles: np.ndarray
    chosen: np.ndarray
    actions: np.ndarray
    taken: np.ndarray
    kept: np.ndarray
    log_probabilities: np.ndarray
    kl: np.ndarray
    values: np.ndarray
    hits: np.ndarray
    phrases: np.ndarray
    terminal: np.ndarray


@dataclass(frozen=True)
class Policies:
    """The three copies of a policy that sampling needs.

    Args:
        learning: the one that acts and learns.
        reference: after supervised fine-tuning; never changes.
        mask: the copy that NLPO masks with, or ``None`` for plain PPO.
        top_p: mass of the mask's nucleus.
        minimum: actions the mask always leaves.
    """

    learning: PhrasePolicy
    reference: PhrasePolicy
    mask: PhrasePolicy | None
    top_p: float = 0.9
    minimum: int = 2


def kept_actions(policies: Policies, candidates: Candidates, chosen: torch.Tensor) -> torch.Tensor:
    """``(n, c + 1)`` bool: actions that NLPO's mask leaves; all of them without a mask."""
    if policies.mask is None:
        return torch.ones((*chosen.shape[:1], chosen.shape[1] + 1), dtype=torch.bool)
    probabilities = policies.mask(candidates, chosen)[0].exp().numpy()
    stop = probabilities.shape[1] - 1
    return torch.from_numpy(
        nlpo_mask(probabilities, top_p=policies.top_p, minimum=policies.minimum, always=[stop])
    )


def apply_mask(log_probabilities: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Log-probabilities over the actions that are kept, summing to 1 again."""
    return log_probabilities.masked_fill(~kept, float("-inf")).log_softmax(dim=-1)


def sample_hints(
    policies: Policies,
    candidates: Candidates,
    table: RewardTable,
    articles: np.ndarray,
    generator: torch.Generator,
) -> Rollouts:
    """Sample a hint for each of some articles and look up what it earns.

    Args:
        policies: who acts, with what mask, and whom KL compares with.
        candidates: of all articles, those that training offers present.
        table: rewards of all articles.
        articles: ``(E,)`` which articles; repeats are other samples.
        generator: of the samples.
    """
    some = candidates.take(torch.from_numpy(articles))
    width = some.present.shape[1]
    chosen = torch.zeros_like(some.present)
    going = torch.ones(len(articles), dtype=torch.bool)
    columns: dict[str, list[torch.Tensor]] = {}
    for _ in range(STEPS):
        with torch.inference_mode():
            free, values = policies.learning(some, chosen)
            compared, _ = policies.reference(some, chosen)
            kept = kept_actions(policies, some, chosen)
            masked = apply_mask(free, kept)
            action = torch.multinomial(masked.exp(), 1, generator=generator)
        row = {
            "chosen": chosen.clone(),
            "actions": action[:, 0],
            "taken": going.clone(),
            "kept": kept,
            "log_probabilities": masked.gather(1, action)[:, 0],
            "kl": (free.gather(1, action) - compared.gather(1, action))[:, 0],
            "values": values,
        }
        for name, column in row.items():
            columns.setdefault(name, []).append(column)
        going &= action[:, 0] < width
        rows = torch.nonzero(going)[:, 0]
        chosen[rows, action[rows, 0]] = True
    arrays = {name: torch.stack(column, dim=1).numpy() for name, column in columns.items()}
    is_phrase = (arrays["actions"] < width) & arrays["taken"]
    places = np.minimum(arrays["actions"], width - 1)
    hits = table.hits[articles[:, None], places] & is_phrase
    bits = (table.bits[articles] * chosen.numpy()).sum(axis=1)
    return Rollouts(
        articles=articles,
        hits=hits,
        phrases=is_phrase,
        terminal=table.terminal[articles, bits],
        **arrays,
    )
