"""Fine-tuning and PPO of the token-level policy (arXiv:2302.11520, section 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from workbench.methods.dsp.policy_gradient import adaptive_kl, generalized_advantages, normalise
from workbench.training.phrase_training import Settings, torch_ppo_loss
from workbench.training.seq2seq_checkpoint import Progress, TokenCheckpoint, read_parameters
from workbench.training.seq2seq_policy import (
    Sampling,
    Seq2SeqPolicy,
    TokenPolicies,
    TokenRollouts,
    sample_tokens,
)


@dataclass(frozen=True)
class TokenSettings:
    """How the token-level policy learns: the paper's numbers.

    Args:
        ppo: clip, discount, coefficients, epochs, β and its target.
        sampling: of the hints.
        learning_rate: of Adam; 2e-6 for reinforcement learning, 2e-5 for fine-tuning.
    """

    ppo: Settings = field(default_factory=lambda: Settings(batch=8))
    sampling: Sampling = field(default_factory=Sampling)
    learning_rate: float = 2e-6


@dataclass(frozen=True)
class TokenPoint:
    """What was seen of a policy in one iteration: mean reward, KL per token, β, clip fraction."""

    reward: float
    kl: float
    beta: float
    clip_fraction: float


Reward = Callable[[int, Sequence[int]], np.ndarray]
"""``(article, tokens) -> (t,)`` rewards of one hint's tokens, without the KL penalty."""


def fit_targets(
    policy: Seq2SeqPolicy,
    batches: Sequence[tuple[torch.Tensor, torch.Tensor, torch.Tensor]],
    *,
    epochs: int = 5,
    learning_rate: float = 2e-5,
    tell: Callable[[int, list[float]], None] = lambda _epoch, _losses: None,
) -> list[float]:
    """Supervised fine-tuning on pseudo-labels.

    Args:
        policy: changed in place.
        batches: inputs, attention and labels (-100 for padding).
        epochs: passes; 5 in the paper.
        learning_rate: of AdamW with weight decay 0.01.
        tell: called before each update with the epoch and the losses of those before; may raise
            to stop.

    Returns:
        Mean loss of each epoch.
    """
    optimiser = torch.optim.AdamW(policy.model.parameters(), lr=learning_rate, weight_decay=0.01)
    losses: list[float] = []
    for epoch in range(epochs):
        total = 0.0
        for inputs, attention, labels in batches:
            tell(epoch, losses)
            loss = policy.label_loss(inputs, attention, labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach())
        losses.append(total / len(batches))
    return losses


