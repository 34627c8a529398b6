"""Annotations as COCO's JSON: categories, boxes in pixels, polygons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.methods.visionllm.decoding import Answer
from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.methods.visionllm.task import Task


def to_coco(
    answers: Sequence[Answer],
    task: Task,
    sizes_px: Sequence[tuple[int, int]],
    file_names: Sequence[str],
) -> dict[str, Any]:
    """A data set of answers, as ``pycocotools.coco.COCO`` reads it.

    Args:
        answers: of each picture, already cut to those worth keeping.
        task: that they answer; its names become the categories.
        sizes_px: width and height of each picture.
        file_names: of each picture.

    Returns:
        ``images``, ``categories`` and ``annotations``; boxes are x, y, width, height in pixels,
        cut at the picture's edges, scores are kept under ``score``.
    """
    annotations: list[dict[str, Any]] = []
    for image, (answer, (width, height)) in enumerate(zip(answers, sizes_px, strict=True), 1):
        scale = np.array([width, height])
        for place in range(len(answer.scores)):
            corners = (answer.boxes[place].reshape(2, 2).clip(0, 1)) * scale
            left, top, wide, high = (*corners[0], *(corners[1] - corners[0]))
            if answer.points.shape[1] == BOX_POINTS:
                outline = [[left, top], [left + wide, top], [left + wide, top + high]]
                polygon = np.array([*outline, [left, top + high]])
                area = wide * high
            else:
                polygon = answer.points[place].clip(0, 1) * scale
                area = polygon_area(polygon)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(answer.entries[place]) + 1,
                    "bbox": [round(float(one), 3) for one in (left, top, wide, high)],
                    "segmentation": [[round(float(one), 3) for one in polygon.ravel()]],
                    "area": round(float(area), 3),
                    "iscrowd": 0,
                    "score": round(float(answer.scores[place]), 6),
                }
            )
    return {
        "images": [
            {"id": number, "file_name": name, "width": width, "height": height}
            for number, (name, (width, height)) in enumerate(
                zip(file_names, sizes_px, strict=True), 1
            )
        ],
        "categories": [{"id": j + 1, "name": name} for j, name in enumerate(task.names)],
        "annotations": annotations,
    }


def polygon_area(points: np.ndarray) -> float:
    """Area within a polygon that does not cross itself, by the shoelace formula, ``(N, 2)``."""
    x, y = points.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
