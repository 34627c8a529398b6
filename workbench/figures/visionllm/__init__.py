"""Figures of VisionLLM (Wang et al. 2023, arXiv:2305.11175)."""

from workbench.figures.visionllm.published import draw_ablations, draw_published
from workbench.figures.visionllm.reached import draw_reached

__all__ = ["draw_ablations", "draw_published", "draw_reached"]
