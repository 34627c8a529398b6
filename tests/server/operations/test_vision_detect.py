"""vision.detect and vision.ceilings: the same answers as one at a time, and masks as polygons."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.server.operations.recording import RecordingControl, run_batch, run_one
from tests.unit.visionllm_tiny import ask_for, tiny_network
from workbench.data.scenes.scene import World
from workbench.errors import InputError, WorkbenchError
from workbench.methods.visionllm import decode, write_instruction
from workbench.methods.visionllm.boxes import mask_overlap, polygon_mask
from workbench.server.operations.vision_detect import CEILINGS, DETECT
from workbench.training.visionllm.inference import Options, fill_slots

LOADED = SimpleNamespace(name="tiny", device="cpu", model=tiny_network())
TASKS = [ask_for("dog", "car"), ask_for("lemon")]
ASKED: dict[str, Any] = {"instructions": [write_instruction(one) for one in TASKS], "count": 3}


def test_each_instruction_is_carried_out_on_each_scene() -> None:
    arrays = run_one(DETECT, LOADED, ASKED).arrays
    assert arrays["boxes"].shape == (2, 3, 4, 4)
    pictures = np.stack([one.picture for one in World().scenes("test", 3)])
    for row, task in enumerate(TASKS):
        slots = fill_slots(LOADED.model, pictures, [task] * 3)
        for place, one in enumerate(slots):
            answer = decode(one, task)
            np.testing.assert_allclose(arrays["boxes"][row, place], answer.boxes, atol=1e-5)
            np.testing.assert_allclose(arrays["scores"][row, place], answer.scores, atol=1e-5)
            assert arrays["entries"][row, place].tolist() == answer.entries.tolist()
            np.testing.assert_allclose(
                arrays["centres"][row, place], one.centres[answer.candidates], atol=1e-5
            )


def test_a_stretch_further_on_holds_the_same_scenes_answers() -> None:
    whole = run_one(DETECT, LOADED, ASKED).arrays["boxes"]
    last = run_one(DETECT, LOADED, {**ASKED, "start": 2, "count": 1}).arrays["boxes"]
    np.testing.assert_allclose(whole[:, 2:], last, atol=1e-5)


def test_without_language_the_prompt_is_not_looked_at_for() -> None:
    blind = run_one(DETECT, LOADED, {**ASKED, "use_language": False}).arrays
    pictures = np.stack([one.picture for one in World().scenes("test", 3)])
    (slots, *_) = fill_slots(LOADED.model, pictures, [TASKS[0]] * 3, Options(use_language=False))
    expected = decode(slots, TASKS[0])
    np.testing.assert_allclose(blind["scores"][0, 0], expected.scores, atol=1e-5)


def test_attention_comes_with_its_candidate_and_short_dictionaries_are_filled_up() -> None:
    attention = run_one(DETECT, LOADED, {**ASKED, "with_attention": True}).arrays["class_attention"]
    assert attention.shape == (2, 3, 2, 2, 4, 2)  # instructions, scenes, layers, heads, M, names
    assert np.all(attention[1, ..., 1] == 0)
    assert np.all(attention[0] > 0)


def test_it_reports_and_can_be_stopped_between_instructions() -> None:
    control = RecordingControl()
    run_one(DETECT, LOADED, ASKED, control=control)
    assert control.progresses == [(0, 0.0), (0, 0.5)]

    def stop(step: int) -> None:
        if step == 2:
            raise WorkbenchError("stopped")

    with pytest.raises(WorkbenchError, match="stopped"):
        run_one(DETECT, LOADED, ASKED, control=RecordingControl(stop))


def test_what_has_no_boxes_or_is_too_much_is_refused() -> None:
    def refuse(words: str, **changed: Any) -> None:
        with pytest.raises(InputError, match=words):
            run_one(DETECT, LOADED, {**ASKED, **changed})

    refuse("answered by text", instructions=["Describe <image> in a caption"])
    refuse("A valid one", instructions=["Hello"])
    refuse("answers are given at once", instructions=ASKED["instructions"] * 32, count=500)
    refuse("count", count=0)
    good, far = run_batch(
        DETECT, LOADED, [ASKED, {**ASKED, "instructions": ["Find {dog} within <p-64> to <p64>"]}]
    )
    assert not isinstance(good, WorkbenchError)
    assert isinstance(far, InputError)


@pytest.mark.parametrize("kind", ["radial", "edge"])
def test_ceilings_are_overlaps_of_masks_with_their_polygons(kind: str) -> None:
    loaded = SimpleNamespace(name=None, device="cpu")
    output = run_one(CEILINGS, loaded, {"count": 2, "points": [4, 16], "contour": kind})
    things = [thing for scene in World().scenes("test", 2) for thing in scene.things]
    for row, points in enumerate((4, 16)):
        expected = [
            mask_overlap(one.mask, polygon_mask(one.contour(points, kind), 64)) for one in things
        ]
        np.testing.assert_allclose(output.arrays["overlaps"][row], expected, atol=1e-6)
    assert output.arrays["labels"].tolist() == [one.label for one in things]
