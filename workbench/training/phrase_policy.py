"""A small policy that writes a hint phrase by phrase, and how it learns.

The token-level policy of arXiv:2302.11520 is a T5 that writes keywords letter by letter. This one
chooses whole phrases from the article's candidates, one after the other without repeats, and then
stops: the same decision process with phrases for actions, small enough to learn in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

MAX_PHRASES = 4
HIDDEN = 32


@dataclass(frozen=True)
class Candidates:
    """Candidates of a articles, padded to c.

    Args:
        features: ``(a, c, f)`` float32.
        similarity: ``(a, c, c)`` float32, cosine between candidates.
        present: ``(a, c)`` bool, which may be chosen.
    """

    features: torch.Tensor
    similarity: torch.Tensor
    present: torch.Tensor

    def take(self, articles: torch.Tensor) -> Candidates:
        """The rows of some articles."""
        return Candidates(
            self.features[articles], self.similarity[articles], self.present[articles]
        )


class PhrasePolicy(nn.Module):
    """Scores each candidate, stopping, and the value of the hint so far.

    The probability to stop is apart from the choice among phrases, so that a policy means the same
    with few candidates and with many.

    Args:
        features: of a candidate.
        hidden: width of each hidden layer.
    """

    def __init__(self, features: int, hidden: int = HIDDEN) -> None:
        super().__init__()
        counts = MAX_PHRASES + 1
        self.score = _mlp(features + 2, hidden)
        self.stop = _mlp(counts + 1 + 2 * features, hidden)
        self.value = _mlp(counts + 1 + 2 * features, hidden)

    def forward(
        self, candidates: Candidates, chosen: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities of the next action and the value of the state.

        Args:
            candidates: of n articles.
            chosen: ``(n, c)`` bool, phrases already in the hint.

        Returns:
            ``(n, c + 1)``, stopping last; -inf where an action is impossible. ``(n,)`` values.
        """
        left = candidates.present & ~chosen
        count = chosen.sum(dim=1).clamp(max=MAX_PHRASES)
        repeats = candidates.similarity.masked_fill(~chosen[:, None], 0.0).amax(dim=2)
        so_far = (count / MAX_PHRASES)[:, None].expand_as(repeats)
        seen = torch.cat([candidates.features, repeats[..., None], so_far[..., None]], dim=2)
        scores = self.score(seen)[..., 0].masked_fill(~left, float("-inf"))
        must_stop = ~left.any(dim=1) | (count >= MAX_PHRASES)
        best = scores.masked_fill(must_stop[:, None], 0.0).amax(dim=1)
        state = torch.cat(
            [
                functional.one_hot(count, MAX_PHRASES + 1).float(),
                best[:, None],
                _mean(candidates.features, left),
                _mean(candidates.features, chosen),
            ],
            dim=1,
        )
        stop = self.stop(state)[:, 0]
        choice = scores.masked_fill(must_stop[:, None], 0.0).log_softmax(dim=1)
        going_on = functional.logsigmoid(-stop)[:, None] + choice
        log_probabilities = torch.cat(
            [
                going_on.masked_fill(must_stop[:, None] | ~left, float("-inf")),
                functional.logsigmoid(stop).masked_fill(must_stop, 0.0)[:, None],
            ],
            dim=1,
        )
        return log_probabilities, self.value(state)[:, 0]


def _mlp(inputs: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, 1))


def _mean(features: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    weights = which.float()[..., None]
    return (features * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def new_policy(features: int, seed: int) -> PhrasePolicy:
    """An untrained policy whose weights are drawn with a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PhrasePolicy(features)


def read_weights(policy: nn.Module) -> np.ndarray:
    """All weights of a policy in one ``(p,)`` float32 array."""
    return nn.utils.parameters_to_vector(policy.parameters()).detach().numpy().copy()


def load_policy(features: int, weights: np.ndarray) -> PhrasePolicy:
    """The policy with these weights.

    Raises:
        ValueError: the number of weights is another policy's.
    """
    policy = PhrasePolicy(features)
    expected = sum(one.numel() for one in policy.parameters())
    if weights.shape != (expected,):
        raise ValueError(f"a policy over {features} features has {expected} weights")
    nn.utils.vector_to_parameters(torch.tensor(weights), policy.parameters())
    return policy


def choose_greedily(policy: PhrasePolicy, candidates: Candidates) -> np.ndarray:
    """The likeliest hint, action by action.

    Returns:
        ``(a, MAX_PHRASES)`` places of the phrases in the order they were chosen, then -1.
    """
    articles, width = candidates.present.shape
    chosen = torch.zeros_like(candidates.present)
    found = np.full((articles, MAX_PHRASES), -1, dtype=np.int64)
    going = torch.ones(articles, dtype=torch.bool)
    with torch.inference_mode():
        for step in range(MAX_PHRASES):
            action = policy(candidates, chosen)[0].argmax(dim=1)
            going &= action < width
            rows = torch.nonzero(going)[:, 0]
            chosen[rows, action[rows]] = True
            found[rows.numpy(), step] = action[rows].numpy()
    return found


def fit_labels(  # noqa: PLR0913  keyword-only options of the optimiser
    policy: PhrasePolicy,
    candidates: Candidates,
    labels: np.ndarray,
    *,
    epochs: int = 40,
    learning_rate: float = 5e-3,
    batch: int = 8,
    seed: int = 0,
    tell: Callable[[float], None] = lambda _done: None,
) -> list[float]:
    """Supervised fine-tuning: raise the probability of the pseudo-labels, then of stopping.

    Args:
        policy: changed in place.
        candidates: of a articles.
        labels: ``(a, MAX_PHRASES)`` places of the keywords in the target's order, then -1.
        epochs: passes over the articles.
        learning_rate: of AdamW with weight decay 0.01.
        batch: articles a step.
        seed: of the order.
        tell: called before each epoch with the fraction done; may raise to stop.

    Returns:
        Mean negative log-likelihood of a label, each epoch.
    """
    optimiser = torch.optim.AdamW(policy.parameters(), lr=learning_rate, weight_decay=0.01)
    draw = np.random.default_rng(seed)
    losses: list[float] = []
    for epoch in range(epochs):
        tell(epoch / epochs)
        order = draw.permutation(len(labels))
        total = 0.0
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            loss = _label_loss(policy, candidates.take(torch.from_numpy(rows)), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach()) * len(rows)
        losses.append(total / len(order))
    return losses


def _label_loss(policy: PhrasePolicy, candidates: Candidates, labels: np.ndarray) -> torch.Tensor:
    width = candidates.present.shape[1]
    chosen = torch.zeros_like(candidates.present)
    targets = torch.from_numpy(np.where(labels < 0, width, labels))
    targets = torch.cat([targets, torch.full((len(targets), 1), width)], dim=1)
    going = torch.ones(len(targets), dtype=torch.bool)
    terms: list[torch.Tensor] = []
    for step in range(MAX_PHRASES + 1):
        log_probabilities, _ = policy(candidates, chosen.clone())
        taken = log_probabilities.gather(1, targets[:, step : step + 1])[:, 0]
        terms.append(taken[going])
        going = going & (targets[:, step] < width)
        rows = torch.nonzero(going)[:, 0]
        chosen[rows, targets[rows, step]] = True
    return -torch.cat(terms).mean()
