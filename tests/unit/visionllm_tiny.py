"""A tiny untrained VisionLLM and what to ask it, for the tests of network, training and server."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from workbench.data.scenes.scene import World
from workbench.data.scenes.sentences import sentence_words
from workbench.methods.visionllm import Entry, Task
from workbench.training.visionllm.network import VisionLLM
from workbench.training.visionllm.recipe import Recipe
from workbench.training.visionllm.shape import ClassHead, Shape, vocabulary

WORDS = vocabulary(sentence_words(World().names))
NAMES = ("dog", "car", "sailing boat", "lemon")


def tiny_shape(class_head: ClassHead = "pointer") -> Shape:
    return Shape(
        WORDS,
        class_head,
        channels=(8, 16, 16, 16, 16),
        heads=2,
        feed_forward=32,
        text_layers=1,
        query_layers=1,
        tokens=4,
        reach=16,
    )


@dataclass(frozen=True)
class TinyRecipe(Recipe):
    """A recipe whose network is tiny."""

    @property
    def shape(self) -> Shape:
        return tiny_shape(self.class_head)


def tiny_network(class_head: ClassHead = "pointer", seed: int = 0) -> VisionLLM:
    """In evaluation mode, its weights random and large enough to tell inputs apart."""
    torch.manual_seed(seed)
    network = VisionLLM(tiny_shape(class_head)).eval().requires_grad_(False)
    for parameter in network.parameters():
        if parameter.dim() > 1:
            parameter.mul_(2.0)
    return network


def pictures(count: int) -> np.ndarray:
    return np.stack([scene.picture for scene in World().scenes("tiny", count)])


def ask_for(*names: str, tokens: tuple[int, ...] | None = None, points: int = 2) -> Task:
    tokens = tokens or tuple(range(len(names)))
    entries = tuple(Entry(name, token) for name, token in zip(names, tokens, strict=True))
    return Task("detection" if points == 2 else "segmentation", entries, points, 16)
