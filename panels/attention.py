"""The tab of "Fast Attention Requires Bounded Entries" (Alman and Song 2023)."""

from __future__ import annotations

from panels.page import Page
from panels.view import View
from workbench.figures.attention import (
    draw_error,
    draw_heads,
    draw_matrices,
    draw_peers_by_bound,
    draw_peers_by_budget,
    draw_peers_by_work,
    draw_polynomial,
)
from workbench.methods.attention import COMPARISON, HEADS, SWEEP


def build(page: Page) -> None:
    """Add the sweep over B, with live degree and kind, and the atlas of a real model's heads."""
    page.study(
        SWEEP,
        figures=(
            View("error", "Error and rank", draw_error),
            View("polynomial", "The polynomial", draw_polynomial),
            View("matrices", "The matrices", draw_matrices),
        ),
        run="auto",
    )
    page.study(
        COMPARISON,
        figures=(
            View("bound", "Error by B", draw_peers_by_bound, picks={"x": "bound_b"}),
            View(
                "budget",
                "Error by budget",
                draw_peers_by_budget,
                picks={"customdata": "log2_budget"},
            ),
            View("work", "Error by work", draw_peers_by_work, picks={"customdata": "log2_budget"}),
        ),
        run="auto",
        open_controls=4,
    )
    page.study(HEADS, figures=(View("heads", "Heads of the model", draw_heads),), run="button")
