"""PPO with NLPO's mask for the phrase policy (arXiv:2302.11520, section 2.3; arXiv:2210.01241).

Each iteration: sample hints, pay them, estimate advantages, five epochs of clipped updates, adapt
β; every so often the mask policy becomes a copy of the one that learns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from workbench.methods.dsp.policy_gradient import adaptive_kl, generalized_advantages, normalise
from workbench.training.phrase_checkpoint import Checkpoint
from workbench.training.phrase_policy import (
    Candidates,
    PhrasePolicy,
    choose_greedily,
    load_policy,
    read_weights,
)
from workbench.training.phrase_rollouts import (
    Policies,
    RewardTable,
    Rollouts,
    apply_mask,
    sample_hints,
)


@dataclass(frozen=True)
class Settings:
    """How the policy learns; the defaults are the paper's where it has them.

    The learning rate is the phrase policy's own: a T5 learns at 2e-6.
    """

    terminal_coefficient: float = 10.0
    step_coefficient: float = 1.0
    penalty: float = 0.2
    beta: float = 0.005
    target_kl: float = 0.5
    discount: float = 0.99
    trace: float = 0.95
    clip: float = 0.2
    value_coefficient: float = 0.5
    gradient_norm: float = 0.5
    epochs: int = 5
    batch: int = 64
    learning_rate: float = 1e-3
    rollouts: int = 240
    use_mask: bool = True
    top_p: float = 0.9
    mask_minimum: int = 2
    mask_refresh: int = 20


@dataclass(frozen=True)
class Point:
    """What was seen of a policy before its next update.

    Args:
        rollouts: the hints it sampled.
        reward: ``(E,)`` total of each, KL penalty taken off.
        terminal, step: ``(E,)`` its parts, coefficients applied.
        kl: mean per action.
        beta: weight used.
        clip_fraction: of the update that made this policy.
        greedy: ``(v, MAX_PHRASES)`` its likeliest hints of the validation articles.
    """

    rollouts: Rollouts
    reward: np.ndarray
    terminal: np.ndarray
    step: np.ndarray
    kl: float
    beta: float
    clip_fraction: float
    greedy: np.ndarray


class Trainer:
    """A training that can stop after any iteration and go on from its checkpoint.

    Args:
        candidates, table: of the training articles.
        validation: candidates of the validation articles.
        settings: how to learn.
        checkpoint: where to go on.
        seed: of the samples and of the order of updates.
    """

    def __init__(
        self,
        candidates: Candidates,
        table: RewardTable,
        validation: Candidates,
        settings: Settings,
        checkpoint: Checkpoint,
        seed: int,
    ) -> None:
        features = candidates.features.shape[2]
        self._candidates, self._table, self._validation = candidates, table, validation
        self._settings, self._seed = settings, seed
        self._policy = load_policy(features, checkpoint.weights)
        self._reference = load_policy(features, checkpoint.reference)
        self._mask = load_policy(features, checkpoint.mask)
        self._beta, self._clip_fraction = checkpoint.beta, checkpoint.clip_fraction
        self._iteration = checkpoint.iteration
        self._adam = _Adam(self._policy, settings, checkpoint)

    def look(self) -> Point:
        """Sample hints of the policy as it is, and its likeliest hints on the validation set."""
        s = self._settings
        count = len(self._candidates.present)
        articles = np.arange(s.rollouts) % count  # every article equally often, the first first
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._iteration)
        policies = Policies(
            self._policy,
            self._reference,
            self._mask if s.use_mask else None,
            s.top_p,
            s.mask_minimum,
        )
        rollouts = sample_hints(policies, self._candidates, self._table, articles, generator)
        terminal = s.terminal_coefficient * rollouts.terminal
        step = _step_rewards(rollouts, s).sum(axis=1)
        penalty = self._beta * (rollouts.kl * rollouts.taken).sum(axis=1)
        return Point(
            rollouts,
            terminal + step - penalty,
            terminal,
            step,
            float(rollouts.kl[rollouts.taken].mean()),
            self._beta,
            self._clip_fraction,
            choose_greedily(self._policy, self._validation),
        )

    def learn(self, point: Point, check: Callable[[], None]) -> None:
        """Update the policy from what was seen of it.

        Args:
            point: of this very policy.
            check: called between updates; may raise to stop.
        """
        s, rollouts = self._settings, point.rollouts
        advantages, returns = self._advantages(point)
        rows, steps = np.nonzero(rollouts.taken)
        draw = np.random.default_rng([self._seed, self._iteration])
        fractions: list[float] = []
        for _ in range(s.epochs):
            order = draw.permutation(len(rows))
            for first in range(0, len(order), s.batch):
                check()
                some = order[first : first + s.batch]
                at = rows[some], steps[some]
                if len(some) > 1:
                    targets = normalise(advantages[at]), returns[at]
                    fractions.append(self._update(rollouts, at, targets))
        self._clip_fraction = float(np.mean(fractions))
        self._beta = adaptive_kl(self._beta, point.kl, s.target_kl)
        self._iteration += 1
        if self._iteration % s.mask_refresh == 0:
            self._mask.load_state_dict(self._policy.state_dict())

    def checkpoint(self) -> Checkpoint:
        """Where the training stands."""
        return Checkpoint(
            read_weights(self._policy),
            read_weights(self._reference),
            read_weights(self._mask),
            self._adam.moments(),
            self._adam.updates,
            self._iteration,
            self._beta,
            self._clip_fraction,
        )

    def _advantages(self, point: Point) -> tuple[np.ndarray, np.ndarray]:
        s, rollouts = self._settings, point.rollouts
        rewards = _step_rewards(rollouts, s) - point.beta * rollouts.kl
        lengths = rollouts.taken.sum(axis=1)
        rewards[np.arange(len(rewards)), lengths - 1] += point.terminal
        advantages = np.zeros_like(rewards)
        for row, length in enumerate(lengths):
            advantages[row, :length] = generalized_advantages(
                rewards[row, :length],
                rollouts.values[row, :length],
                discount=s.discount,
                trace=s.trace,
            )
        return advantages, advantages + rollouts.values

    def _update(
        self,
        rollouts: Rollouts,
        at: tuple[np.ndarray, np.ndarray],
        targets: tuple[np.ndarray, np.ndarray],
    ) -> float:
        s = self._settings
        candidates = self._candidates.take(torch.from_numpy(rollouts.articles[at[0]]))
        free, values = self._policy(candidates, torch.from_numpy(rollouts.chosen[at]))
        masked = apply_mask(free, torch.from_numpy(rollouts.kept[at]))
        actions = torch.from_numpy(rollouts.actions[at])[:, None]
        loss, fraction = torch_ppo_loss(
            masked.gather(1, actions)[:, 0],
            torch.from_numpy(rollouts.log_probabilities[at]),
            torch.from_numpy(targets[0]).float(),
            values,
            torch.from_numpy(targets[1]).float(),
            s,
        )
        self._adam.step(loss)
        return fraction


def _step_rewards(rollouts: Rollouts, settings: Settings) -> np.ndarray:
    """``(E, STEPS)``: +1 for a phrase the reference holds, minus the penalty for another."""
    paid = np.where(rollouts.hits, 1.0, -settings.penalty) * rollouts.phrases
    return settings.step_coefficient * paid


def torch_ppo_loss(
    log_probabilities: torch.Tensor,
    old_log_probabilities: torch.Tensor,
    advantages: torch.Tensor,
    values: torch.Tensor,
    returns: torch.Tensor,
    settings: Settings,
) -> tuple[torch.Tensor, float]:
    """``workbench.methods.dsp.policy_gradient.ppo_loss`` with a gradient, and its clip fraction."""
    ratio = (log_probabilities - old_log_probabilities).exp()
    clipped = ratio.clamp(1 - settings.clip, 1 + settings.clip)
    policy = -torch.minimum(ratio * advantages, clipped * advantages).mean()
    value = ((values - returns) ** 2).mean()
    outside = float(((ratio - 1).abs() > settings.clip).float().mean())
    return policy + settings.value_coefficient * value, outside


class _Adam:
    """Adam over one policy, whose moments travel as one array."""

    def __init__(self, policy: PhrasePolicy, settings: Settings, checkpoint: Checkpoint) -> None:
        self._parameters = list(policy.parameters())
        self._limit = settings.gradient_norm
        self._optimiser = torch.optim.Adam(self._parameters, lr=settings.learning_rate)
        self.updates = checkpoint.updates
        if self.updates:
            sizes = [one.numel() for one in self._parameters]
            first, second = (torch.tensor(m).split(sizes) for m in checkpoint.moments)
            for one, m, v in zip(self._parameters, first, second, strict=True):
                self._optimiser.state[one] = {
                    "step": torch.tensor(float(self.updates)),
                    "exp_avg": m.reshape(one.shape).clone(),
                    "exp_avg_sq": v.reshape(one.shape).clone(),
                }

    def step(self, loss: torch.Tensor) -> None:
        self._optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, self._limit)
        self._optimiser.step()
        self.updates += 1

    def moments(self) -> np.ndarray:
        names = ("exp_avg", "exp_avg_sq")
        state = self._optimiser.state
        zero = [torch.zeros_like(one) for one in self._parameters]
        return np.stack(
            [
                torch.cat(
                    [
                        state.get(one, {}).get(name, empty).flatten()
                        for one, empty in zip(self._parameters, zero, strict=True)
                    ]
                ).numpy()
                for name in names
            ]
        ).astype(np.float32)
