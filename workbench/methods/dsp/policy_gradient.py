"""PPO and its masked variant NLPO, as RL4LMs runs them (Ramamurthy et al. 2023, arXiv:2210.01241).

PPO: Schulman et al. 2017, arXiv:1707.06347. Generalized advantage estimation: Schulman et al.
2016, arXiv:1506.02438. Adaptive KL: Ziegler et al. 2019, arXiv:1909.08593, section 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

KL_STEP = 0.1
KL_CLIP = 0.2


def adaptive_kl(beta: float, kl: float, target: float) -> float:
    """The next weight of the KL penalty: β (1 + 0.1 clip((KL - KL*) / KL*, -0.2, 0.2)).

    Args:
        beta: weight now, at least 0; at 0 it stays 0.
        kl: measured KL per action, in nats; a sample's estimate may be negative.
        target: KL* > 0.

    Raises:
        ValueError: a target that is not positive, or a negative weight.
    """
    if target <= 0 or beta < 0:
        raise ValueError("the KL target must be above 0 and beta at least 0")
    error = float(np.clip((kl - target) / target, -KL_CLIP, KL_CLIP))
    return beta * (1 + KL_STEP * error)


def generalized_advantages(
    rewards: Sequence[float] | np.ndarray,
    values: Sequence[float] | np.ndarray,
    *,
    discount: float = 0.99,
    trace: float = 0.95,
) -> np.ndarray:
    """Advantages of the actions of one finished episode (arXiv:1506.02438, eq. 16).

    A_t = Σ_k (γλ)^k δ_{t+k} with δ_t = r_t + γ V_{t+1} - V_t, and V = 0 after the end.

    Args:
        rewards: ``(t,)``.
        values: ``(t,)`` predicted before each action.
        discount: γ in [0, 1].
        trace: λ in [0, 1].

    Returns:
        ``(t,)`` advantages; advantages + values are the value function's targets.
    """
    rewards, values = np.asarray(rewards, dtype=float), np.asarray(values, dtype=float)
    if rewards.shape != values.shape or rewards.ndim != 1:
        raise ValueError(f"rewards {rewards.shape} and values {values.shape} must be one length")
    found = np.zeros_like(rewards)
    later = following = 0.0
    for place in reversed(range(len(rewards))):
        error = rewards[place] + discount * following - values[place]
        later = error + discount * trace * later
        found[place], following = later, values[place]
    return found


@dataclass(frozen=True)
class PPOLoss:
    """The parts of PPO's loss.

    Args:
        policy: mean of -min(ratio A, clip(ratio) A).
        value: mean squared error of the predicted values.
        total: policy + value coefficient times value.
        clip_fraction: share of the actions whose ratio lies outside 1 ± clip.
    """

    policy: float
    value: float
    total: float
    clip_fraction: float


def ppo_loss(  # noqa: PLR0913  the loss has as many inputs
    log_probabilities: np.ndarray,
    old_log_probabilities: np.ndarray,
    advantages: np.ndarray,
    values: np.ndarray,
    returns: np.ndarray,
    *,
    clip: float = 0.2,
    value_coefficient: float = 0.5,
) -> PPOLoss:
    """PPO's clipped surrogate with its value loss (arXiv:1707.06347, eq. 7 and 9, no entropy).

    The trainer computes the same in PyTorch; a test holds the two together.

    Args:
        log_probabilities: ``(n,)`` of the actions taken, under the policy that learns.
        old_log_probabilities: ``(n,)`` under the policy that acted.
        advantages: ``(n,)``.
        values: ``(n,)`` predicted.
        returns: ``(n,)`` advantages + values when acting.
        clip: ε.
        value_coefficient: weight of the value loss.
    """
    ratio = np.exp(log_probabilities - old_log_probabilities)
    clipped = np.clip(ratio, 1 - clip, 1 + clip)
    policy = float(-np.minimum(ratio * advantages, clipped * advantages).mean())
    value = float(((values - returns) ** 2).mean())
    outside = float((np.abs(ratio - 1) > clip).mean())
    return PPOLoss(policy, value, policy + value_coefficient * value, outside)


def normalise(advantages: np.ndarray) -> np.ndarray:
    """Advantages with mean 0 and standard deviation 1, as PPO's updates use them."""
    return (advantages - advantages.mean()) / (advantages.std(ddof=1) + 1e-8)


def nlpo_mask(
    probabilities: np.ndarray,
    *,
    top_p: float = 0.9,
    minimum: int = 100,
    always: Sequence[int] = (),
) -> np.ndarray:
    """Which actions NLPO leaves: the nucleus of the mask policy (arXiv:2210.01241, section 4).

    Args:
        probabilities: ``(..., a)`` of the mask policy; rows sum to 1.
        top_p: smallest set of likeliest actions with at least this mass is kept.
        minimum: at least so many are kept.
        always: actions that are never removed (special tokens, stopping).

    Returns:
        ``(..., a)`` bool, true where the action stays.
    """
    order = np.argsort(-probabilities, axis=-1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=-1)
    before = np.cumsum(ranked, axis=-1) - ranked  # mass of all likelier actions
    stays = (before < top_p) | (np.arange(probabilities.shape[-1]) < minimum)
    kept = np.zeros_like(stays)
    np.put_along_axis(kept, order, stays, axis=-1)
    kept[..., list(always)] = True
    return kept
