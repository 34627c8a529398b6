"""OWLv2: every patch proposes a box, and each box is compared with a sentence for each name.

Minderer et al. 2023, arXiv:2306.09683, through the transformers library's own processor. A class
is asked as "a photo of a …", an expression in its own words.
"""

from __future__ import annotations

from typing import Any

from PIL.Image import Image

from workbench.errors import InputError
from workbench.methods.visionllm.task import Task
from workbench.server.operations.locating.found import LEAST_SCORE, Found, detected
from workbench.server.operations.locating.writing import Watch

TEMPLATE = "a photo of a {}"


def sentences(task: Task) -> list[str]:
    """What the boxes are compared with, one for each entry."""
    return [TEMPLATE.format(name) if task.kind == "detection" else name for name in task.names]


def read(processed: Any, size_px: tuple[int, int]) -> Found:
    """Boxes and names of what the model compared.

    Args:
        processed: ``post_process_grounded_object_detection``'s dictionary for one picture.
        size_px: its width and height.
    """
    width, height = size_px
    boxes = processed["boxes"].cpu().numpy().reshape(-1, 4) / (width, height, width, height)
    return detected(boxes, processed["scores"].cpu().numpy(), processed["labels"].cpu().numpy())


def locate(loaded: Any, task: Task, picture: Image, watch: Watch) -> Found:
    """Carry out a task on one picture."""
    import torch

    watch.check()
    processor, asked = loaded.processor, sentences(task)
    most = loaded.model.config.text_config.max_position_embeddings
    for name, ids in zip(task.names, processor.tokenizer(asked)["input_ids"], strict=True):
        if len(ids) > most:
            raise InputError(
                f"The name {name[:60]!r} takes {len(ids)} tokens; OWLv2 reads {most}. Shorten it."
            )
    inputs = processor(text=[asked], images=picture, return_tensors="pt").to(loaded.device)
    with torch.inference_mode():
        outputs = loaded.model(**inputs)
    width, height = picture.size
    (processed,) = processor.post_process_grounded_object_detection(
        outputs, threshold=LEAST_SCORE, target_sizes=[(height, width)]
    )
    return read(processed, (width, height))
