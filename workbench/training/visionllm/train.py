"""The training loop: stopped anywhere, it goes on from its checkpoint to the same weights."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import nn

from workbench.data.emoji.streams import stream_key
from workbench.training.visionllm.batches import Batch, draw_batch
from workbench.training.visionllm.losses import set_loss, text_loss
from workbench.training.visionllm.network import VisionLLM
from workbench.training.visionllm.prompts import build_prompts
from workbench.training.visionllm.recipe import Recipe
from workbench.training.visionllm.shape import BEGIN, END, Shape, number_words

Report = Callable[[int, str, float, float], None]
"""Called with a step, its kind of task, its loss and the seconds it took."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a run ends with.

    Args:
        network: in evaluation mode, on the device it was trained on.
        curve: loss of every step.
        kinds: kind of task of every step.
        seconds: of all steps, drawing the scenes included.
    """

    network: VisionLLM
    curve: tuple[float, ...]
    kinds: tuple[str, ...]
    seconds: float


def train(
    recipe: Recipe,
    checkpoint: Path | None = None,
    *,
    device: str = "cpu",
    workers: int = 0,
    checkpoint_every: int = 250,
    report: Report = lambda *_: None,
) -> Trained:
    """Train a network, going on from the checkpoint if there is one of this recipe.

    Args:
        recipe: how.
        checkpoint: where to keep what is needed to go on; ``None`` keeps nothing.
        device: "cpu", "cuda:0" or "mps".
        workers: processes that draw scenes ahead; 0 draws them in between.
        checkpoint_every: steps between two checkpoints.
        report: told of every step.
    """
    torch.manual_seed(stream_key("visionllm first weights", recipe.seed) % 2**63)
    network = VisionLLM(recipe.shape).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=recipe.weight_decay)
    state = _State(recipe, network, optimizer, checkpoint, device)
    network.train()
    with _batches(recipe, state.step, workers) as batches:
        for step in range(state.step, recipe.steps):
            started = time.perf_counter()
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate_at(step)
            batch = next(batches)
            loss = batch_loss(network, batch, recipe, device)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_norm)
            optimizer.step()
            seconds = time.perf_counter() - started
            state.add(loss.item(), batch.tasks[0].kind, seconds)
            report(step, state.kinds[-1], state.curve[-1], seconds)
            if (step + 1) % checkpoint_every == 0 or step + 1 == recipe.steps:
                state.save()
    network.eval()
    return Trained(network, tuple(state.curve), tuple(state.kinds), state.seconds)


def batch_loss(network: VisionLLM, batch: Batch, recipe: Recipe, device: str) -> torch.Tensor:
    """Loss of one batch."""
    shape = network.shape
    pictures = torch.from_numpy(batch.pictures).to(device).permute(0, 3, 1, 2)
    prompts = build_prompts(batch.tasks, shape).to(device)
    seen = network.look(pictures, prompts)
    if batch.texts:
        return text_loss(network, seen, number_texts(batch.texts, shape).to(device))
    states = network.fill(seen, batch.tasks[0].points)
    is_soft = recipe.location_loss == "soft"
    return set_loss(network, seen, states, batch.truths, batch.points, is_soft=is_soft)[0]


def number_texts(texts: tuple[str, ...], shape: Shape) -> torch.Tensor:
    """Texts between <bos> and <eos> as numbers, ``(b, t)`` with 0 after the end."""
    begin, end = shape.words.index(BEGIN), shape.words.index(END)
    rows = [[begin, *number_words(one, shape.words, shape.text_tokens - 1), end] for one in texts]
    numbers = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.int64)
    for row, one in enumerate(rows):
        numbers[row, : len(one)] = torch.tensor(one)
    return numbers


@contextmanager
def _batches(recipe: Recipe, start: int, workers: int) -> Iterator[Iterator[Batch]]:
    """Batches from a step on, drawn here or ahead in other processes."""
    if not workers:
        yield (draw_batch(recipe, step) for step in range(start, recipe.steps))
        return
    # Forked workers would inherit torch's threads and the device's state.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        yield _drawn_ahead(recipe, start, pool, ahead=2 * workers)
    finally:
        pool.shutdown(cancel_futures=True)


def _drawn_ahead(
    recipe: Recipe, start: int, pool: ProcessPoolExecutor, ahead: int
) -> Iterator[Batch]:
    waiting: dict[int, Future[Batch]] = {}
    for step in range(start, recipe.steps):
        for later in range(step, min(step + ahead, recipe.steps)):
            if later not in waiting:
                waiting[later] = pool.submit(draw_batch, recipe, later)
        yield waiting.pop(step).result()


class _State:
    """How far a run is, on disk now and then."""

    def __init__(
        self,
        recipe: Recipe,
        network: VisionLLM,
        optimizer: torch.optim.Optimizer,
        path: Path | None,
        device: str,
    ) -> None:
        self._recipe = dataclasses.asdict(recipe)
        self._parts: dict[str, Any] = {"network": network, "optimizer": optimizer}
        self._path = path
        self.curve: list[float] = []
        self.kinds: list[str] = []
        self.seconds = 0.0
        if path is not None and path.is_file():
            saved = torch.load(path, weights_only=True, map_location=device)
            if saved["recipe"] == self._recipe:  # another recipe's run is written over
                for name, part in self._parts.items():
                    part.load_state_dict(saved[name])
                self.curve, self.kinds = saved["curve"], saved["kinds"]
                self.seconds = saved["seconds"]

    @property
    def step(self) -> int:
        return len(self.curve)

    def add(self, loss: float, kind: str, seconds: float) -> None:
        self.curve.append(loss)
        self.kinds.append(kind)
        self.seconds += seconds

    def save(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".unfinished")
        saved = {name: part.state_dict() for name, part in self._parts.items()}
        own = {"recipe": self._recipe, "curve": self.curve, "kinds": self.kinds}
        torch.save({**saved, **own, "seconds": self.seconds}, unfinished)
        unfinished.replace(self._path)
