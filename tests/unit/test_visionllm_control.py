"""Training with the dictionary shuffled between picture and target teaches no class."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from tests.unit.visionllm_tiny import TinyRecipe, tiny_shape
from workbench.data.scenes.scene import World
from workbench.training.visionllm import train as training
from workbench.training.visionllm.batches import Batch, draw_batch
from workbench.training.visionllm.inference import Options, look
from workbench.training.visionllm.network import VisionLLM
from workbench.training.visionllm.shape import Shape

CLASSES, HELD_OUT = 4, 400
CHANCE = 1 / CLASSES


@dataclass(frozen=True)
class Recipe(TinyRecipe):
    """One large thing of four kinds, all four always named, in an order drawn for each picture."""

    steps: int = 80
    batch: int = 24
    learning_rate: float = 4e-3
    first_stage: float = 1.0
    smallest_set: int = CLASSES

    @property
    def world(self) -> World:
        return World(CLASSES, side_px=32, most_things=1, smallest=0.5, largest=0.7)

    @property
    def shape(self) -> Shape:
        plain = tiny_shape(self.class_head)
        return dataclasses.replace(plain, side_px=32, channels=(8, 16, 32, 32, 32), tokens=1)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in one order, so the same weights each time; for so small a network also quicker."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def draw_shuffled(recipe: Recipe, step: int) -> Batch:
    """Every picture with the next one's dictionary; the targets still count in its own."""
    batch = draw_batch(recipe, step)
    return dataclasses.replace(batch, tasks=(*batch.tasks[1:], batch.tasks[0]))


def class_accuracy(network: VisionLLM, recipe: Recipe) -> float:
    """Share of pictures never seen whose class slot names the thing, each with its dictionary."""
    batch = draw_batch(dataclasses.replace(recipe, batch=HELD_OUT), 0, "held out")
    seen = look(network, batch.pictures, batch.tasks, Options())
    with torch.no_grad():
        slots = network.class_logits(seen, network.fill(seen, 2)[:, :, 0])
    said = slots[:, 0].argmax(-1).numpy()
    return float((said == np.concatenate([truth.entries for truth in batch.truths])).mean())


@pytest.mark.usefixtures("one_thread")
def test_with_dictionaries_shuffled_in_training_the_class_stays_at_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Test 12, by training: the same loop, steps and first weights, learning 0.94 without."""
    recipe = Recipe()
    learned = class_accuracy(training.train(recipe).network, recipe)
    monkeypatch.setattr(training, "draw_batch", draw_shuffled)
    control = class_accuracy(training.train(recipe).network, recipe)
    assert learned > 0.7
    # four standard errors of a share of 400
    assert control == pytest.approx(CHANCE, abs=4 * (CHANCE * (1 - CHANCE) / HELD_OUT) ** 0.5)
