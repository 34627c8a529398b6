"""The tab of VisionLLM (Wang et al. 2023)."""

from __future__ import annotations

from panels.page import Page
from panels.view import View
from workbench.figures.visionllm import draw_ablations, draw_published, draw_reached
from workbench.methods.visionllm import REACHED


def build(page: Page) -> None:
    """Add what the network reaches, the console, and what lies behind one answer."""
    page.study(
        REACHED,
        figures=(
            View("reached", "Measured", draw_reached),
            View("published", "As published", draw_published),
            View("ablations", "What the paper varied", draw_ablations),
        ),
        run="button",
    )
