"""Two ways to fit an open_clip model to a few labelled pictures: end to end, or its head alone."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.data.emoji.streams import stream
from workbench.errors import InputError
from workbench.server.operations import clip_features

if TYPE_CHECKING:
    import torch

BATCH = 64
_HEAD_RATE = 1e-2
_PROBE_RATE = 3e-2
_WEIGHT_DECAY = 1e-2
_PROBE_DECAY = 1e-4
_SHIFT_PX = 2


class Trainer(Protocol):
    """A model being fitted."""

    losses: list[float]

    def step(self, learning_rate: float) -> float:
        """Make one update and return its loss; the rate is that of the image tower."""
        ...

    def accuracy(self) -> float:
        """Share of the training pictures that are classified rightly."""
        ...

    def interpolate(self, loaded: Any, alpha: float) -> tuple[Any, torch.Tensor]:
        """A model and a head ``(k, d)`` between zero-shot (0) and fitted (1)."""
        ...


class LinearProbe:
    """Fits the head on the model's own vectors, all of them at every step.

    Args:
        loaded: an open_clip model.
        pictures: ``(n, 3, h, w)`` uint8.
        labels: ``(n,)`` classes.
        head: ``(k, d)`` where it starts.
        seed: unused, for every picture is seen at every step.
    """

    def __init__(
        self,
        loaded: Any,
        pictures: torch.Tensor,
        labels: np.ndarray,
        head: torch.Tensor,
        seed: int,
    ) -> None:
        import torch

        del seed
        self.losses: list[float] = []
        self._features = torch.from_numpy(clip_features.embed_pictures(loaded, pictures))
        self._labels = torch.from_numpy(labels)
        self._start = head
        self._head = head.clone().requires_grad_()
        self._optimizer = torch.optim.AdamW([self._head], _PROBE_RATE, weight_decay=_PROBE_DECAY)

    def step(self, learning_rate: float) -> float:
        del learning_rate  # of the image tower, which stands still
        from torch.nn import functional

        loss = functional.cross_entropy(self._features @ self._head.T, self._labels)
        return _update(self._optimizer, loss, self.losses)

    def accuracy(self) -> float:
        return _share_right(self._features @ self._head.detach().T, self._labels)

    def interpolate(self, loaded: Any, alpha: float) -> tuple[Any, torch.Tensor]:
        return loaded, (1 - alpha) * self._start + alpha * self._head.detach()


class FineTuning:
    """Fits the image tower and the head end to end.

    Pictures are shifted by up to two pixels and mirrored at random. The running statistics of
    batch normalisation stay as they are, for a few pictures would spoil them.

    Args:
        loaded: an open_clip model; it is copied, never changed.
        pictures: ``(n, 3, h, w)`` uint8.
        labels: ``(n,)`` classes.
        head: ``(k, d)`` where it starts.
        seed: names the order of the pictures.
    """

    def __init__(
        self,
        loaded: Any,
        pictures: torch.Tensor,
        labels: np.ndarray,
        head: torch.Tensor,
        seed: int,
    ) -> None:
        import torch

        self.losses: list[float] = []
        self._model = _copy(loaded)
        # Convolutions are a quarter faster on a processor when the channels lie side by side.
        self._model.model.visual.to(memory_format=torch.channels_last)
        self._pictures = clip_features.prepare_pictures(self._model, pictures).contiguous(
            memory_format=torch.channels_last
        )
        self._labels = torch.from_numpy(labels).to(loaded.device)
        self._start = head
        self._head = head.to(loaded.device).clone().requires_grad_()
        self._model.model.visual.requires_grad_(True)
        self._optimizer = torch.optim.AdamW(
            [
                {"params": list(self._model.model.visual.parameters())},
                {"params": [self._head], "lr": _HEAD_RATE},
            ],
            weight_decay=_WEIGHT_DECAY,
        )
        self._generator = stream("fine-tune", seed)
        self._order = np.empty(0, dtype=np.int64)

    def step(self, learning_rate: float) -> float:
        from torch.nn import functional

        self._optimizer.param_groups[0]["lr"] = learning_rate
        places = self._next_places()
        pictures = self._augment(self._pictures[places])
        features = self._model.model.encode_image(pictures, normalize=True)
        loss = functional.cross_entropy(features @ self._head.T, self._labels[places])
        return _update(self._optimizer, loss, self.losses)

    def accuracy(self) -> float:
        import torch

        found = []
        for part in clip_features.steps_of(self._model, len(self._pictures)):
            with torch.no_grad():
                found.append(
                    self._model.model.encode_image(self._pictures[part], normalize=True)
                    @ self._head.T
                )
        return _share_right(torch.cat(found), self._labels)

    def interpolate(self, loaded: Any, alpha: float) -> tuple[Any, torch.Tensor]:
        import torch

        between = blend(loaded, self._model.model.visual.state_dict(), alpha)
        with torch.no_grad():
            head = torch.lerp(self._start, self._head.detach().cpu(), alpha)
        return between, head

    def _next_places(self) -> torch.Tensor:
        import torch

        if not len(self._order):
            self._order = self._generator.permutation(len(self._labels))
        places, self._order = self._order[:BATCH], self._order[BATCH:]
        return torch.from_numpy(places)

    def _augment(self, pictures: torch.Tensor) -> torch.Tensor:
        import torch

        down, across = self._generator.integers(-_SHIFT_PX, _SHIFT_PX + 1, size=2).tolist()
        pictures = torch.roll(pictures, (down, across), (2, 3))
        return pictures.flip(3) if self._generator.random() < 0.5 else pictures


METHODS = {"full": FineTuning, "linear": LinearProbe}


def blend(loaded: Any, fitted: Mapping[str, torch.Tensor], alpha: float) -> Any:
    """The model with an image tower between its own (0) and a fitted one (1).

    Args:
        loaded: an open_clip model; it is copied, never changed.
        fitted: the other tower's parameters and statistics, by name.
        alpha: the share of the fitted tower.
    """
    import torch

    between = _copy(loaded)
    with torch.no_grad():
        for name, value in between.model.visual.state_dict().items():
            if value.is_floating_point():  # counters of batch normalisation are not
                value.lerp_(fitted[name], alpha)
    return between


def pack_tower(loaded: Any) -> np.ndarray:
    """``(p,)`` float32: every parameter and statistic of the image tower, in the model's order."""
    tower = loaded.model.visual.state_dict()
    parts = [value.float().cpu().numpy().ravel() for value in _numbers(tower).values()]
    return np.concatenate(parts)


