"""Figures of VisionLLM (Wang et al. 2023, arXiv:2305.11175)."""

from workbench.figures.visionllm.console import draw_console
from workbench.figures.visionllm.guidance import draw_guidance, draw_listed
from workbench.figures.visionllm.ledger import draw_distributions, draw_ledger
from workbench.figures.visionllm.published import draw_ablations, draw_published
from workbench.figures.visionllm.quantisation import draw_bins, draw_points
from workbench.figures.visionllm.race import draw_latency, draw_race
from workbench.figures.visionllm.reached import draw_reached
from workbench.figures.visionllm.reading import draw_reading
from workbench.figures.visionllm.shuffle import draw_shuffle
from workbench.figures.visionllm.single_names import draw_single_names
from workbench.figures.visionllm.token_map import draw_tokens, draw_tokens_kept
from workbench.figures.visionllm.wheel import draw_instructions, draw_wheel
from workbench.figures.visionllm.xray import draw_agreement, draw_xray

__all__ = [
    "draw_ablations",
    "draw_agreement",
    "draw_bins",
    "draw_console",
    "draw_distributions",
    "draw_guidance",
    "draw_instructions",
    "draw_latency",
    "draw_ledger",
    "draw_listed",
    "draw_points",
    "draw_published",
    "draw_race",
    "draw_reached",
    "draw_reading",
    "draw_shuffle",
    "draw_single_names",
    "draw_tokens",
    "draw_tokens_kept",
    "draw_wheel",
    "draw_xray",
]
