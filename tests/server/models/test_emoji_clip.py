"""The shipped emoji-clip models: what their receipts say, and the bias each is known to have."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from tests.server.operations.recording import run_one
from workbench.data.emoji.sprites import SHEET
from workbench.models.catalog import ASSETS, Catalog
from workbench.server.operation import Output
from workbench.server.operations import clip_fine_tune, emoji
from workbench.settings import Settings
from workbench.training.contrastive import Recipe
from workbench.training.emoji_clip import CURVE_POINTS, model_configuration

NAMES = ("emoji-clip-bank", "emoji-clip-infonce")
PER_CLASS = 20


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    catalog = Catalog(Settings())
    return {name: catalog.load(name, device="cpu", dtype="float32") for name in NAMES}


@pytest.fixture(scope="module")
def features(models: dict[str, Any]) -> dict[str, dict[str, Output]]:
    """Test and estimation pictures as in pre-training, seen by each model."""
    return {
        name: {
            split: run_one(
                emoji.FEATURES, model, {"domain": "colour", "split": split, "per_class": PER_CLASS}
            )
            for split in ("test", "estimate")
        }
        for name, model in models.items()
    }


def receipt_of(name: str) -> dict[str, Any]:
    return json.loads((ASSETS / "models" / name / "receipt.json").read_text(encoding="utf-8"))


def logits(output: Output) -> np.ndarray:
    return (
        output.values["logit_scale"]
        * output.arrays["features"].astype(np.float64)
        @ output.arrays["text_features"].T
    )


def by_thirds(right: np.ndarray, output: Output) -> list[float]:
    """Accuracy of the head, middle and tail thirds by caption frequency."""
    by_class = right.reshape(len(output.arrays["log_prior"]), -1).mean(axis=1)
    order = np.argsort(-output.arrays["log_prior"])
    return [float(by_class[part].mean()) for part in np.array_split(order, 3)]


def estimate_log_prior(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Bias-only logistic regression with the logits as offset, by SciPy's general optimiser."""
    count = scores.shape[1]
    target = np.bincount(labels, minlength=count) / len(labels)

    def loss(bias: np.ndarray) -> tuple[float, np.ndarray]:
        logs = log_softmax(scores + bias, axis=1)
        value = -logs[np.arange(len(labels)), labels].mean()
        return value, np.exp(logs).mean(axis=0) - target

    return -minimize(loss, np.zeros(count), jac=True, method="L-BFGS-B").x


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_those_of_the_receipt_and_of_the_card(name: str) -> None:
    folder = ASSETS / "models" / name
    weights = folder / "open_clip_model.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    receipt = receipt_of(name)
    card = Catalog(Settings()).card(name)
    assert digest == receipt["weights_sha256"] == card.files[weights.name]
    assert weights.stat().st_size < 10 * 2**20
    assert receipt["sprites_sha256"] == hashlib.sha256(SHEET.read_bytes()).hexdigest()
    Catalog(Settings()).verify(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_receipt_is_of_the_recipe_in_the_code(name: str) -> None:
    receipt = receipt_of(name)
    loss = name.removeprefix("emoji-clip-")
    assert receipt["recipe"] == vars(Recipe(loss))  # pyright: ignore[reportArgumentType]
    assert len(receipt["loss_curve"]) == CURVE_POINTS
    assert np.mean(receipt["loss_curve"][-5:]) < 0.5 * receipt["loss_curve"][0]
    written = json.loads((ASSETS / "models" / name / "open_clip_config.json").read_text())
    text = {**model_configuration()["text_cfg"], "hf_tokenizer_name": "emoji-clip"}
    assert written["model_cfg"] == {**model_configuration(), "text_cfg": text}


@pytest.mark.parametrize("name", NAMES)
def test_the_receipt_says_what_the_model_reaches(
    name: str, features: dict[str, dict[str, Output]]
) -> None:
    output = features[name]["test"]
    right = logits(output).argmax(axis=1) == output.arrays["labels"]
    said = receipt_of(name)["zero_shot"]["colour"]
    # a picture on the edge between two classes may fall either way on another processor
    assert right.mean() == pytest.approx(said["accuracy"], abs=0.003)
    thirds = [said[third] for third in ("head", "middle", "tail")]
    np.testing.assert_allclose(by_thirds(right, output), thirds, atol=0.006)


def test_both_models_know_the_emoji_and_the_bank_model_prefers_frequent_ones(
    features: dict[str, dict[str, Output]],
) -> None:
    for name in NAMES:
        output = features[name]["test"]
        right = logits(output).argmax(axis=1) == output.arrays["labels"]
        assert 0.5 < right.mean() < 0.8, name
        head, _, tail = by_thirds(right, output)
        if name == "emoji-clip-bank":
            assert head - tail > 0.20


def test_the_planted_prior_is_found_again_in_the_bank_model_and_not_in_the_other(
    features: dict[str, dict[str, Output]],
) -> None:
    found = {}
    for name in NAMES:
        output = features[name]["estimate"]
        estimate = estimate_log_prior(logits(output), output.arrays["labels"])
        found[name] = np.corrcoef(estimate, output.arrays["log_prior"])[0, 1]
    assert found["emoji-clip-bank"] > 0.9
    assert abs(found["emoji-clip-infonce"]) < 0.5


def test_removing_the_true_prior_helps_the_bank_model_and_hurts_the_other(
    features: dict[str, dict[str, Output]],
) -> None:
    gain = {}
    for name in NAMES:
        output = features[name]["test"]
        labels = output.arrays["labels"]
        scores = logits(output)
        removed = scores - output.arrays["log_prior"]
        gain[name] = (removed.argmax(1) == labels).mean() - (scores.argmax(1) == labels).mean()
    assert gain["emoji-clip-bank"] > 0.0
    assert gain["emoji-clip-infonce"] < -0.02


def test_a_few_steps_of_fine_tuning_help_on_the_shifted_domain(models: dict[str, Any]) -> None:
    model = models["emoji-clip-bank"]
    recipe = {"shots": 8, "steps": 25, "test_per_class": 4, "estimate_per_class": 0}
    output = run_one(
        clip_fine_tune.OPERATION,
        model,
        {**recipe, "domain": "noise", "alphas": [0, 1.0]},
    )
    labels = output.arrays["labels"]
    accuracy = [
        float(((one.astype("f4") @ head.T).argmax(axis=1) == labels).mean())
        for one, head in zip(output.arrays["features"], output.arrays["heads"], strict=True)
    ]
    assert accuracy[1] > accuracy[0] + 0.05
    assert "estimate_features" not in output.arrays


def test_nothing_but_weights_and_text_is_shipped() -> None:
    for name in NAMES:
        folder: Path = ASSETS / "models" / name
        assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
