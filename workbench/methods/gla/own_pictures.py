"""A person's own pictures, or an example, as the vectors of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.methods.gla.class_folders import ClassFolders
from workbench.methods.gla.decoding import decode_square
from workbench.server.api import ModelClient, Request

SIDE_PX = 224
PART = 256
"""Pictures embedded in one request."""
EXAMPLE_DOMAIN, EXAMPLE_PER_CLASS = "noise", 10


@dataclass(frozen=True)
class Inputs:
    """A task in a model's vectors.

    Args:
        labelled, test: ``(n, d)`` unit vectors of the pictures.
        labelled_labels, test_labels: ``(n,)`` their classes.
        text: ``(k, d)`` unit vectors of the classes.
        scale: of the model's logits.
        class_names: k names.
    """

    labelled: np.ndarray
    labelled_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    text: np.ndarray
    scale: float
    class_names: tuple[str, ...]


def embed_example(client: ModelClient, model: str, seed: int) -> Inputs:
    """Noisy emoji, when nobody brought pictures."""
    found: dict[str, Mapping[str, np.ndarray]] = {}
    for split in ("estimate", "test"):
        answer = client.call(
            Request(
                operation="emoji.features",
                model=model,
                arguments={
                    "domain": EXAMPLE_DOMAIN,
                    "split": split,
                    "per_class": EXAMPLE_PER_CLASS,
                    "tail": 0.0,
                },
                seed=seed,
                dtype="float32",
            )
        )
        found[split] = answer.arrays
        values = answer.values
    return Inputs(
        found["estimate"]["features"].astype(np.float64),
        found["estimate"]["labels"],
        found["test"]["features"].astype(np.float64),
        found["test"]["labels"],
        found["test"]["text_features"].astype(np.float64),
        float(values["logit_scale"]),  # type: ignore[arg-type]
        tuple(str(name) for name in values["class_names"]),  # type: ignore[union-attr]
    )


def embed_folders(
    client: ModelClient, model: str, template: str, folders: ClassFolders, seed: int
) -> Inputs:
    """Embed pictures and class names, and halve the pictures of each class.

    Raises:
        InputError: a picture is refused; says which and why.
    """
    images = [decode_square(client, name, data, SIDE_PX) for name, data in folders.files]
    vectors = np.concatenate(
        [
            client.call(
                Request(
                    operation="clip.embed_images",
                    model=model,
                    arrays={"images": np.stack(images[start : start + PART])},
                    dtype="float32",
                )
            ).arrays["features"]
            for start in range(0, len(images), PART)
        ]
    )
    text = client.call(
        Request(
            operation="clip.embed_texts",
            model=model,
            arguments={"texts": list(folders.class_names), "templates": [template]},
            dtype="float32",
        )
    )
    labels = np.array(folders.labels)
    is_labelled = halve(labels, seed)
    return Inputs(
        vectors[is_labelled].astype(np.float64),
        labels[is_labelled],
        vectors[~is_labelled].astype(np.float64),
        labels[~is_labelled],
        text.arrays["features"].astype(np.float64),
        float(text.values["logit_scale"]),  # type: ignore[arg-type]
        folders.class_names,
    )


def halve(labels: np.ndarray, seed: int) -> np.ndarray:
    """``(n,)`` whether a picture is labelled: a random half of each class, at least one left."""
    random = np.random.default_rng(seed)
    is_labelled = np.zeros(len(labels), dtype=bool)
    for c in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == c))
        is_labelled[members[: max(1, len(members) // 2)]] = True
    return is_labelled