def unpack_tower(loaded: Any, weights: np.ndarray) -> dict[str, torch.Tensor]:
    """What ``pack_tower`` packed, by name, for the same architecture.

    Raises:
        InputError: another number of parameters than the model's tower has.
    """
    import torch

    tower = _numbers(loaded.model.visual.state_dict())
    needed = sum(value.numel() for value in tower.values())
    if len(weights) != needed:
        raise InputError(
            f"The weights have {len(weights):,} numbers; the image tower of {loaded.name} has "
            f"{needed:,}. Send those that clip.fine_tune gave for this model."
        )
    # a copy, because what arrives with a request is read-only
    parts = torch.from_numpy(weights.copy()).split([value.numel() for value in tower.values()])
    return {
        name: part.view(value.shape).to(value)
        for (name, value), part in zip(tower.items(), parts, strict=True)
    }


def _numbers(tower: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in tower.items() if value.is_floating_point()}


def _copy(loaded: Any) -> Any:
    """The same model with an image tower of its own."""
    model = copy.copy(loaded.model)
    # A module keeps its children in a dictionary, which a shallow copy shares.
    model._modules = {**loaded.model._modules, "visual": copy.deepcopy(loaded.model.visual)}
    return dataclasses.replace(loaded, model=model)


def _update(optimizer: Any, loss: torch.Tensor, losses: list[float]) -> float:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(float(loss.detach()))
    return losses[-1]


def _share_right(logits: torch.Tensor, labels: torch.Tensor) -> float:
    return float((logits.argmax(dim=1) == labels).float().mean())
