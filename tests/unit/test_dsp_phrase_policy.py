"""The phrase policy: what it may choose, what it learns, and what holds it back."""

import numpy as np
import pytest
import torch

from workbench.methods.dsp.policy_gradient import ppo_loss
from workbench.training import phrase_training
from workbench.training.phrase_checkpoint import Checkpoint, begin
from workbench.training.phrase_policy import (
    MAX_PHRASES,
    Candidates,
    choose_greedily,
    fit_labels,
    load_policy,
    new_policy,
    read_weights,
)
from workbench.training.phrase_rollouts import Policies, RewardTable, sample_hints
from workbench.training.phrase_training import Settings, Trainer

FEATURES = 8


def some_candidates(articles: int, width: int, seed: int = 0) -> Candidates:
    draw = np.random.default_rng(seed)
    return Candidates(
        torch.tensor(draw.normal(size=(articles, width, FEATURES)), dtype=torch.float32),
        torch.eye(width).expand(articles, width, width).clone(),
        torch.ones(articles, width, dtype=torch.bool),
    )


def a_table(articles: int, width: int, seed: int = 0) -> RewardTable:
    draw = np.random.default_rng(seed)
    return RewardTable(
        np.tile(1 << np.arange(width), (articles, 1)),
        draw.uniform(0.1, 0.4, size=(articles, 2**width)),
        draw.random((articles, width)) < 0.5,
    )


def a_trainer(settings: Settings, checkpoint: Checkpoint | None = None) -> Trainer:
    candidates, table = some_candidates(6, 4), a_table(6, 4)
    start = checkpoint or begin(read_weights(new_policy(FEATURES, 0)), settings.beta)
    return Trainer(candidates, table, candidates, settings, start, 3)


def bandit(settings: Settings, iterations: int) -> tuple[Trainer, Candidates]:
    """One article whose second candidate alone pays."""
    candidates = some_candidates(1, 3)
    table = RewardTable(np.array([[1, 2, 4]]), np.zeros((1, 8)), np.array([[False, True, False]]))
    start = begin(read_weights(new_policy(FEATURES, 0)), settings.beta)
    trainer = Trainer(candidates, table, candidates, settings, start, 0)
    for _ in range(iterations):
        trainer.learn(trainer.look(), lambda: None)
    return trainer, candidates


@pytest.mark.parametrize("chosen", [0, 1, 3, 4])
def test_the_probabilities_of_what_is_possible_sum_to_1(chosen):
    candidates = some_candidates(5, 6)
    candidates.present[0, 3:] = False
    taken = torch.zeros(5, 6, dtype=torch.bool)
    taken[:, :chosen] = True
    log_probabilities, values = new_policy(FEATURES, 1)(candidates, taken)
    assert log_probabilities.exp().sum(dim=1).tolist() == pytest.approx([1] * 5, abs=1e-5)
    assert (log_probabilities[:, :6].exp()[taken | ~candidates.present] == 0).all()
    assert values.shape == (5,)
    if chosen == MAX_PHRASES:
        assert (log_probabilities[:, 6] == 0).all()


def test_more_candidates_do_not_make_stopping_likelier():
    narrow, wide = some_candidates(1, 2), some_candidates(1, 2)
    wide = Candidates(
        wide.features.repeat(1, 3, 1), torch.zeros(1, 6, 6), torch.ones(1, 6, dtype=torch.bool)
    )
    policy = new_policy(FEATURES, 0)
    stops = [policy(one, torch.zeros_like(one.present))[0][0, -1].item() for one in (narrow, wide)]
    assert stops[0] == pytest.approx(stops[1], abs=1e-5)


def test_fine_tuning_teaches_labels_that_the_features_show():
    candidates = some_candidates(40, 8)
    order = candidates.features[:, :, 0].numpy().argsort(axis=1)[:, ::-1]
    labels = np.full((40, MAX_PHRASES), -1)
    labels[:, :2] = order[:, :2]  # the two candidates with the largest first feature
    policy = new_policy(FEATURES, 0)
    losses = fit_labels(policy, candidates, labels, epochs=25, learning_rate=2e-2)
    assert losses[-1] < 0.4 * losses[0]
    held_out = some_candidates(30, 8, seed=1)
    found = choose_greedily(policy, held_out)
    best = held_out.features[:, :, 0].numpy().argsort(axis=1)[:, ::-1]
    assert (found[:, 2:] == -1).mean() > 0.9
    assert (found[:, 0] == best[:, 0]).mean() > 0.8


def test_weights_survive_being_written_and_read():
    policy = new_policy(FEATURES, 4)
    assert (read_weights(load_policy(FEATURES, read_weights(policy))) == read_weights(policy)).all()
    with pytest.raises(ValueError, match="weights"):
        load_policy(FEATURES, np.zeros(3, dtype=np.float32))


def test_before_training_kl_is_0_and_the_ratio_of_the_first_update_is_1(monkeypatch):
    ratios: list[float] = []
    original = phrase_training.torch_ppo_loss

    def watch(new, old, *others):
        ratios.append(float((new - old).detach().abs().max()))
        return original(new, old, *others)

    monkeypatch.setattr(phrase_training, "torch_ppo_loss", watch)
    trainer = a_trainer(Settings(rollouts=48))
    point = trainer.look()
    assert np.abs(point.rollouts.kl).max() < 1e-6
    trainer.learn(point, lambda: None)
    assert ratios[0] < 1e-6
    assert ratios[-1] > 1e-3


