"""What the studies ask of the emoji models: logits of pictures, before and after fine-tuning.

All splits show the same drawings under new augmentations, each from a random stream of its own,
disjoint from that of pre-training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import BugError
from workbench.params import Choice
from workbench.server.api import Json, ModelClient, Request
from workbench.server.api import Result as Answer

MODELS = ("emoji-clip-bank", "emoji-clip-infonce")
MODEL_NAMES = ("Caption bank", "In-batch")
DOMAINS = ("grey", "colour", "noise")
GREY = "grey"
"""The domain whose pictures have no colour."""
DOMAIN_NAMES = ("Grey pictures", "Colour, as in pre-training", "Noisy colour")
PRETRAINING = Choice(
    MODELS,
    "Pre-training loss",
    names=MODEL_NAMES,
    help="Against a bank of all captions the model learns how common each is; within a batch "
    "that cancels.",
)
DOMAIN = Choice(
    DOMAINS,
    "Target pictures",
    names=DOMAIN_NAMES,
    help="The same drawings, newly placed, turned and covered.",
)


@dataclass(frozen=True)
class Pictures:
    """One split as the zero-shot model sees it.

    Args:
        logits: ``(n, k)`` float32 zero-shot logits.
        labels: ``(n,)`` int64, sorted.
        log_truth: ``(k,)`` log frequency of each class's captions in pre-training.
        class_names: k names.
    """

    logits: np.ndarray
    labels: np.ndarray
    log_truth: np.ndarray
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class FineTuned:
    """One fine-tuning.

    Args:
        test_logits: ``(n, k)`` float32.
        wise_logits: ``(n, k)`` float32 of the weights half-way to the zero-shot model.
        estimate_logits: ``(m, k)`` float32 on the labelled pictures.
        log_prior: ``(k,)`` log share of each class in its training pictures.
        train_accuracy: at the end.
    """

    test_logits: np.ndarray
    wise_logits: np.ndarray
    estimate_logits: np.ndarray
    log_prior: np.ndarray
    train_accuracy: float


def ask_pictures(
    client: ModelClient, model: str, domain: str, split: str, per_class: int, seed: int = 0
) -> Pictures:
    """Zero-shot logits of a balanced split.

    Raises:
        WorkbenchError: what the server refused.
    """
    answer = client.call(
        Request(
            operation="emoji.features",
            model=model,
            arguments={"domain": domain, "split": split, "per_class": per_class, "tail": 0.0},
            seed=seed,
            dtype="float32",
        )
    )
    arrays, values = answer.arrays, answer.values
    scale = _number(values, "logit_scale")
    logits = scale * (arrays["features"].astype(np.float32) @ arrays["text_features"].T)
    return Pictures(
        logits,
        arrays["labels"],
        arrays["log_prior"],
        _names(values, "class_names"),
    )


@dataclass(frozen=True)
class Tuning:
    """How to fine-tune.

    Args:
        domain: target pictures.
        shots: training pictures a class, on average.
        tail: Zipf exponent of their shares; 0 is balanced.
        method: "full" or "linear".
        steps: of training.
        test_per_class, estimate_per_class: pictures to answer.
    """

    domain: str
    shots: int
    tail: float
    method: str
    steps: int
    test_per_class: int
    estimate_per_class: int


@dataclass(frozen=True)
class Weights:
    """A fine-tuned model, to be sent along with new pictures.

    Args:
        tower: ``(p,)`` float32 parameters of the image tower.
        head: ``(k, d)`` float32.
    """

    tower: np.ndarray
    head: np.ndarray


def ask_fine_tuned(client: ModelClient, model: str, tuning: Tuning, seed: int) -> FineTuned:
    """Fine-tune with the training pictures and the order of one seed.

    Raises:
        WorkbenchError: what the server refused.
    """
    return _read_fine_tuned(_fine_tune(client, model, tuning, seed, {}))


def ask_fine_tuned_weights(
    client: ModelClient, model: str, tuning: Tuning, seed: int
) -> tuple[FineTuned, Weights]:
    """The same fine-tuning with the weights it ended at.

    Raises:
        WorkbenchError: what the server refused.
    """
    answer = _fine_tune(client, model, tuning, seed, {"with_weights": True})
    return _read_fine_tuned(answer), Weights(answer.arrays["weights"], answer.arrays["head"])


def _fine_tune(
    client: ModelClient, model: str, tuning: Tuning, seed: int, more: Mapping[str, Json]
) -> Answer:
    return client.call(
        Request(
            operation="clip.fine_tune",
            model=model,
            arguments={
                "domain": tuning.domain,
                "shots": tuning.shots,
                "tail": tuning.tail,
                "method": tuning.method,
                "steps": tuning.steps,
                "alphas": [0.5, 1.0],
                "test_per_class": tuning.test_per_class,
                "estimate_per_class": tuning.estimate_per_class,
                **more,
            },
            seed=seed,
            dtype="float32",
        )
    )


def _read_fine_tuned(answer: Answer) -> FineTuned:
    arrays = answer.arrays
    test, heads = arrays["features"].astype(np.float32), arrays["heads"]
    estimate = arrays["estimate_features"].astype(np.float32)
    counts = arrays["train_counts"].astype(np.float64)
    return FineTuned(
        test_logits=test[1] @ heads[1].T,
        wise_logits=test[0] @ heads[0].T,
        estimate_logits=estimate[1] @ heads[1].T,
        log_prior=np.log(counts / counts.sum()),
        train_accuracy=_number(answer.values, "train_accuracy"),
    )


def ask_drawings(
    client: ModelClient, domain: str, split: str, per_class: int, places: Sequence[int]
) -> np.ndarray:
    """``(m, height, width, 3)`` uint8: the pictures at some places of a balanced split.

    Raises:
        WorkbenchError: what the server refused.
    """
    answer = client.call(
        Request(
            operation="emoji.pictures",
            arguments={
                "domain": domain,
                "split": split,
                "per_class": per_class,
                "tail": 0.0,
                "indices": [int(place) for place in places],
            },
            seed=0,
            dtype="float32",
        )
    )
    return answer.arrays["pictures"]


def _number(values: Mapping[str, Json], name: str) -> float:
    found = values.get(name)
    if not isinstance(found, int | float):
        raise BugError(f"The model server answered without {name}.")
    return float(found)


def _names(values: Mapping[str, Json], name: str) -> tuple[str, ...]:
    found = values.get(name)
    if not isinstance(found, list):
        raise BugError(f"The model server answered without {name}.")
    return tuple(str(one) for one in found)
