"""Contrastive pre-training of a small open_clip model on the emoji world.

Pictures come with captions whose frequencies follow Zipf's law exactly. Two losses:

* ``bank``: each picture's softmax over one caption of every class. Its optimum is P(class |
  picture), so the zero-shot classifier carries the frequency of the captions.
* ``infonce``: open_clip's own in-batch loss (Radford et al. 2021, arXiv:2103.00020), both ways.
  Its optimum is log P(picture, caption) / (P(picture) P(caption)): the frequency cancels.

Every step draws its pictures and captions from a stream named by the seed and the step, so a run
that was stopped goes on from its checkpoint to the same weights.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.data.emoji.captions import TEMPLATES, write_captions
from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.domains import PRETRAINING
from workbench.data.emoji.pictures import draw_pictures
from workbench.data.emoji.prior import pretraining_prior
from workbench.data.emoji.sprites import sprites
from workbench.data.emoji.streams import stream, stream_key

if TYPE_CHECKING:
    import torch

LOSSES = ("bank", "infonce")
LARGEST_LOGIT_SCALE = 100.0
"""As in CLIP."""
MEAN, STANDARD_DEVIATION = 0.5, 0.3
"""Of pixel values in [0, 1], subtracted and divided by before the model sees them."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Args:
        loss: "bank" or "infonce".
        steps: number of updates.
        batch: pictures per update.
        learning_rate: the largest; it rises over the first tenth and falls along a cosine.
        weight_decay: of AdamW.
        seed: names the streams of pictures, captions and first weights.
    """

    loss: Literal["bank", "infonce"]
    steps: int = 1000
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a run ends with: the model, its training curve and the time it took."""

    model: Any
    curve: np.ndarray
    """``(steps,)`` float32 loss of every step."""
    seconds: float


def bank_loss(
    image_features: torch.Tensor,
    bank_features: torch.Tensor,
    logit_scale: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    """Cross-entropy of each picture's softmax over a bank that holds every class once.

    Args:
        image_features: ``(n, d)`` unit length.
        bank_features: ``(k, d)`` unit length, one caption of each class.
        logit_scale: multiplies the cosines.
        labels: ``(n,)`` class of each picture.
    """
    from torch.nn import functional

    return functional.cross_entropy(logit_scale * image_features @ bank_features.T, labels)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Of a step: a linear rise over the first tenth, then a cosine down to a hundredth."""
    warm_up = max(1, recipe.steps // 10)
    if step < warm_up:
        return recipe.learning_rate * (step + 1) / warm_up
    way = (step - warm_up) / max(1, recipe.steps - warm_up)
    return recipe.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * way)) / 2)


def normalise(pictures: torch.Tensor) -> torch.Tensor:
    """From uint8 pixels to what the model sees, channels side by side in memory."""
    import torch

    plain = (pictures.float() / 255 - MEAN) / STANDARD_DEVIATION
    return plain.contiguous(memory_format=torch.channels_last)


def train(
    recipe: Recipe,
    configuration: dict[str, Any],
    tokenize: Callable[[list[str]], torch.Tensor],
    checkpoint: Path | None = None,
    *,
    checkpoint_every: int = 200,
    report: Callable[[int, float], None] = lambda _step, _loss: None,
) -> Trained:
    """Train a model, going on from the checkpoint if there is one.

    Args:
        recipe: how.
        configuration: open_clip's ``model_cfg``.
        tokenize: texts → ``(n, context)`` token ids.
        checkpoint: where to keep what is needed to go on; ``None`` keeps nothing.
        checkpoint_every: steps between two checkpoints.
        report: called with each step's number and loss.
    """
    import open_clip
    import torch

    torch.manual_seed(stream_key("first weights", recipe.seed) % 2**63)
    model = open_clip.CLIP(**configuration)
    # Convolutions are a quarter faster on a processor when the channels lie side by side.
    model.visual.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=recipe.weight_decay)
    captions = torch.stack([tokenize(row) for row in write_captions(emoji_classes())])
    state = _State(recipe, model, optimizer, checkpoint)
    step_loss = _bank_step if recipe.loss == "bank" else _in_batch_step
    model.train()
    for step in range(state.step, recipe.steps):
        started = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        loss = step_loss(model, captions, recipe, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(LARGEST_LOGIT_SCALE))
        state.add(loss.item(), time.perf_counter() - started)
        report(step, state.curve[-1])
        if (step + 1) % checkpoint_every == 0 or step + 1 == recipe.steps:
            state.save()
    model.eval()
    return Trained(model, np.array(state.curve, dtype=np.float32), state.seconds)


def _bank_step(model: Any, captions: torch.Tensor, recipe: Recipe, step: int) -> torch.Tensor:
    import torch

    generator, labels, pictures = _draw(recipe, step, len(captions))
    templates = generator.integers(len(TEMPLATES), size=len(captions))
    bank = captions[torch.arange(len(captions)), torch.from_numpy(templates)]
    images, texts, scale = model(normalise(pictures), bank)
    return bank_loss(images, texts, scale, torch.from_numpy(labels))


def _in_batch_step(model: Any, captions: torch.Tensor, recipe: Recipe, step: int) -> torch.Tensor:
    import torch
    from open_clip.loss import ClipLoss

    generator, labels, pictures = _draw(recipe, step, len(captions))
    templates = generator.integers(len(TEMPLATES), size=len(labels))
    own = captions[torch.from_numpy(labels), torch.from_numpy(templates)]
    return ClipLoss()(*model(normalise(pictures), own))


def _draw(
    recipe: Recipe, step: int, classes: int
) -> tuple[np.random.Generator, np.ndarray, torch.Tensor]:
    """Classes by their frequency and a picture of each."""
    generator = stream("pretrain", recipe.seed, step)
    labels = generator.choice(classes, size=recipe.batch, p=pretraining_prior(classes))
    return generator, labels, draw_pictures(sprites(), labels, PRETRAINING, generator)


class _State:
    """How far a run is, on disk now and then."""

    def __init__(self, recipe: Recipe, model: Any, optimizer: Any, path: Path | None) -> None:
        self._recipe = dataclasses.asdict(recipe)
        self._model = model
        self._optimizer = optimizer
        self._path = path
        self.curve: list[float] = []
        self.seconds = 0.0
        if path is not None and path.is_file():
            self._load(path)

    @property
    def step(self) -> int:
        return len(self.curve)

    def add(self, loss: float, seconds: float) -> None:
        self.curve.append(loss)
        self.seconds += seconds

    def save(self) -> None:
        import torch

        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".unfinished")
        torch.save(
            {
                "recipe": self._recipe,
                "model": self._model.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "curve": self.curve,
                "seconds": self.seconds,
            },
            unfinished,
        )
        unfinished.replace(self._path)

    def _load(self, path: Path) -> None:
        import torch

        saved = torch.load(path, weights_only=True)
        if saved["recipe"] != self._recipe:
            return  # another recipe's run; it is written over
        self._model.load_state_dict(saved["model"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self.curve, self.seconds = saved["curve"], saved["seconds"]
