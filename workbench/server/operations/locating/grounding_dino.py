"""Grounding DINO and MM Grounding DINO: each candidate compared with each word of the prompt.

Liu et al. 2023, arXiv:2303.05499. The names stand in one text with full stops between them. The
library's own code cuts a label out of whichever words pass a threshold, which may join two names;
here a box counts for the name whose words it fits best: our choice. The score is the same, the
highest of the words', save that the full stops' and the two ends' do not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL.Image import Image

from workbench.errors import InputError
from workbench.methods.visionllm.task import Task
from workbench.server.operations.locating.found import Found, detected
from workbench.server.operations.locating.writing import Watch


def prompt(names: tuple[str, ...]) -> tuple[str, list[tuple[int, int]]]:
    """The text that names are asked with, and where each stands in it, as characters.

    Full stops and question marks part the phrases, so within a name they are left out.

    Raises:
        InputError: a name of nothing else.
    """
    text, places = "", []
    for name in names:
        plain = " ".join(name.lower().replace(".", " ").replace("?", " ").split())
        if not plain:
            raise InputError(f"The name {name!r} holds nothing that Grounding DINO reads.")
        places.append((len(text), len(text) + len(plain)))
        text += f"{plain}. "
    return text.rstrip(), places


def words_of(offsets: np.ndarray, places: list[tuple[int, int]]) -> np.ndarray:
    """Which tokens belong to which name, ``(names, t)`` bool.

    Args:
        offsets: ``(t, 2)`` first character and end of each token.
        places: of the names.
    """
    starts, ends = offsets.T
    return np.array([(starts >= low) & (ends <= high) & (ends > starts) for low, high in places])


def read(logits: np.ndarray, centred: np.ndarray, words: np.ndarray) -> Found:
    """Boxes and names of what the model compared.

    Args:
        logits: ``(q, at least t)`` of each candidate and token.
        centred: ``(q, 4)`` centre and size of each box, in fractions of the sides.
        words: ``(names, t)`` from ``words_of``.
    """
    likeness = 1 / (1 + np.exp(-logits[:, : words.shape[1]].astype(np.float64)))
    by_name = np.stack([likeness[:, mine].max(axis=1) for mine in words], axis=1)
    centre, half = centred[:, :2], centred[:, 2:] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return detected(boxes, by_name.max(axis=1), by_name.argmax(axis=1))


def locate(loaded: Any, task: Task, picture: Image, watch: Watch) -> Found:
    """Carry out a task on one picture."""
    import torch

    watch.check()
    text, places = prompt(task.names)
    tokenized = loaded.processor.tokenizer(text, return_offsets_mapping=True)
    offsets = np.array(tokenized["offset_mapping"])
    most = loaded.model.config.max_text_len
    if len(offsets) > most:
        raise InputError(
            f"The names take {len(offsets)} tokens; Grounding DINO reads {most}. Give fewer or "
            "shorter ones."
        )
    words = words_of(offsets, places)
    for name, mine in zip(task.names, words, strict=True):
        if not mine.any():
            raise InputError(f"The name {name!r} holds nothing that Grounding DINO reads.")
    inputs = loaded.processor(images=picture, text=text, return_tensors="pt").to(loaded.device)
    with torch.inference_mode():
        outputs = loaded.model(**inputs)
    return read(outputs.logits[0].cpu().numpy(), outputs.pred_boxes[0].cpu().numpy(), words)
