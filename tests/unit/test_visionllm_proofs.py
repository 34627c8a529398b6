"""What only weights can show: the network that ships, on scenes it has never seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.data.scenes.scene import Scene, World
from workbench.methods.visionllm import Answer, Entry, Task, decode
from workbench.methods.visionllm.boxes import box_overlaps
from workbench.models.visionllm_model import load_visionllm
from workbench.training.visionllm.inference import fill_slots
from workbench.training.visionllm.network import VisionLLM

FOLDER = Path(__file__).parents[2] / "assets" / "models" / "visionllm-pointer"
SCORE = 0.5
COUNT = 48
STRIDE_PX = 8
"""Of the grid that the tokens look at: a picture of 64 pixels is 8 × 8 cells."""


@pytest.fixture(scope="module")
def network() -> VisionLLM:
    return load_visionllm("visionllm-pointer", FOLDER, device="cpu", dtype="float32").model


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(World().scenes("test", COUNT, start=600))


def task_of(names: list[str]) -> Task:
    return Task("detection", tuple(Entry(name, j) for j, name in enumerate(names)), 2, 64)


def answers(network: VisionLLM, pictures: np.ndarray, tasks: list[Task]) -> list[Answer]:
    slots = fill_slots(network, pictures, tasks)
    return [decode(one, task).above(SCORE) for one, task in zip(slots, tasks, strict=True)]


def is_found(answer: Answer, box: np.ndarray, entry: int | None = None) -> bool:
    """Whether a box, of this name if one is given, overlaps by half or more."""
    kept = answer.boxes if entry is None else answer.boxes[answer.entries == entry]
    return bool(len(kept)) and bool(box_overlaps(box[None], kept).max() >= 0.5)


def test_what_is_taken_out_of_the_dictionary_is_no_longer_found(
    network: VisionLLM, scenes: list[Scene]
) -> None:
    """Half of the names of each scene are left out; the rest of the dictionary stays."""
    names = list(World().names)
    generator = np.random.default_rng(5)
    tasks, listed_of = [], []
    for scene in scenes:
        out = set(generator.permutation(sorted(set(scene.labels.tolist())))[::2].tolist())
        listed = [k for k in range(len(names)) if k not in out]
        listed_of.append(listed)
        tasks.append(task_of([names[k] for k in listed]))
    listed_hits, unlisted_hits = [], []
    found = answers(network, np.stack([scene.picture for scene in scenes]), tasks)
    for scene, listed, answer in zip(scenes, listed_of, found, strict=True):
        for thing in scene.things:
            if thing.label in listed:
                entry = listed.index(thing.label)
                listed_hits.append(is_found(answer, thing.box, entry))
            else:
                unlisted_hits.append(is_found(answer, thing.box))
    assert min(len(listed_hits), len(unlisted_hits)) >= 30
    assert np.mean(listed_hits) >= 0.9
    assert np.mean(unlisted_hits) <= 0.1


def test_moving_the_picture_by_a_stride_moves_the_boxes_and_keeps_the_offsets(
    network: VisionLLM,
) -> None:
    """Scenes of one thing away from the edges, painted again a cell further right and down."""
    world = World(most_things=1)
    shift = STRIDE_PX / world.side_px
    pairs = []
    for scene in world.scenes("test", 60, start=600):
        (thing,) = scene.things
        if thing.box.min() > 0.1 and thing.box[2:].max() < 0.9 - shift:
            moved = np.roll(scene.picture, (STRIDE_PX, STRIDE_PX), axis=(0, 1))
            pairs.append((scene, moved))
    assert len(pairs) >= 12
    task = task_of(list(world.names))
    before = answers(network, np.stack([one.picture for one, _ in pairs]), [task] * len(pairs))
    after = answers(network, np.stack([moved for _, moved in pairs]), [task] * len(pairs))
    boxes, offsets, labels = [], [], []
    for one, two in zip(before, after, strict=True):
        if len(one.scores) and len(two.scores):
            boxes.append(two.boxes[0] - one.boxes[0])
            offsets.append(two.tokens[0] - one.tokens[0])
            labels.append(one.entries[0] == two.entries[0])
    assert len(boxes) >= 0.9 * len(pairs)
    assert np.mean(labels) >= 0.9
    # A location token is 1/64 of the side; the picture moved by eight of them, and a centre that
    # stayed behind would show as eight in the offsets.
    np.testing.assert_allclose(np.median(boxes, axis=0), shift, atol=1 / 64)
    assert np.median(np.abs(offsets)) <= 2


def test_names_shuffled_between_picture_and_truth_are_right_by_chance_alone(
    network: VisionLLM, scenes: list[Scene]
) -> None:
    """The control: with the true dictionary nearly every name is right, with another's 1 in 16."""
    names = list(World().names)
    generator = np.random.default_rng(8)
    orders = [generator.permutation(len(names)) for _ in scenes]
    tasks = [task_of([names[k] for k in order]) for order in orders]
    right: dict[str, list[bool]] = {"true": [], "shuffled": []}
    found = answers(network, np.stack([scene.picture for scene in scenes]), tasks)
    for number, (scene, answer) in enumerate(zip(scenes, found, strict=True)):
        for thing in scene.things:
            if not is_found(answer, thing.box):
                continue
            entry = answer.entries[box_overlaps(thing.box[None], answer.boxes)[0].argmax()]
            right["true"].append(orders[number][entry] == thing.label)
            other = orders[(number + 1) % len(orders)]
            right["shuffled"].append(other[entry] == thing.label)
    assert len(right["true"]) >= 80
    assert np.mean(right["true"]) >= 0.9
    # Chance is 1/16; 3 standard errors above it at 80 draws is 0.144.
    assert np.mean(right["shuffled"]) <= 0.144
