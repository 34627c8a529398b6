"""Qwen2.5-VL: a chat in which places are written as JSON, in pixels of the picture as it sees it.

Bai et al. 2025, arXiv:2502.13923; the field names are those of the authors' examples, the wording
is ours. Small pictures are enlarged, for the model cuts them into squares of 28 pixels.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
from PIL.Image import Image

from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.task import Task
from workbench.server.operations.locating.found import Found, drawn, written
from workbench.server.operations.locating.writing import Watch, write

LEAST_PIXELS = 448 * 448
"""16 × 16 squares; our choice."""
_OBJECT = re.compile(r"\{[^{}]*\}")
_FORM = (
    'Answer only with a JSON list in which each object is {"bbox_2d": [x1, y1, x2, y2], "label": '
    "its class}, in pixels, or with [] if there is none."
)


def prompt(task: Task) -> str:
    """What the model is asked."""
    names = ", ".join(json.dumps(name, ensure_ascii=False) for name in task.names)
    match task.kind:
        case "detection":
            return f"Locate every object of these classes: {names}. {_FORM}"
        case "grounding":
            return f"Locate what this expression means: {names}. {_FORM}"
        case "captioning":
            length = "in detail" if task.is_long else "in one short sentence"
            return f"Describe the picture {length}."
        case _:
            return task.question


def read(said: str, task: Task, seen_px: tuple[int, int]) -> Found:
    """The objects of what the model wrote; what is left out is said in notes.

    Each object is read by itself, so that a list cut off at its end, or with words around it, still
    counts as far as it goes.

    Args:
        said: the model's text.
        task: that was asked.
        seen_px: width and height of the picture as the model saw it.
    """
    places = {name.lower(): entry for entry, name in enumerate(task.names)}
    corners: list[np.ndarray] = []
    entries: list[int] = []
    unread, others = 0, []
    for match in _OBJECT.finditer(said):
        box, label = _read_object(match.group())
        if box is None:
            unread += 1
            continue
        entry = 0 if task.kind == "grounding" else places.get(" ".join(label.lower().split()))
        if entry is None:
            others.append(label)
            continue
        corners.append((box.reshape(BOX_POINTS, 2) / seen_px).clip(0, 1))
        entries.append(entry)
    notes = []
    if unread:
        notes.append(f"{unread} of the objects it wrote cannot be read and are left out.")
    if others:
        names = ", ".join(sorted(set(others)))[:200]
        notes.append(f"It also named what the dictionary does not hold: {names}.")
    if not corners and not notes and "[" not in said:
        notes.append("It wrote no list.")
    return drawn(corners, entries, BOX_POINTS, said, tuple(notes))


def _read_object(text: str) -> tuple[np.ndarray | None, str]:
    """Corners in pixels, ``None`` unless it holds four finite numbers, and label of an object."""
    try:
        found = json.loads(text)
    except ValueError:
        return None, ""
    box = found.get("bbox_2d")
    is_box = (
        isinstance(box, list)
        and len(box) == 4
        and all(type(one) in (int, float) and math.isfinite(one) for one in box)
    )
    return np.array(box, dtype=np.float64) if is_box else None, str(found.get("label", ""))


def locate(loaded: Any, task: Task, picture: Image, watch: Watch) -> Found:
    """Carry out a task on one picture."""
    processor = loaded.processor
    turn = {
        "role": "user",
        "content": [{"type": "image"}, {"type": "text", "text": prompt(task)}],
    }
    text = processor.apply_chat_template([turn], tokenize=False, add_generation_prompt=True)
    size = dict(processor.image_processor.size)
    size["shortest_edge"] = max(size["shortest_edge"], LEAST_PIXELS)
    size["longest_edge"] = max(size["longest_edge"], LEAST_PIXELS)
    inputs = processor(
        text=[text], images=[picture], images_kwargs={"size": size}, return_tensors="pt"
    ).to(loaded.device, loaded.model.dtype)
    _, rows, columns = inputs["image_grid_thw"][0].tolist()
    patch_px = processor.image_processor.patch_size
    ids = write(loaded, inputs, watch)[:, inputs["input_ids"].shape[1] :]
    (said,) = processor.batch_decode(ids, skip_special_tokens=True)
    if task.kind in ("captioning", "question"):
        return written(said.strip(), said)
    return read(said, task, (columns * patch_px, rows * patch_px))