def test_the_loss_with_gradient_is_the_loss_in_numpy():
    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=20).astype(np.float32) for _ in range(5)]
    total, fraction = phrase_training.torch_ppo_loss(*(torch.tensor(a) for a in arrays), Settings())
    expected = ppo_loss(*(a.astype(np.float64) for a in arrays))
    assert float(total) == pytest.approx(expected.total, rel=1e-5)
    assert fraction == pytest.approx(expected.clip_fraction)


def test_what_the_mask_removes_is_never_sampled_and_without_it_everything_is():
    candidates, table = some_candidates(1, 4), a_table(1, 4)
    policy = new_policy(FEATURES, 2)
    articles = np.zeros(3000, dtype=np.int64)
    seen = {}
    for name, mask in (("nlpo", policy), ("ppo", None)):
        rollouts = sample_hints(
            Policies(policy, policy, mask, top_p=0.3, minimum=1),
            candidates,
            table,
            articles,
            torch.Generator().manual_seed(0),
        )
        allowed = np.take_along_axis(rollouts.kept, rollouts.actions[..., None], axis=2)[..., 0]
        assert allowed[rollouts.taken].all()
        seen[name] = set(rollouts.actions[:, 0].tolist())
    assert seen["ppo"] == {0, 1, 2, 3, 4}
    assert seen["nlpo"] < seen["ppo"]
    assert 4 in seen["nlpo"]  # stopping is never removed


def test_rewards_are_the_sum_of_their_parts_and_zero_without_coefficients():
    point = a_trainer(Settings(rollouts=60, beta=0.3)).look()
    assert point.reward == pytest.approx(point.terminal + point.step, abs=1e-6)  # KL is 0 at first
    nothing = a_trainer(Settings(rollouts=60, terminal_coefficient=0, step_coefficient=0, beta=0))
    assert (nothing.look().reward == 0).all()


def test_a_hint_is_paid_what_the_table_says_of_its_phrases():
    candidates, table = some_candidates(6, 4), a_table(6, 4)
    policy = new_policy(FEATURES, 0)
    rollouts = sample_hints(
        Policies(policy, policy, None),
        candidates,
        table,
        np.arange(6),
        torch.Generator().manual_seed(1),
    )
    for row in range(6):
        phrases = rollouts.actions[row][rollouts.phrases[row]]
        assert len(set(phrases.tolist())) == len(phrases)
        assert rollouts.terminal[row] == table.terminal[row, sum(1 << p for p in phrases)]
        assert (
            rollouts.hits[row][rollouts.phrases[row]].tolist() == table.hits[row, phrases].tolist()
        )


def test_the_one_good_phrase_is_chosen_nine_times_in_ten():
    trainer, candidates = bandit(Settings(beta=0, rollouts=120, learning_rate=1e-2), 12)
    policy = load_policy(FEATURES, trainer.checkpoint().weights)
    log_probabilities, _ = policy(candidates, torch.zeros_like(candidates.present))
    assert log_probabilities[0, 1].exp() > 0.9


def test_a_strong_kl_penalty_keeps_the_policy_where_it_was():
    # each phrase can earn 1; a nat of KL costs 5
    held, _ = bandit(Settings(beta=5, rollouts=60), 8)
    loose, _ = bandit(Settings(beta=0, rollouts=60), 8)
    assert abs(held.look().kl) < 0.05
    assert loose.look().kl > 0.2


def test_beta_moves_by_two_percent_at_most_and_stays_0_at_0():
    trainer = a_trainer(Settings(rollouts=48))
    betas = []
    for _ in range(4):
        point = trainer.look()
        betas.append(point.beta)
        trainer.learn(point, lambda: None)
    assert betas[0] == 0.005
    changes = np.abs(np.diff(betas)) / betas[:-1]
    assert (changes > 0).all()
    assert (changes <= 0.02 + 1e-12).all()
    off = a_trainer(Settings(rollouts=48, beta=0))
    off.learn(off.look(), lambda: None)
    assert off.checkpoint().beta == 0


def test_a_training_that_goes_on_from_its_checkpoint_is_the_same_training():
    settings = Settings(rollouts=48, mask_refresh=2)
    whole = a_trainer(settings)
    for _ in range(3):
        whole.learn(whole.look(), lambda: None)
    half = a_trainer(settings)
    half.learn(half.look(), lambda: None)
    arrays = half.checkpoint().as_arrays()
    resumed = a_trainer(settings, Checkpoint.from_arrays(arrays))
    for _ in range(2):
        resumed.learn(resumed.look(), lambda: None)
    for name, array in resumed.checkpoint().as_arrays().items():
        np.testing.assert_allclose(array, whole.checkpoint().as_arrays()[name], atol=1e-6)


def test_the_mask_follows_the_policy_only_when_it_is_refreshed():
    trainer = a_trainer(Settings(rollouts=48, mask_refresh=2))
    start = trainer.checkpoint().mask
    trainer.learn(trainer.look(), lambda: None)
    assert (trainer.checkpoint().mask == start).all()
    trainer.learn(trainer.look(), lambda: None)
    assert (trainer.checkpoint().mask == trainer.checkpoint().weights).all()
    assert (trainer.checkpoint().reference == start).all()
