"""Training the token-level policy through the server, on a tiny T5 made by the tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.server.operations.recording import RecordingControl, run_one
from workbench.errors import AssetError, CancelledError, InputError
from workbench.server.api import Request
from workbench.server.operations import token_policy
from workbench.training.phrase_training import Settings
from workbench.training.seq2seq_checkpoint import CheckpointFolder, Progress, TokenCheckpoint
from workbench.training.seq2seq_policy import Sampling, TokenPolicies, sample_tokens, score_tokens
from workbench.training.seq2seq_training import TokenSettings, TokenTrainer

ARTICLES = ["Extract the keywords: the cat sat", "Extract the keywords: Paris is the capital"] * 3
TARGETS = ["cat; mat.", "Paris; France."] * 3
REFERENCES = ["The cat sat.", "Paris is in France."] * 3
NARROW = {"max_new_tokens": 5, "mask_minimum": 5}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def start(t5):
    found = run_one(
        token_policy.FIT, t5, {"inputs": ARTICLES, "targets": TARGETS, "epochs": 2}, seed=0
    )
    return str(found.values["checkpoint"])


def write(t5, checkpoint, **more):
    asked = {"checkpoint": checkpoint, "inputs": ARTICLES, **NARROW, **more}
    return run_one(token_policy.WRITE, t5, asked, seed=0)


def learn(t5, checkpoint, tokens, control=None, **more):
    arguments = {
        "checkpoint": checkpoint,
        "inputs": ARTICLES,
        "references": REFERENCES,
        "learning_rate": 1e-3,
        **NARROW,
        **more,
    }
    arrays = {"tokens": tokens, "terminal": np.linspace(0.1, 0.5, len(ARTICLES))}
    request = Request("policy.learn_tokens", t5.name, arguments, arrays=arrays, seed=0)
    prepared = token_policy.LEARN.prepare(request)
    (found,) = token_policy.LEARN.run(t5, [prepared], control or RecordingControl(), "cpu")
    return found


def files(home):
    return sorted(path.stem for path in (home / "policies").glob("*.safetensors"))


def test_fine_tuning_streams_its_loss_and_keeps_a_checkpoint(t5, home):
    control = RecordingControl()
    before = [value.clone() for value in t5.model.parameters()]
    asked = {"inputs": ARTICLES, "targets": TARGETS, "epochs": 3, "learning_rate": 1e-2}
    found = run_one(token_policy.FIT, t5, asked, seed=0, control=control)
    assert found.arrays["loss"][-1] < found.arrays["loss"][0]
    assert [values["iteration"] for _, values in control.partials] == [1, 2]
    assert files(home) == [found.values["checkpoint"]]
    for value, old in zip(t5.model.parameters(), before, strict=True):
        assert (value == old).all()  # the model that others ask is not taught


def test_hints_are_drawn_anew_at_each_iteration_and_the_likeliest_ones_are_not(t5, start):
    drawn = write(t5, start)
    assert drawn.arrays["tokens"].shape[1] <= 5
    assert len(drawn.values["texts"]) == len(ARTICLES)
    assert (write(t5, start).arrays["tokens"] == drawn.arrays["tokens"]).all()
    later = str(learn(t5, start, drawn.arrays["tokens"]).values["checkpoint"])
    again = write(t5, later).arrays["tokens"]
    assert again.shape != drawn.arrays["tokens"].shape or (again != drawn.arrays["tokens"]).any()
    likeliest = write(t5, start, greedy=True).arrays["tokens"]
    assert (likeliest[:2] == likeliest[2:4]).all()  # the same article, the same hint


def test_hints_that_are_read_again_have_the_numbers_they_were_drawn_with(t5, start):
    checkpoint = token_policy._folder().read(start)
    learning, other = (token_policy._policy_of(t5, checkpoint) for _ in range(2))
    with torch.no_grad():
        next(iter(learning.parameters())).mul_(1.1)
    policies = TokenPolicies(learning, other, other)
    texts = token_policy._encode(t5, ARTICLES)
    sampling = Sampling(top_k=50, max_new_tokens=5, mask_minimum=5)
    drawn = sample_tokens(policies, *texts, sampling, torch.Generator().manual_seed(0))
    read = score_tokens(policies, texts, drawn.tokens, drawn.taken, sampling)
    taken = drawn.taken
    for name in ("log_probabilities", "kl", "values"):
        one, same = getattr(drawn, name)[taken], getattr(read, name)[taken]
        np.testing.assert_allclose(one.numpy(), same.numpy(), atol=1e-4, err_msg=name)
    assert (drawn.kept[taken] == read.kept[taken]).float().mean() > 0.999


def test_a_chain_of_checkpoints_is_one_training(t5, start):
    """Against a trainer that never left the memory."""
    tokens = write(t5, start).arrays["tokens"]
    first = learn(t5, start, tokens, mask_refresh=2)
    second = learn(t5, str(first.values["checkpoint"]), tokens, mask_refresh=2)
    end = token_policy._folder().read(str(second.values["checkpoint"]))

    checkpoint = token_policy._folder().read(start)
    learning, reference = (token_policy._policy_of(t5, checkpoint) for _ in range(2))
    policies = TokenPolicies(learning, reference, reference)
    settings = TokenSettings(Settings(batch=8), Sampling(max_new_tokens=5, mask_minimum=5), 1e-3)
    trainer = TokenTrainer.resume(policies, settings, checkpoint, 0)
    texts = token_policy._encode(t5, ARTICLES)
    ids, taken = torch.from_numpy(np.maximum(tokens, 0)), torch.from_numpy(tokens >= 0)
    worth = np.linspace(0.1, 0.5, len(ARTICLES))

    def pay(row, some):
        return token_policy._pay(t5, some, REFERENCES[row], 10.0 * worth[row], 1.0, 0.2)

    for _ in range(2):
        rollouts = score_tokens(policies, texts, ids, taken, settings.sampling)
        trainer.learn(texts, rollouts, pay)
    whole = trainer.checkpoint(Progress())
    for name, value in whole.weights.items():
        np.testing.assert_allclose(end.weights[name].numpy(), value.numpy(), atol=1e-5)
    assert (end.progress.iteration, end.progress.updates) == (2, 10)
    assert end.progress.beta == pytest.approx(trainer.beta)
    assert end.progress.reference == start
    assert end.progress.mask != start  # refreshed after the second iteration


def test_an_update_that_is_left_keeps_the_checkpoint_and_can_be_done_again(t5, start, home):
    tokens = write(t5, start).arrays["tokens"]

    def leave(steps):
        if steps == 3:  # between two updates
            raise CancelledError("Nobody waits.")

    control = RecordingControl(leave)
    with pytest.raises(CancelledError):
        learn(t5, start, tokens, control)
    assert control.partials[0][1]["iteration"] == 0  # its reward was seen before it was left
    assert files(home) == [start]
    again = learn(t5, start, tokens)
    assert sorted([start, again.values["checkpoint"]]) == files(home)
    assert learn(t5, start, tokens).values == again.values


def test_the_parts_of_the_reward_add_up(t5, start):
    found = learn(t5, start, write(t5, start).arrays["tokens"]).arrays
    kl = float(found["token_kl"].sum(axis=1).mean())
    parts = found["terminal_reward"] + found["step_reward"] - found["beta"] * kl
    assert float(found["reward"]) == pytest.approx(float(parts), abs=1e-6)
    assert float(found["kl"]) == pytest.approx(0, abs=1e-5)  # it is still the supervised policy
    assert float(found["terminal_reward"]) == pytest.approx(10 * 0.3)


def test_a_checkpoint_that_is_gone_or_of_another_model_is_named(t5, start):
    with pytest.raises(AssetError, match="Run the training again"):
        write(t5, "0" * 64)
    folder = token_policy._folder()
    checkpoint = folder.read(start)
    few = dict(list(checkpoint.weights.items())[:2])
    other = folder.keep(replace(checkpoint, weights=few))
    with pytest.raises(AssetError, match="another model"):
        write(t5, other)


def test_the_folder_throws_away_the_oldest_and_never_what_is_needed(tmp_path):
    def checkpoint(number, **needed):
        weights = {"w": torch.full((1000,), float(number))}
        return TokenCheckpoint(weights, {}, {}, Progress(iteration=number, **needed))

    folder = CheckpointFolder(tmp_path / "kept", limit_bytes=10_000)
    start = folder.keep(checkpoint(0))
    chain = [folder.keep(checkpoint(i, reference=start, mask=start)) for i in range(1, 5)]
    kept = {path.stem for path in (tmp_path / "kept").iterdir()}
    assert kept == {start, chain[-1]}
    assert folder.read(chain[-1]).weights["w"][0] == 4.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"references": REFERENCES[:1]}, "a reference, a row of tokens"),
        ({"tokens": np.full((6, 3), -1)}, "-1 after each"),
        ({"terminal": np.full(6, np.nan)}, "finite"),
        ({"checkpoint": "../secret"}, "checkpoint"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(change, message):
    arguments = {"checkpoint": "0" * 64, "inputs": ARTICLES, "references": REFERENCES}
    arrays = {"tokens": np.ones((6, 3), dtype=np.int64), "terminal": np.zeros(6)}
    for name, value in change.items():
        (arrays if name in arrays else arguments)[name] = value
    with pytest.raises(InputError, match=message):
        token_policy.LEARN.prepare(Request("policy.learn_tokens", "m", arguments, arrays=arrays))


def test_every_input_needs_its_target():
    with pytest.raises(InputError, match="one target for each"):
        token_policy.FIT.prepare(
            Request("policy.fit_tokens", "m", {"inputs": ARTICLES, "targets": TARGETS[:2]})
        )
