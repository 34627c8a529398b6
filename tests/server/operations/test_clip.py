"""Operations on open_clip models against open_clip called directly."""

from __future__ import annotations

from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from tests.server.operations.recording import RecordingControl, run_batch, run_one
from workbench.data.emoji.captions import TEMPLATES
from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.prior import pretraining_prior
from workbench.data.emoji.tasks import Task
from workbench.errors import (
    CancelledError,
    InputError,
    TooLargeError,
    UnknownNameError,
    WorkbenchError,
)
from workbench.models.open_clip_model import OpenClipModel, load_open_clip
from workbench.server.api import Request
from workbench.server.operation import Output
from workbench.server.operations import (
    clip_embed,
    clip_embed_fine_tuned,
    clip_features,
    clip_fine_tune,
    emoji,
)
from workbench.server.operations.catalog import OPERATIONS
from workbench.training.contrastive import normalise
from workbench.training.emoji_clip import model_configuration, write_model

CLASSES = len(emoji_classes())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> OpenClipModel:
    """emoji-clip before its training, through files as any model."""
    folder = tmp_path_factory.mktemp("untrained")
    torch.manual_seed(4)
    model = open_clip.CLIP(**model_configuration())
    for name, parameter in model.visual.named_parameters():
        if name.endswith("bn3.weight"):  # 0 at first: blocks would pass nothing on
            torch.nn.init.ones_(parameter)
    model.train()
    shown = normalise(Task("colour", "train", 1).draw_part(0))
    for _ in range(20):  # so that batch normalisation knows pictures
        model.visual(shown)
    write_model(model, folder)
    return load_open_clip("untrained", folder, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Forty pictures of the emoji world, ``(40, 48, 48, 3)`` uint8."""
    picked, _ = Task("colour", "test", 1).pick(list(range(40)))
    return np.ascontiguousarray(picked.permute(0, 2, 3, 1).numpy())


def embed(loaded: OpenClipModel, images: np.ndarray) -> Output:
    request = Request("clip.embed_images", loaded.name, arrays={"images": images})
    item = clip_embed.prepare_images(request)
    (outcome,) = clip_embed.run_images(loaded, [item], RecordingControl(), "cpu")
    assert isinstance(outcome, Output)
    return outcome


# Embedding ---------------------------------------------------------------------------------


def test_logits_are_those_of_open_clip_called_directly(
    clip: OpenClipModel, pictures: np.ndarray
) -> None:
    texts = [one.name for one in emoji_classes()][:20]
    images = embed(clip, pictures)
    named = run_one(clip_embed.EMBED_TEXTS, clip, {"texts": texts, "templates": ["a small {}"]})
    logits = (
        images.values["logit_scale"] * images.arrays["features"] @ named.arrays["features"].T
        + images.values["logit_bias"]
    )
    with torch.no_grad():
        own = torch.stack([clip.preprocess(Image.fromarray(one)) for one in pictures])
        tokens = clip.tokenizer([f"a small {text}" for text in texts])
        expected, _ = clip.model.get_logits(own, tokens)
    np.testing.assert_allclose(logits, expected.numpy(), atol=2e-4)
    assert np.ptp(expected.numpy()) > 0.5  # they differ: equality says something


def test_pictures_of_another_size_go_through_the_models_own_preprocessing(
    clip: OpenClipModel,
) -> None:
    image = np.asarray(Image.radial_gradient("L").resize((70, 50)).convert("RGB"))
    found = embed(clip, image[None]).arrays["features"]
    with torch.no_grad():
        own = clip.preprocess(Image.fromarray(image)).unsqueeze(0)
        expected = clip.model.encode_image(own, normalize=True)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_vectors_do_not_depend_on_the_company(
    clip: OpenClipModel, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = np.concatenate([embed(clip, one[None]).arrays["features"] for one in pictures[:5]])
    requests = [Request("clip.embed_images", "m", arrays={"images": pictures[a:b]})
                for a, b in ((0, 2), (2, 5))]  # fmt: skip
    items = [clip_embed.prepare_images(request) for request in requests]
    monkeypatch.setattr(clip_features, "_STEP_PIXELS", {"cpu": 2 * 48 * 48})
    monkeypatch.setattr(clip_features, "_STEP_PICTURES", 1)
    outcomes = clip_embed.run_images(clip, items, RecordingControl(), "cpu")
    together = np.concatenate([one.arrays["features"] for one in outcomes])  # pyright: ignore
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_templates_are_averaged_as_clips_zero_shot_head(clip: OpenClipModel) -> None:
    texts = ["lemon", "hot dog", "tree"]
    found = run_one(clip_embed.EMBED_TEXTS, clip, {"texts": texts, "templates": list(TEMPLATES)})
    head = open_clip.build_zero_shot_classifier(
        clip.model,
        clip.tokenizer,
        classnames=texts,
        templates=[lambda name, t=template: t.format(name) for template in TEMPLATES],
    )
    np.testing.assert_allclose(found.arrays["features"], head.T.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 4, 4, 3), dtype=np.float32),
        np.zeros((4, 4, 3), dtype=np.uint8),
        np.zeros((1, 4, 4, 4), dtype=np.uint8),
        np.zeros((0, 4, 4, 3), dtype=np.uint8),
        np.zeros((1, 0, 4, 3), dtype=np.uint8),
        np.zeros((1, 1, 30, 3), dtype=np.uint8),
    ],
    ids=["floats", "one picture", "four channels", "none", "no rows", "a strip"],
)
def test_what_is_no_stack_of_pictures_is_refused(images: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"images|pictures"):
        clip_embed.prepare_images(Request("clip.embed_images", "m", arrays={"images": images}))


def test_too_many_bytes_of_pictures_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_embed, "MAX_BYTES", 100)
    images = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(TooLargeError, match="at most"):
        clip_embed.prepare_images(Request("clip.embed_images", "m", arrays={"images": images}))


def test_a_request_without_its_array_is_told_so() -> None:
    with pytest.raises(InputError, match="takes the arrays images"):
        clip_embed.prepare_images(Request("clip.embed_images", "m"))


def test_a_template_without_a_place_for_the_text_is_refused() -> None:
    with pytest.raises(InputError, match=r"holds no \{\}"):
        clip_embed.prepare_texts(
            Request("clip.embed_texts", "m", {"texts": ["a"], "templates": ["a drawing"]})
        )


# The emoji world ---------------------------------------------------------------------------


def test_task_features_are_those_of_the_tasks_pictures(clip: OpenClipModel) -> None:
    arguments = {"domain": "grey", "split": "test", "per_class": 3}
    found = run_one(emoji.FEATURES, clip, arguments, seed=5)
    places = [0, 100, 300, 323]
    asked = Request("emoji.pictures", None, {**arguments, "indices": places}, seed=5)
    items = [emoji.prepare_pictures(asked)]
    (shown,) = emoji.PICTURES.run(None, items, RecordingControl(), "cpu")
    assert isinstance(shown, Output)
    assert shown.arrays["pictures"].shape == (4, 48, 48, 3)
    np.testing.assert_array_equal(shown.arrays["labels"], found.arrays["labels"][places])
    own = embed(clip, shown.arrays["pictures"]).arrays["features"]
    np.testing.assert_allclose(found.arrays["features"][places].astype("f4"), own, atol=3e-4)


def test_task_features_say_what_is_true_of_the_classes(clip: OpenClipModel) -> None:
    found = run_one(emoji.FEATURES, clip, {"per_class": 2, "tail": 1.0, "split": "train"})
    np.testing.assert_allclose(np.exp(found.arrays["log_prior"]), pretraining_prior(CLASSES))
    np.testing.assert_array_equal(
        found.arrays["counts"], np.bincount(found.arrays["labels"], minlength=CLASSES)
    )
    assert found.arrays["counts"].max() > 10 * found.arrays["counts"].min()
    assert found.values["class_names"] == [one.name for one in emoji_classes()]
    assert found.arrays["text_features"].shape == (CLASSES, 64)
    assert found.values["logit_scale"] == pytest.approx(1 / 0.07, rel=1e-3)  # open_clip's first


def test_another_seed_is_another_set_of_pictures(clip: OpenClipModel) -> None:
    first, again, other = (
        run_one(emoji.FEATURES, clip, {"per_class": 1}, seed=seed).arrays["features"]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_a_picture_that_is_not_there_is_refused_with_the_range() -> None:
    with pytest.raises(InputError, match="0 to 107"):
        emoji.prepare_pictures(Request("emoji.pictures", None, {"per_class": 1, "indices": [108]}))
    with pytest.raises(UnknownNameError, match="Did you mean noise"):
        emoji.prepare_features(Request("emoji.features", "m", {"domain": "noisy"}))


# Fine-tuning -------------------------------------------------------------------------------

TINY: dict[str, Any] = {
    "shots": 1,
    "steps": 3,
    "test_per_class": 1,
    "estimate_per_class": 1,
    "alphas": [1.0],
}


def logits(output: Output, place: int) -> np.ndarray:
    return output.arrays["features"][place].astype("f4") @ output.arrays["heads"][place].T


@pytest.mark.parametrize("method", ["full", "linear"])
def test_interpolated_weights_begin_at_zero_shot_and_end_fine_tuned(
    clip: OpenClipModel, method: str
) -> None:
    alphas = [0.0, 0.5, 1.0]
    output = run_one(clip_fine_tune.OPERATION, clip, {**TINY, "method": method, "alphas": alphas})
    zero = run_one(emoji.FEATURES, clip, {"per_class": 1})
    expected = (
        zero.values["logit_scale"]
        * zero.arrays["features"].astype("f4")
        @ zero.arrays["text_features"].T
    )
    np.testing.assert_allclose(logits(output, 0), expected, atol=1e-3)
    np.testing.assert_array_equal(output.arrays["labels"], zero.arrays["labels"])
    assert np.abs(logits(output, 2) - expected).max() > 0.05
    middle = (output.arrays["heads"][0] + output.arrays["heads"][2]) / 2
    np.testing.assert_allclose(output.arrays["heads"][1], middle, atol=1e-5)
    same_tower = np.array_equal(output.arrays["features"][0], output.arrays["features"][2])
    assert same_tower == (method == "linear")
    assert output.arrays["estimate_features"].shape == (3, CLASSES, 64)
    assert output.arrays["loss"].shape == (3,)


def test_a_linear_probe_learns_the_pictures_it_is_shown(clip: OpenClipModel) -> None:
    arguments = {**TINY, "steps": 200, "method": "linear"}
    output = run_one(clip_fine_tune.OPERATION, clip, arguments)
    assert output.arrays["loss"][-1] < 0.7 * output.arrays["loss"][0]
    assert output.values["train_accuracy"] > 0.2  # chance is 0.01
    assert output.arrays["train_counts"].tolist() == [1] * CLASSES


def test_fine_tuning_leaves_the_loaded_model_as_it_was(clip: OpenClipModel) -> None:
    before = {name: value.clone() for name, value in clip.model.state_dict().items()}
    run_one(clip_fine_tune.OPERATION, clip, TINY)
    for name, value in clip.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(one.requires_grad for one in clip.model.parameters())
    assert not clip.model.training


def test_the_same_seed_fine_tunes_to_the_same_numbers(clip: OpenClipModel) -> None:
    first, again, other = (
        run_one(clip_fine_tune.OPERATION, clip, TINY, seed=seed) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.arrays["heads"], again.arrays["heads"])
    np.testing.assert_array_equal(first.arrays["features"], again.arrays["features"])
    np.testing.assert_array_equal(first.arrays["labels"], other.arrays["labels"])
    assert np.abs(first.arrays["heads"] - other.arrays["heads"]).max() > 1e-3


def test_fine_tuning_stops_between_two_steps(clip: OpenClipModel) -> None:
    class LeftError(Exception):
        pass

    def leave(checks: int) -> None:
        if checks == 4:  # one before the request, then one before each step
            raise LeftError

    control = RecordingControl(on_check=leave)
    with pytest.raises(LeftError):
        run_one(clip_fine_tune.OPERATION, clip, {**TINY, "steps": 50}, control=control)
    assert [fraction for _, fraction in control.progresses] == [0.8 / 50, 1.6 / 50]


def test_progress_never_goes_back_and_losses_arrive_on_the_way(clip: OpenClipModel) -> None:
    control = RecordingControl()
    run_one(
        clip_fine_tune.OPERATION, clip, {**TINY, "steps": 40, "method": "linear"}, control=control
    )
    fractions = [fraction or 0.0 for _, fraction in control.progresses]
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1
    assert [values["step"] for _, values in control.partials] == [20, 40]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"shots": 0}, "shots"),
        ({"alphas": [1.5]}, "alphas"),
        ({"method": "lora"}, "method"),
        ({"domain": "grau"}, "domain"),
        ({"learning_rate": 1.0}, "learning_rate"),
    ],
)
def test_a_recipe_out_of_range_is_refused_by_name(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        clip_fine_tune.prepare(Request("clip.fine_tune", "m", change))


# Pictures from outside ---------------------------------------------------------------------


def fine_tuned_view(
    clip: OpenClipModel, tuned: Output, images: np.ndarray, change: dict[str, Any] | None = None
) -> Output | WorkbenchError:
    arrays = {
        "images": images,
        "weights": tuned.arrays["weights"],
        "head": tuned.arrays["head"],
    } | (change or {})
    for array in arrays.values():
        array.flags.writeable = False  # as a server's requests are
    request = Request("clip.embed_fine_tuned", clip.name, arrays=arrays)
    item = clip_embed_fine_tuned.prepare(request)
    (outcome,) = clip_embed_fine_tuned.run(clip, [item], RecordingControl(), "cpu")
    return outcome


@pytest.mark.parametrize("method", ["full", "linear"])
def test_weights_that_come_with_a_request_are_the_fine_tuned_model(
    clip: OpenClipModel, method: str
) -> None:
    alphas = [0.0, 0.5, 1.0]
    recipe = {**TINY, "method": method, "alphas": alphas, "with_weights": True}
    tuned = run_one(clip_fine_tune.OPERATION, clip, recipe, seed=2)
    places = [0, 50, 107]
    drawn, _ = Task("grey", "test", 1).pick(places)
    shown = np.ascontiguousarray(drawn.permute(0, 2, 3, 1).numpy())
    found = fine_tuned_view(clip, tuned, shown)
    assert isinstance(found, Output)
    for place in range(3):
        own = found.arrays["features"][place] @ found.arrays["heads"][place].T
        np.testing.assert_allclose(own, logits(tuned, place)[places], atol=2e-2)
    zero = clip_features.logit_scale(clip) * (
        embed(clip, shown).arrays["features"] @ emoji.class_head(clip).T
    )
    np.testing.assert_allclose(
        found.arrays["features"][0] @ found.arrays["heads"][0].T, zero, atol=1e-4
    )
    assert np.abs(own - zero).max() > 0.05


def test_asking_for_weights_changes_no_other_number(clip: OpenClipModel) -> None:
    plain = run_one(clip_fine_tune.OPERATION, clip, TINY, seed=1)
    tuned = run_one(clip_fine_tune.OPERATION, clip, {**TINY, "with_weights": True}, seed=1)
    assert set(tuned.arrays) - set(plain.arrays) == {"weights", "head"}
    for name, array in plain.arrays.items():
        np.testing.assert_array_equal(tuned.arrays[name], array, err_msg=name)


def test_weights_of_another_shape_are_refused_in_words(
    clip: OpenClipModel, pictures: np.ndarray
) -> None:
    tuned = run_one(clip_fine_tune.OPERATION, clip, {**TINY, "with_weights": True})
    weights, head = tuned.arrays["weights"], tuned.arrays["head"]
    outcome = fine_tuned_view(clip, tuned, pictures, {"weights": weights[:-1]})
    assert isinstance(outcome, InputError)
    assert "Send those that clip.fine_tune gave" in str(outcome)
    outcome = fine_tuned_view(clip, tuned, pictures, {"head": head[:, :-1]})
    assert isinstance(outcome, InputError)
    for change, said in (
        ({"weights": weights.astype("f8")}, "float32"),
        ({"weights": np.full_like(weights, np.nan)}, "not finite"),
        ({"head": head[:5]}, "5 rows"),
        ({"images": pictures.astype("f4")}, "uint8"),
    ):
        with pytest.raises(InputError, match=said):
            fine_tuned_view(clip, tuned, pictures, change)


def test_a_left_request_is_not_embedded(clip: OpenClipModel) -> None:
    control = RecordingControl()
    control.left = {0}
    outcomes = run_batch(
        clip_embed.EMBED_TEXTS, clip, [{"texts": ["a"]}, {"texts": ["b"]}], control=control
    )
    assert isinstance(outcomes[0], CancelledError)
    assert isinstance(outcomes[1], Output)


def test_the_server_offers_every_operation() -> None:
    names = {operation.name for operation in OPERATIONS}
    assert {
        "clip.embed_images",
        "clip.embed_texts",
        "clip.embed_fine_tuned",
        "clip.fine_tune",
        "clip.decode_image",
        "emoji.features",
        "emoji.pictures",
    } <= names
