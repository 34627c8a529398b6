"""vision.decode and vision.scenes through their requests, on a tiny network in files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.server.operations.recording import RecordingControl
from tests.unit.visionllm_tiny import TinyRecipe, ask_for, tiny_network
from workbench.data.scenes.scene import World
from workbench.errors import InputError, UnknownNameError, WorkbenchError
from workbench.methods.visionllm import Slots, decode, parse_instruction, write_instruction
from workbench.models.catalog import Catalog
from workbench.models.visionllm_model import VisionLLMModel
from workbench.server.api import Request
from workbench.server.operation import Output
from workbench.server.operations import vision
from workbench.settings import Settings
from workbench.training.visionllm.inference import fill_slots
from workbench.training.visionllm.writing import write_card, write_network

DOGS = write_instruction(ask_for("dog", "car"))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> VisionLLMModel:
    """A network through files, card and catalogue, as any model."""
    cards = tmp_path_factory.mktemp("cards")
    folder = cards / "visionllm-tiny"
    write_network(tiny_network(), folder)
    write_card("visionllm-tiny", folder, TinyRecipe(), cards)
    card = cards / "visionllm-tiny.toml"
    card.write_text(card.read_text().replace("assets:models/", "file:"))
    catalog = Catalog(Settings(home=cards), [cards])
    return catalog.load("visionllm-tiny", device="cpu", dtype="bfloat16")  # places need float32


def scenes(count: int = 2, side_px: int = 64) -> np.ndarray:
    world = World(side_px=side_px)
    return np.stack([one.picture for one in world.scenes("test", count)])


def outcomes(
    loaded: VisionLLMModel, *asked: tuple[Mapping[str, Any], np.ndarray]
) -> list[Output | WorkbenchError]:
    items = [
        vision.DECODE.prepare(Request("vision.decode", loaded.name, arguments, {"images": images}))
        for arguments, images in asked
    ]
    return list(vision.DECODE.run(loaded, items, RecordingControl(), "cpu"))


def answer(
    loaded: VisionLLMModel, instruction: str, images: np.ndarray, **switches: bool
) -> Output:
    (one,) = outcomes(loaded, ({"instruction": instruction, **switches}, images))
    if isinstance(one, WorkbenchError):
        raise one
    return one


def test_every_slot_of_every_candidate_comes_back_and_decodes(loaded: VisionLLMModel) -> None:
    output = answer(loaded, DOGS, scenes())
    arrays = output.arrays
    assert arrays["location_probabilities"].shape == (2, 4, 4, 33)
    assert arrays["class_probabilities"].shape == (2, 4, 2)
    assert arrays["class_attention"].shape == (2, 2, 2, 4, 2)
    assert output.values["template"] == "<cls> <x1> <y1> <x2> <y2>"
    assert output.values["names"] == ["dog", "car"]
    assert (output.values["reach"], output.values["passes"]) == (16, 1)
    task = parse_instruction(DOGS)
    direct = fill_slots(loaded.model, scenes(), [task] * 2)
    for row, one in enumerate(direct):
        sent = Slots(arrays["objectness"][row], arrays["centres"][row],
                     arrays["class_probabilities"][row],
                     arrays["location_probabilities"][row])  # fmt: skip
        np.testing.assert_allclose(decode(sent, task).boxes, decode(one, task).boxes, atol=1e-6)


def test_only_the_words_choose_the_task(loaded: VisionLLMModel) -> None:
    contour = answer(loaded, "Outline every {dog} with 8 points in <p-16> to <p16>", scenes())
    assert contour.arrays["location_probabilities"].shape == (2, 4, 16, 33)
    ground = answer(loaded, "Ground the phrase {the left dog} in <p-16> to <p16>", scenes())
    assert ground.values["kind"] == "grounding"
    caption = answer(loaded, "Write a short caption of <image>", scenes())
    assert len(caption.values["texts"]) == 2  # pyright: ignore[reportArgumentType]
    assert caption.arrays["word_probabilities"].shape == (2, 24)
    reply = answer(loaded, '<image> Question: "is there a dog?"', scenes())
    assert reply.values["kind"] == "question"


def test_the_switches_reach_the_network(loaded: VisionLLMModel) -> None:
    plain = answer(loaded, DOGS, scenes()).arrays
    blind = answer(loaded, DOGS, scenes(), use_language=False).arrays
    assert abs(plain["objectness"] - blind["objectness"]).max() > 1e-4
    apart = answer(loaded, DOGS, scenes(), inside_tuple=False).arrays
    slowly = answer(loaded, DOGS, scenes(), inside_tuple=False, one_by_one=True)
    name = "location_probabilities"
    assert abs(plain[name] - apart[name]).max() > 1e-4
    np.testing.assert_allclose(apart[name], slowly.arrays[name], atol=1e-5)
    assert slowly.values["passes"] == 4 * 5


def test_pictures_of_any_size_are_answered(loaded: VisionLLMModel) -> None:
    for shape in ((1, 1), (30, 200), (300, 300)):
        output = answer(loaded, DOGS, np.zeros((1, *shape, 3), dtype=np.uint8))
        assert np.isfinite(output.arrays["location_probabilities"]).all()


def test_a_refused_instruction_does_not_harm_the_others_of_its_batch(
    loaded: VisionLLMModel,
) -> None:
    unknown = write_instruction(ask_for("dgo"))
    far = "Find {dog} within <p-64> to <p64>"
    good, word, reach = outcomes(
        loaded,
        ({"instruction": DOGS}, scenes()),
        ({"instruction": unknown}, scenes()),
        ({"instruction": far}, scenes()),
    )
    assert isinstance(good, Output)
    assert isinstance(word, UnknownNameError)
    assert "Did you mean dog" in str(word)
    assert isinstance(reach, InputError)
    assert "<p-16> to <p16>" in str(reach)


def test_what_cannot_be_run_is_refused_before_a_model_is_loaded() -> None:
    def prepare(images: np.ndarray, **arguments: Any) -> None:
        vision.DECODE.prepare(Request("vision.decode", "any", arguments, {"images": images}))

    with pytest.raises(InputError, match="A valid one"):
        prepare(scenes(), instruction="Hello")
    with pytest.raises(InputError, match="1 to 64 pictures"):
        prepare(np.zeros((65, 8, 8, 3), dtype=np.uint8), instruction=DOGS)
    with pytest.raises(InputError, match="uint8"):
        prepare(scenes().astype(float), instruction=DOGS)
    with pytest.raises(UnknownNameError, match="argument"):
        prepare(scenes(), instruction=DOGS, langauge=True)


def test_scenes_come_with_everything_that_is_known_of_them() -> None:
    request = Request("vision.scenes", None, {"count": 5, "start": 3, "points": 8}, seed=None)
    (output,) = vision.SCENES.run(None, [vision.SCENES.prepare(request)], RecordingControl(), "cpu")
    assert isinstance(output, Output)
    expected = list(World().scenes("test", 5, start=3))
    arrays = output.arrays
    np.testing.assert_array_equal(arrays["images"], [one.picture for one in expected])
    np.testing.assert_array_equal(arrays["boxes"], np.concatenate([one.boxes for one in expected]))
    assert arrays["scene_of"].tolist() == [
        number for number, one in enumerate(expected) for _ in one.things
    ]
    assert arrays["contours"].shape == (len(arrays["boxes"]), 8, 2)
    assert len(output.values["captions"]) == 5  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="count"):
        vision.SCENES.prepare(Request("vision.scenes", None, {"count": 0}))


def test_a_model_from_its_card_is_of_its_kind(loaded: VisionLLMModel) -> None:
    assert loaded.kind == "visionllm"
    assert loaded.dtype == "float32"
    assert loaded.memory_bytes > 0
    assert vision.DECODE.kinds == {loaded.kind}
