"""Figures of VisionLLM (Wang et al. 2023, arXiv:2305.11175)."""

from workbench.figures.visionllm.console import draw_console
from workbench.figures.visionllm.published import draw_ablations, draw_published
from workbench.figures.visionllm.reached import draw_reached
from workbench.figures.visionllm.reading import draw_reading
from workbench.figures.visionllm.wheel import draw_instructions, draw_wheel

__all__ = [
    "draw_ablations",
    "draw_console",
    "draw_instructions",
    "draw_published",
    "draw_reached",
    "draw_reading",
    "draw_wheel",
]
