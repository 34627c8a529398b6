"""Pre-training: the losses are what they say, and a stopped run goes on to the same weights."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.prior import pretraining_prior
from workbench.training import contrastive
from workbench.training.contrastive import Recipe, bank_loss, learning_rate, train
from workbench.training.emoji_clip import model_configuration, tokenize, write_model
from workbench.training.emoji_tokenizer import CONTEXT_TOKENS, build_tokenizer

TINY = Recipe("bank", steps=5, batch=6)


class StoppedError(Exception):
    """Somebody pulled the plug."""


def unit_vectors(count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(count, 8, generator=generator), dim=-1)


def test_the_bank_loss_is_the_cross_entropy_over_every_caption() -> None:
    images, bank = unit_vectors(5, 1), unit_vectors(7, 2)
    labels, scale = torch.tensor([0, 6, 3, 3, 1]), torch.tensor(9.0)
    expected = 0.0
    for image, label in zip(images.tolist(), labels.tolist(), strict=True):
        cosines = [sum(a * b for a, b in zip(image, text, strict=True)) for text in bank.tolist()]
        total = sum(math.exp(9.0 * cosine) for cosine in cosines)
        expected -= math.log(math.exp(9.0 * cosines[label]) / total) / len(images)
    assert float(bank_loss(images, bank, scale, labels)) == pytest.approx(expected, rel=1e-5)


def test_the_in_batch_loss_is_open_clips_and_looks_both_ways() -> None:
    """Brute force over pictures and over captions, as the training step computes it."""
    recipe = Recipe("infonce", steps=1, batch=6)
    torch.manual_seed(2)
    model = FixedModel(unit_vectors(6, 3), unit_vectors(6, 4))
    captions = torch.stack([tokenize(["a small lemon"] * 4)] * len(emoji_classes()))
    found = contrastive._in_batch_step(model, captions, recipe, 0)
    logits = (model.scale * model.images @ model.texts.T).double()
    rows = [-(logits[i, i] - logits[i].exp().sum().log()) for i in range(6)]
    columns = [-(logits[i, i] - logits[:, i].exp().sum().log()) for i in range(6)]
    assert float(found) == pytest.approx(float(sum(rows) + sum(columns)) / 12, rel=1e-5)
    assert model.seen == [(6, 3, 48, 48), (6, CONTEXT_TOKENS)]


def test_the_bank_holds_every_class_once_however_rare() -> None:
    model = FixedModel(unit_vectors(6, 3), unit_vectors(len(emoji_classes()), 4))
    names = [f"a small {one.name}" for one in emoji_classes()]
    captions = torch.stack([tokenize([name] * 4) for name in names])
    contrastive._bank_step(model, captions, TINY, 0)
    assert torch.equal(model.bank, tokenize(names))


class FixedModel:
    """Gives the same vectors whatever it sees, and remembers what it saw."""

    def __init__(self, images: torch.Tensor, texts: torch.Tensor) -> None:
        self.images, self.texts, self.scale = images, texts, torch.tensor(5.0)
        self.seen: list[tuple[int, ...]] = []

    def __call__(
        self, pictures: torch.Tensor, captions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        self.seen = [tuple(pictures.shape), tuple(captions.shape)]
        self.bank = captions
        return self.images, self.texts, self.scale


@pytest.mark.parametrize("loss", ["bank", "infonce"])
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path, loss: str) -> None:
    recipe = Recipe(loss, steps=5, batch=6)  # pyright: ignore[reportArgumentType]
    configuration = model_configuration()
    whole = train(recipe, configuration, tokenize)

    def stop(step: int, _loss: float) -> None:
        if step == 3:
            raise StoppedError

    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(StoppedError):
        train(recipe, configuration, tokenize, checkpoint, checkpoint_every=2, report=stop)
    steps: list[int] = []
    resumed = train(
        recipe, configuration, tokenize, checkpoint, report=lambda step, _loss: steps.append(step)
    )
    assert steps == [2, 3, 4]
    np.testing.assert_array_equal(resumed.curve, whole.curve)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name


def test_a_checkpoint_of_another_recipe_is_not_gone_on_with(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    train(TINY, model_configuration(), tokenize, checkpoint)
    steps: list[int] = []
    train(
        Recipe("bank", steps=2, batch=6, seed=1),
        model_configuration(),
        tokenize,
        checkpoint,
        report=lambda step, _loss: steps.append(step),
    )
    assert steps == [0, 1]


def test_the_learning_rate_rises_for_a_tenth_and_falls_to_a_hundredth() -> None:
    recipe = Recipe("bank", steps=1000, learning_rate=1.0)
    rates = [learning_rate(recipe, step) for step in range(1000)]
    assert int(np.argmax(rates)) == 99
    assert max(rates) == 1.0
    assert rates[0] == pytest.approx(0.01)
    assert rates[-1] == pytest.approx(0.01, abs=1e-4)
    assert (np.diff(rates[:100]) > 0).all()
    assert (np.diff(rates[100:]) < 0).all()


def test_pretraining_draws_classes_by_their_frequency() -> None:
    prior = pretraining_prior(len(emoji_classes()))
    recipe = Recipe("bank", batch=64)
    draws = [contrastive._draw(recipe, step, len(prior))[1] for step in range(20)]
    counts = np.bincount(np.concatenate(draws), minlength=len(prior))
    head = np.argsort(-prior)[:10]
    expected = prior[head].sum()
    assert counts[head].sum() / counts.sum() == pytest.approx(expected, abs=0.06)


def test_weights_are_written_in_half_precision_and_whole(tmp_path: Path) -> None:
    trained = train(Recipe("bank", steps=1, batch=4), model_configuration(), tokenize)
    write_model(trained.model, tmp_path)
    written = load_file(tmp_path / "open_clip_model.safetensors")
    assert {str(one.dtype) for one in written.values()} == {"torch.float16", "torch.int64"}
    for name, value in trained.model.state_dict().items():
        torch.testing.assert_close(written[name].float(), value.float(), rtol=1e-3, atol=1e-6)


def test_every_word_of_a_caption_is_a_token_and_the_end_is_the_highest() -> None:
    tokenizer = build_tokenizer()
    ids = tokenize(["A small HOT DOG", "a small zeppelin"])
    assert ids.shape == (2, CONTEXT_TOKENS)
    words = tokenizer.convert_ids_to_tokens(ids[0].tolist())
    assert words[:7] == ["[SOS]", "a", "small", "hot", "dog", "[EOS]", "[PAD]"]
    assert "[UNK]" in tokenizer.convert_ids_to_tokens(ids[1].tolist())
    assert (
        int(ids.max()) == len(tokenizer) - 1 == model_configuration()["text_cfg"]["vocab_size"] - 1
    )
    assert int(ids[0, 6]) == 0
