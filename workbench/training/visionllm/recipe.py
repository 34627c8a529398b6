"""How a network is trained, and the variants that are worth comparing.

The paper's: detection first and then every task, random class sets, orders and formats, AdamW with
a cosine (arXiv:2305.11175, section 3.4). Ours: everything is trained from scratch and at once, with
no pre-trained part, nothing frozen and no LoRA; steps, batch, learning rate, shares of the tasks
and lengths of the dictionaries.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

from workbench.data.scenes.scene import World
from workbench.data.scenes.sentences import sentence_words
from workbench.methods.visionllm.task import Kind
from workbench.training.visionllm.shape import ClassHead, Shape, vocabulary

SHARES: dict[Kind, float] = {
    "detection": 0.4,
    "segmentation": 0.2,
    "grounding": 0.2,
    "captioning": 0.1,
    "question": 0.1,
}
"""Of the steps once all tasks are trained."""
CONTOUR_POINTS = (8, 14, 16, 20, 24)
"""The paper's; each step draws one."""
CURRICULUM_LARGEST = 4
"""Classes in a dictionary during the first third of a run with a curriculum."""
LONG_FIRST, LONG_FIRST_SMALLEST = 0.2, 3
"""Share of the steps of a run without one, and fewest classes then: where nearly nothing in the
picture is named, a network first learns that there is nothing (AP50 0.38 after 1,000 steps)."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Args:
        class_head: see ``Shape``.
        location_loss: "soft" is a Gaussian over the neighbouring tokens, "hard" the paper's
            one-hot cross-entropy.
        size: "small" for a processor, "large" for a GPU.
        steps: number of updates.
        batch: pictures per update.
        learning_rate: the largest; it rises over a twentieth of the steps, then a cosine.
        weight_decay: of AdamW.
        gradient_norm: larger gradients are scaled down to it.
        first_stage: share of the steps with detection only.
        smallest_set: fewest names in a dictionary.
        shuffles: whether names and order are drawn anew for each picture; without, every
            dictionary holds every class in one order.
        curriculum: whether the first third of the steps has few names.
        seed: names the random numbers.
    """

    class_head: ClassHead = "pointer"
    location_loss: Literal["soft", "hard"] = "soft"
    size: Literal["small", "large"] = "small"
    steps: int = 6000
    batch: int = 48
    learning_rate: float = 1.2e-3
    weight_decay: float = 1e-4
    gradient_norm: float = 1.0
    first_stage: float = 0.4
    smallest_set: int = 1
    shuffles: bool = True
    curriculum: bool = False
    seed: int = 0

    @property
    def world(self) -> World:
        """The scenes it is trained on."""
        return World() if self.size == "small" else World(classes=40, side_px=128)

    @property
    def shape(self) -> Shape:
        """The network's."""
        words = vocabulary(sentence_words(self.world.names))
        if self.size == "small":
            return Shape(words, self.class_head)
        return Shape(
            words,
            self.class_head,
            side_px=128,
            channels=(32, 64, 128, 192, 256),
            strides=(2, 2, 2, 1, 1),
            heads=8,
            feed_forward=768,
            encoder_layers=3,
            query_layers=4,
            decoder_layers=4,
            tokens=32,
            reach=128,
            class_tokens=40,
        )

    def learning_rate_at(self, step: int) -> float:
        """Of a step."""
        warm_up = max(1, self.steps // 20)
        if step < warm_up:
            return self.learning_rate * (step + 1) / warm_up
        way = (step - warm_up) / max(1, self.steps - warm_up)
        return self.learning_rate * (1e-3 + (1 - 1e-3) * (1 + math.cos(math.pi * way)) / 2)

    def set_lengths_at(self, step: int) -> tuple[int, int]:
        """Fewest and most names in a dictionary at a step."""
        if self.curriculum:
            is_early = step < self.steps // 3
            return self.smallest_set, CURRICULUM_LARGEST if is_early else self.world.classes
        if step < LONG_FIRST * self.steps:
            return max(self.smallest_set, LONG_FIRST_SMALLEST), self.world.classes
        return self.smallest_set, self.world.classes


VARIANTS: dict[str, Recipe] = {
    "visionllm-pointer": Recipe(),
    "visionllm-strict": Recipe(class_head="strict", curriculum=True),
    "visionllm-from-three": Recipe(smallest_set=3, first_stage=1.0, steps=2500),
    "visionllm-fixed-order": Recipe(
        class_head="strict", shuffles=False, first_stage=1.0, steps=2500
    ),
    "visionllm-hard": Recipe(location_loss="hard", first_stage=1.0, steps=2500),
    "visionllm-large": Recipe(size="large", steps=30_000, batch=256, learning_rate=4e-4),
    "visionllm-large-strict": Recipe(
        class_head="strict",
        size="large",
        steps=30_000,
        batch=256,
        learning_rate=4e-4,
        curriculum=True,
    ),
}
"""Names of models and how each is made; ``visionllm-pointer`` is the one a processor trains."""
