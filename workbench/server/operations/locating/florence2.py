"""Florence-2: a tag for the task, then absolute location tokens, one after the other.

Xiao et al. 2024, arXiv:2311.06242, through the transformers library's own processor. A tag takes
one phrase, so a dictionary is asked name by name: our choice. It has no tag for a question.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from PIL.Image import Image

from workbench.errors import InputError
from workbench.methods.visionllm.absolute import FLORENCE_BINS
from workbench.methods.visionllm.boxes import box_around
from workbench.methods.visionllm.coco import polygon_area
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.task import Task
from workbench.server.operations.locating.found import Found, drawn, written
from workbench.server.operations.locating.writing import MOST_NEW_TOKENS, Watch, write

MOST_NAMES = 64
_ROWS_A_PASS = 8
_EXACT_SIDE: Final = 2 * FLORENCE_BINS
"""The processor gives whole pixels: on a picture of this side, the middle of each bin is one."""


def prompts(task: Task) -> tuple[str, list[str]]:
    """The tag of a task, and what to ask: one prompt for each name, or one in all.

    Raises:
        InputError: too many names, or one without a character that may stand in a prompt.
    """
    if task.kind == "captioning":
        tag = "<MORE_DETAILED_CAPTION>" if task.is_long else "<CAPTION>"
        return tag, [tag]
    if len(task.names) > MOST_NAMES:
        raise InputError(
            f"Florence-2 is asked for one class at a time; {len(task.names)} are too many, give at "
            f"most {MOST_NAMES}."
        )
    tag = {
        "detection": "<OPEN_VOCABULARY_DETECTION>",
        "segmentation": "<REFERRING_EXPRESSION_SEGMENTATION>",
        "grounding": "<CAPTION_TO_PHRASE_GROUNDING>",
    }[task.kind]
    return tag, [tag + _plain(name) for name in task.names]


def _plain(name: str) -> str:
    # Angle brackets are the tags' own.
    plain = " ".join(name.replace("<", " ").replace(">", " ").split())
    if not plain:
        raise InputError(f"The name {name!r} holds nothing that Florence-2 reads; give a word.")
    return plain


def read(parsed: Any, task: Task) -> list[np.ndarray]:
    """Places of one prompt's answer, ``(N, 2)`` each in fractions of the sides.

    Args:
        parsed: what ``post_process_generation`` gives for the tag, on a square of ``_EXACT_SIDE``.
        task: that was asked.
    """
    boxes = [np.array(box).reshape(BOX_POINTS, 2) for box in parsed.get("bboxes", ())]
    outlines = [
        max((np.array(part).reshape(-1, 2) for part in parts if len(part) >= 6), key=polygon_area)
        for parts in parsed.get("polygons", ())
        if any(len(part) >= 6 for part in parts)
    ]
    if task.kind == "segmentation":
        return [spread(outline / _EXACT_SIDE, task.points) for outline in outlines]
    if task.kind == "grounding":
        # Every phrase of the expression is grounded; what it means is its first.
        first = parsed["labels"][:1]
        boxes = [
            one for one, label in zip(boxes, parsed["labels"], strict=True) if [label] == first
        ]
    boxes += [box_around(outline).reshape(BOX_POINTS, 2) for outline in outlines]
    return [box / _EXACT_SIDE for box in boxes]


def spread(outline: np.ndarray, count: int) -> np.ndarray:
    """Points at equal steps along a closed outline, from its first corner on.

    Args:
        outline: ``(c, 2)`` corners.
        count: how many points.

    Returns:
        ``(count, 2)``.
    """
    closed = np.concatenate([outline, outline[:1]])
    lengths = np.hypot(*np.diff(closed, axis=0).T)
    at = np.concatenate([[0.0], lengths.cumsum()])
    wanted = at[-1] * np.arange(count) / count
    return np.stack([np.interp(wanted, at, closed[:, axis]) for axis in (0, 1)], axis=1)


def locate(loaded: Any, task: Task, picture: Image, watch: Watch) -> Found:
    """Carry out a task on one picture."""
    tag, asked = prompts(task)
    said: list[str] = []
    for start in range(0, len(asked), _ROWS_A_PASS):
        said += _write(loaded, asked[start : start + _ROWS_A_PASS], picture, watch)
    parsed = [
        loaded.processor.post_process_generation(
            text=one, task=tag, image_size=(_EXACT_SIDE, _EXACT_SIDE)
        )[tag]
        for one in said
    ]
    shown = "\n".join(one.replace("<pad>", "") for one in said)
    if task.kind == "captioning":
        return written(parsed[0].replace("<pad>", "").strip(), shown)
    places = [read(one, task) for one in parsed]
    entries = [entry for entry, found in enumerate(places) for _ in found]
    return drawn([one for found in places for one in found], entries, task.points, shown)


def _write(loaded: Any, asked: list[str], picture: Image, watch: Watch) -> list[str]:
    processor = loaded.processor
    inputs = processor(
        text=asked, images=[picture] * len(asked), padding="longest", return_tensors="pt"
    ).to(loaded.device, loaded.model.dtype)
    room = loaded.model.config.text_config.max_position_embeddings
    if inputs["input_ids"].shape[1] > room:
        raise InputError(
            f"A name has more words than Florence-2 reads beside a picture ({room:,} tokens in "
            "all); shorten it."
        )
    ids = write(loaded, inputs, watch, min(MOST_NEW_TOKENS, room - 1))
    return list(processor.batch_decode(ids, skip_special_tokens=False))
