"""What an open-vocabulary detector sees on a photo: a score for each phrase.

The kitchen robot of arXiv:2303.00855 (section 4.3) grounds the words in its brackets with OWL-ViT:
the score of a phrase is that of its best box. Here its successor OWLv2, or Grounding DINO, is asked
for all phrases at once, and a box counts for the phrase that fits it best: our choice, so that a
photo is looked at once and not once a phrase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from workbench.errors import InputError
from workbench.methods.uploaded_pictures import decode_upload
from workbench.params import Model, Upload
from workbench.server.api import ModelClient, Request

LONGEST_PX: Final = 960
THERE: Final = {"owlv2": 0.1, "grounding-dino": 0.25}
"""By kind of detector: the score from which its own code counts a detection."""
UPLOAD: Final = Upload(
    "Photo of a kitchen",
    (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    max_mib=16.0,
    help="A detector's scores of it take the place of the table's.",
)
DETECTOR: Final = Model(
    tuple(THERE), "Detector of the photo", help="Asked only when there is a photo."
)
DEFAULT_DETECTOR: Final = "owlv2-base"


@dataclass(frozen=True, eq=False)
class Seen:
    """What a detector sees on a photo.

    Args:
        pixels: ``(h, w, 3)`` uint8.
        scores: of each phrase that has a box; the score of the best.
        boxes: of each of these phrases its best box: left, top, right, bottom, in fractions of
            the sides.
        there: score from which a phrase counts as there.
    """

    pixels: np.ndarray
    scores: dict[str, float]
    boxes: dict[str, tuple[float, ...]]
    there: float


def see(client: ModelClient, detector: str, upload: str, phrases: Sequence[str]) -> Seen:
    """Ask a detector for some phrases on a photo.

    Args:
        client: the model server.
        detector: name of a model whose kind is in ``THERE``.
        upload: reference of the photo.
        phrases: to look for.

    Raises:
        InputError: the file is no picture, or a phrase holds a sign that parts phrases.
    """
    for phrase in phrases:
        if set(phrase) & set('{}"<>'):
            raise InputError(
                f"The phrase {phrase[:40]!r} cannot be looked for on a photo: leave out braces, "
                "double quotes and angle brackets."
            )
    pixels = decode_upload(client, upload, LONGEST_PX)
    names = ", ".join(f'"{phrase}": <c{i}>' for i, phrase in enumerate(phrases))
    instruction = f"Find every object of {{{names}}} and write (c, x1, y1, x2, y2)."
    answer = client.call(
        Request(
            "vision.locate",
            model=detector,
            arguments={"instruction": instruction},
            arrays={"images": pixels[None]},
            dtype="float32",
            label="The photo",
        )
    )
    found, scores, boxes = answer.arrays, dict[str, float](), dict[str, tuple[float, ...]]()
    for row in np.argsort(-found["scores"], kind="stable"):
        phrase = phrases[int(found["entries"][row])]
        if phrase not in scores:
            scores[phrase] = float(found["scores"][row])
            boxes[phrase] = tuple(found["boxes"][row].tolist())
    return Seen(pixels, scores, boxes, THERE[str(answer.values["family"])])