class TokenTrainer:
    """PPO or NLPO of a token-level policy.

    Args:
        policy: after fine-tuning; changed in place. A copy stays as the reference.
        settings: how to learn.
        seed: of the samples.
    """

    def __init__(self, policy: Seq2SeqPolicy, settings: TokenSettings, seed: int) -> None:
        frozen = deepcopy(policy).eval()
        mask = deepcopy(policy).eval() if settings.ppo.use_mask else None
        self._begin(TokenPolicies(policy, frozen, mask), settings, seed)

    def _begin(self, policies: TokenPolicies, settings: TokenSettings, seed: int) -> None:
        policies.learning.eval()  # no dropout: ratios start at 1
        self.policies = policies
        self.beta = settings.ppo.beta
        self._settings = settings
        self._generator = torch.Generator().manual_seed(seed)
        self._optimiser = torch.optim.Adam(
            policies.learning.parameters(), lr=settings.learning_rate
        )
        self._iteration = 0
        self._updates = 0

    @classmethod
    def resume(
        cls,
        policies: TokenPolicies,
        settings: TokenSettings,
        checkpoint: TokenCheckpoint,
        seed: int,
    ) -> TokenTrainer:
        """A training that goes on from a checkpoint, whose weights the policies hold already."""
        trainer = cls.__new__(cls)
        trainer._begin(policies, settings, seed)
        trainer.beta = checkpoint.progress.beta
        trainer._iteration = checkpoint.progress.iteration
        trainer._updates = checkpoint.progress.updates
        for name, parameter in policies.learning.named_parameters():
            if name in checkpoint.first:
                trainer._optimiser.state[parameter] = {
                    "step": torch.tensor(float(trainer._updates)),
                    "exp_avg": checkpoint.first[name].to(parameter.device).clone(),
                    "exp_avg_sq": checkpoint.second[name].to(parameter.device).clone(),
                }
        return trainer

    def checkpoint(self, progress: Progress) -> TokenCheckpoint:
        """Where the training stands; ``progress`` names the reference and the mask."""
        state = self._optimiser.state
        first, second = (
            {
                name: state[parameter][which].detach().cpu().clone()
                for name, parameter in self.policies.learning.named_parameters()
                if parameter in state
            }
            for which in ("exp_avg", "exp_avg_sq")
        )
        now = replace(progress, iteration=self._iteration, updates=self._updates, beta=self.beta)
        return TokenCheckpoint(read_parameters(self.policies.learning), first, second, now)

    def iterate(self, inputs: torch.Tensor, attention: torch.Tensor, reward: Reward) -> TokenPoint:
        """Sample a hint for each article, pay it, and learn from it.

        Args:
            inputs: ``(n, s)`` token ids of the articles; repeats are other samples.
            attention: ``(n, s)`` 1 where there is a token.
            reward: what the tokens of article i's hint are paid.
        """
        rollouts = sample_tokens(
            self.policies, inputs, attention, self._settings.sampling, self._generator
        )
        return self.learn((inputs, attention), rollouts, reward)

    def learn(
        self,
        texts: tuple[torch.Tensor, torch.Tensor],
        rollouts: TokenRollouts,
        reward: Reward,
        check: Callable[[], None] = lambda: None,
    ) -> TokenPoint:
        """Pay hints that were sampled, and learn from them.

        Args:
            texts: token ids ``(n, s)`` of the articles and their attention.
            rollouts: a hint of each.
            reward: what the tokens of article i's hint are paid.
            check: called between updates; may raise to stop.
        """
        ppo = self._settings.ppo
        advantages, returns, rewards = self._estimate(rollouts, reward)
        fractions: list[float] = []
        rows = np.arange(len(rollouts.tokens))
        draw = np.random.default_rng(self._iteration)
        for _ in range(ppo.epochs):
            order = draw.permutation(rows)
            for first in range(0, len(order), ppo.batch):
                check()
                some = torch.from_numpy(order[first : first + ppo.batch])
                articles = texts[0][some], texts[1][some]
                fractions.append(self._update(articles, rollouts, some, (advantages, returns)))
        kl = float(rollouts.kl[rollouts.taken].mean())
        point = TokenPoint(float(np.mean(rewards)), kl, self.beta, float(np.mean(fractions)))
        self.beta = adaptive_kl(self.beta, kl, ppo.target_kl)
        self._iteration += 1
        if self.policies.mask is not None and self._iteration % ppo.mask_refresh == 0:
            self.policies.mask.load_state_dict(self.policies.learning.state_dict())
        return point

    def _estimate(
        self, rollouts: TokenRollouts, reward: Reward
    ) -> tuple[torch.Tensor, torch.Tensor, list[float]]:
        ppo = self._settings.ppo
        advantages = np.zeros(rollouts.tokens.shape)
        totals: list[float] = []
        values = rollouts.values.numpy()
        for row, length in enumerate(rollouts.taken.sum(dim=1).tolist()):
            penalty = self.beta * rollouts.kl[row, :length].numpy()
            paid = reward(row, rollouts.tokens[row, :length].tolist()) - penalty
            totals.append(float(paid.sum()))
            advantages[row, :length] = generalized_advantages(
                paid, values[row, :length], discount=ppo.discount, trace=ppo.trace
            )
        returns = advantages + values
        return torch.from_numpy(advantages), torch.from_numpy(returns).float(), totals

    def _update(
        self,
        articles: tuple[torch.Tensor, torch.Tensor],
        rollouts: TokenRollouts,
        some: torch.Tensor,
        targets: tuple[torch.Tensor, torch.Tensor],
    ) -> float:
        taken, tokens = rollouts.taken[some], rollouts.tokens[some]
        free, values = self.policies.learning(*articles, tokens)
        masked = free.masked_fill(~rollouts.kept[some], float("-inf")).log_softmax(dim=-1)
        advantages = normalise(targets[0][some][taken].numpy())
        loss, fraction = torch_ppo_loss(
            masked.gather(2, tokens[..., None])[..., 0][taken],
            rollouts.log_probabilities[some][taken],
            torch.from_numpy(advantages).float(),
            values[taken],
            targets[1][some][taken],
            self._settings.ppo,
        )
        self._optimiser.zero_grad()
        loss.backward()
        limit = self._settings.ppo.gradient_norm
        nn.utils.clip_grad_norm_(self.policies.learning.parameters(), limit)
        self._optimiser.step()
        self._updates += 1
        return fraction
