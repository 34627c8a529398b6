"""The token-level policy, on a tiny T5 made by the tests."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from tests.server.operations.tiny import save_model
from workbench.methods.dsp.rewards import step_rewards
from workbench.models.language_model import load_language_model
from workbench.training import seq2seq_training
from workbench.training.phrase_training import Settings
from workbench.training.seq2seq_policy import (
    Sampling,
    Seq2SeqPolicy,
    TokenPolicies,
    sample_tokens,
)
from workbench.training.seq2seq_training import TokenSettings, TokenTrainer, fit_targets
from workbench.training.token_rewards import token_rewards


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = save_model(tmp_path_factory.mktemp("policy"), "t5")
    return load_language_model(
        "tiny", "seq2seq-lm", folder, device="cpu", dtype="float32", max_tokens=256
    )


@pytest.fixture
def policy(loaded):
    torch.manual_seed(0)
    return Seq2SeqPolicy(deepcopy(loaded.model)).eval()


@pytest.fixture
def articles(loaded):
    encoded = loaded.tokenizer(
        ["Extract the keywords: the cat sat", "Extract the keywords: Paris is the capital"] * 4,
        padding=True,
        return_tensors="pt",
    )
    return encoded["input_ids"], encoded["attention_mask"]


SHORT = Sampling(max_new_tokens=5, mask_minimum=5)


def test_before_training_kl_is_0_and_all_hints_end(policy, articles):
    policies = TokenPolicies(policy, deepcopy(policy), deepcopy(policy))
    rollouts = sample_tokens(policies, *articles, SHORT, torch.Generator().manual_seed(0))
    assert rollouts.tokens.shape[1] <= 5
    assert rollouts.kl.abs().max() < 1e-5
    chosen = rollouts.kept.gather(2, rollouts.tokens[..., None])[..., 0]
    assert chosen.all()
    ended = (rollouts.tokens == policy.end) & rollouts.taken
    lengths = rollouts.taken.sum(dim=1)
    for row, length in enumerate(lengths.tolist()):
        assert ended[row, : length - 1].sum() == 0
        assert bool(ended[row, length - 1]) or length == 5


def test_the_mask_and_top_k_leave_few_tokens_and_always_the_end(policy, articles):
    policies = TokenPolicies(policy, policy, policy)
    narrow = Sampling(top_k=3, top_p=0.01, mask_minimum=1, max_new_tokens=3)
    rollouts = sample_tokens(policies, *articles, narrow, torch.Generator().manual_seed(0))
    assert int(rollouts.kept.sum(dim=-1).max()) <= 2  # the likeliest and the end
    assert rollouts.kept[..., policy.end].all()
    plain = sample_tokens(
        TokenPolicies(policy, policy, None), *articles, narrow, torch.Generator().manual_seed(0)
    )
    assert int(plain.kept.sum(dim=-1).max()) == 3


def test_phrases_are_paid_at_their_semicolon_and_the_summary_at_the_end():
    text = "ferry; pier; boat"
    tokens = [ord(character) for character in text]

    def decode(some):
        return "".join(chr(one) for one in some)

    paid = token_rewards(tokens, decode, "a ferry", 2.5)
    assert np.flatnonzero(paid).tolist() == [text.index(";"), text.rindex(";"), len(text) - 1]
    assert paid[np.flatnonzero(paid)[:2]] == pytest.approx(step_rewards(text, "a ferry"))
    assert paid[-1] == 2.5
    assert token_rewards([], decode, "a ferry", 2.5).shape == (0,)


def test_the_first_update_has_ratio_1_and_its_kl_moves_beta(policy, articles, monkeypatch):
    ratios = []
    original = seq2seq_training.torch_ppo_loss

    def watch(new, old, *others):
        ratios.append(float((new - old).detach().abs().max()))
        return original(new, old, *others)

    monkeypatch.setattr(seq2seq_training, "torch_ppo_loss", watch)
    trainer = TokenTrainer(policy, TokenSettings(sampling=SHORT), 0)
    point = trainer.iterate(*articles, lambda _row, tokens: np.zeros(len(tokens)))
    assert ratios[0] < 1e-5
    assert point.kl == pytest.approx(0, abs=1e-5)
    assert trainer.beta < point.beta  # KL is below its target


def test_fine_tuning_lowers_the_loss_of_the_target(policy, articles, loaded):
    labels = loaded.tokenizer(["cat; mat."] * 8, return_tensors="pt")["input_ids"]
    losses = fit_targets(policy, [(*articles, labels)], epochs=20, learning_rate=1e-2)
    assert losses[-1] < 0.7 * losses[0]


def test_a_token_that_pays_becomes_the_likeliest_and_a_hint_without_end_is_paid_too(
    policy, articles
):
    def first_token():
        with torch.inference_mode():
            return (
                policy(*articles, torch.zeros((8, 1), dtype=torch.long))[0][:, 0].exp().mean(dim=0)
            )

    good = int(first_token().topk(3).indices[2])
    before = float(first_token()[good])
    settings = TokenSettings(
        Settings(batch=32, beta=0, use_mask=False, epochs=2),
        Sampling(top_k=400, max_new_tokens=1),
        learning_rate=1e-2,
    )
    trainer = TokenTrainer(policy, settings, 0)
    many = [part.repeat(8, 1) for part in articles]
    for _ in range(10):
        trainer.iterate(*many, lambda _row, tokens: np.array([float(t == good) for t in tokens]))
    assert before < 0.5
    assert first_token()[good] > 0.9
