"""The numbers of the paper: Wang et al., NeurIPS 2023, arXiv:2305.11175 (percent).

Nothing here was measured by the workbench. No weights of the model were ever published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """One row of the main table; ``None`` where the paper's row has no number.

    Args:
        name: of the model.
        detection: AP, AP50, AP75 of boxes on COCO.
        segmentation: AP, AP50, AP75 of masks.
        grounding: P@0.5 on RefCOCO.
        captioning: BLEU-4 and CIDEr.
    """

    name: str
    detection: tuple[float, float, float]
    segmentation: tuple[float, float, float] | None = None
    grounding: float | None = None
    captioning: tuple[float, float] | None = None


MODELS: Final = (
    PublishedModel("VisionLLM-R50", (44.6, 64.0, 48.1), (25.1, 50.0, 22.4), 80.6, (31.0, 112.5)),
    PublishedModel(
        "VisionLLM-R50, separately trained",
        (44.8, 64.1, 48.5),
        (25.2, 50.6, 22.4),
        84.4,
        (30.8, 112.4),
    ),
    PublishedModel("VisionLLM-H", (60.2, 79.3, 65.8), (30.6, 61.2, 27.6), 86.7, (32.1, 114.2)),
    PublishedModel("Pix2Seq R50", (43.2, 61.0, 46.1)),
    PublishedModel("Deformable-DETR R50", (45.7, 65.0, 49.1)),
)
AP_BY_CLASSES: Final = {10: 48.9, 20: 52.7, 40: 49.3, 80: 44.6}
"""Box AP by the number of classes in the prompt."""
MASK_AP_BY_POINTS: Final = {8: 18.5, 14: 22.9, 16: 24.2, 24: 25.1}
AP_BY_BINS: Final = {257: 34.9, 513: 40.8, 1025: 44.8, 2049: 44.8}
"""Box AP by the number of location tokens, 2R + 1."""
AP_BY_TOKENS: Final = {50: 44.5, 100: 44.8, 200: 45.1, 300: 45.2}
"""Box AP by the number of image tokens, M."""
AP_BY_TOKENIZER: Final = {"query tokens": 44.8, "average-pooled": 23.1}
WITHOUT_LANGUAGE: Final = {"detection": (44.8, 44.7), "grounding": (84.1, 48.1)}
"""With and without BERT in the tokenizer: box AP, and P@0.5 on RefCOCO."""
AP_BY_RANDOMNESS: Final = {
    "none": 45.2,
    "+ description": 45.1,
    "+ category": 44.8,
    "+ format": 44.6,
}
PROMPT_SPREAD: Final = 0.1
"""Of box AP over eight wordings of the prompt."""
FROZEN: Final = {"language model": 1.2, "BERT": 1.3}
"""Box AP with randomness when this part is frozen and without LoRA."""
LVIS_AP: Final = 18.9
