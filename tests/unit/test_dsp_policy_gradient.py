"""PPO, NLPO's mask, advantages and the adaptive KL penalty."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import TopPLogitsWarper

from workbench.methods.dsp.policy_gradient import (
    adaptive_kl,
    generalized_advantages,
    nlpo_mask,
    normalise,
    ppo_loss,
)

NUMBERS = st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=12)


@given(NUMBERS, st.floats(0, 1), st.floats(0, 1))
def test_advantages_are_the_double_sum_of_the_definition(pairs, discount, trace):
    rewards, values = np.array(pairs).T
    following = np.append(values[1:], 0.0)
    errors = rewards + discount * following - values
    expected = [
        sum((discount * trace) ** (k - t) * errors[k] for k in range(t, len(errors)))
        for t in range(len(errors))
    ]
    found = generalized_advantages(rewards, values, discount=discount, trace=trace)
    assert found == pytest.approx(expected, abs=1e-9)


@given(NUMBERS)
def test_with_discount_and_trace_1_the_advantage_is_reward_to_go_minus_value(pairs):
    rewards, values = np.array(pairs).T
    to_go = np.cumsum(rewards[::-1])[::-1]
    found = generalized_advantages(rewards, values, discount=1, trace=1)
    assert found == pytest.approx(to_go - values, abs=1e-9)


@given(st.floats(0, 10), st.floats(-5, 5), st.floats(0.01, 3))
def test_beta_rises_only_above_the_target_and_by_two_percent_at_most(beta, kl, target):
    after = adaptive_kl(beta, kl, target)
    assert abs(after - beta) <= 0.02 * beta + 1e-12
    if beta > 1e-6 and abs(kl - target) > 1e-6 * target:
        assert (after > beta) == (kl > target)


def test_beta_0_stays_0_and_a_target_of_0_is_refused():
    assert adaptive_kl(0, 9, 0.5) == 0
    with pytest.raises(ValueError, match="target"):
        adaptive_kl(0.1, 1, 0)


def test_ppo_is_the_plain_policy_gradient_while_the_policy_is_the_one_that_acted():
    advantages = np.array([1.0, -2.0, 0.5])
    log_probabilities = np.log([0.2, 0.5, 0.9])
    loss = ppo_loss(log_probabilities, log_probabilities, advantages, advantages, advantages)
    assert loss.policy == pytest.approx(-advantages.mean())
    assert loss.value == 0
    assert loss.clip_fraction == 0


def test_ppo_clips_only_what_would_gain():
    # ratio 2: a good action is held at 1.2, a bad one is not; ratio 0.5 the other way round
    old = np.zeros(4)
    new = np.log([2.0, 2.0, 0.5, 0.5])
    advantages = np.array([1.0, -1.0, 1.0, -1.0])
    loss = ppo_loss(new, old, advantages, np.zeros(4), np.full(4, 2.0))
    assert loss.policy == pytest.approx(-np.mean([1.2, -2.0, 0.5, -0.8]))
    assert loss.value == 4
    assert loss.total == pytest.approx(loss.policy + 2)
    assert loss.clip_fraction == 1


def test_normalised_advantages_have_mean_0_and_deviation_1():
    found = normalise(np.array([1.0, 5.0, 9.0, -3.0]))
    assert found.mean() == pytest.approx(0)
    assert found.std(ddof=1) == pytest.approx(1)


@given(
    st.lists(st.integers(-600, 600), min_size=2, max_size=30, unique=True), st.floats(0.05, 0.99)
)
def test_the_mask_keeps_what_transformers_top_p_keeps(logits, top_p):
    scores = torch.tensor([logits], dtype=torch.float64) / 100
    warped = TopPLogitsWarper(top_p, min_tokens_to_keep=2)(None, scores)
    kept = nlpo_mask(scores.softmax(-1).numpy(), top_p=top_p, minimum=2)
    assert kept.tolist() == warped.isfinite().tolist()


def test_the_mask_never_removes_special_actions_and_keeps_at_least_the_minimum():
    probabilities = np.array([[0.96, 0.02, 0.01, 0.01]])
    assert nlpo_mask(probabilities, minimum=1).tolist() == [[True, False, False, False]]
    assert nlpo_mask(probabilities, minimum=3).sum() == 3
    assert nlpo_mask(probabilities, minimum=1, always=[3]).tolist() == [[True, False, False, True]]
