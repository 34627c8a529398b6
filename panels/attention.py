"""The tab of "Fast Attention Requires Bounded Entries" (Alman and Song 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from panels.view import View
from workbench.figures.attention import (
    draw_error,
    draw_heads,
    draw_hidden_pair,
    draw_lattice,
    draw_margin,
    draw_matrices,
    draw_memory,
    draw_next_word,
    draw_peers_by_bound,
    draw_peers_by_budget,
    draw_peers_by_work,
    draw_phase,
    draw_polynomial,
    draw_rank,
    draw_symmetries,
    draw_texts,
    draw_time,
)
from workbench.methods.attention import (
    COMPARISON,
    HARDNESS,
    HEADS,
    MATRICES,
    MICROSCOPE,
    SPEED,
    SWAP,
    SWEEP,
    SYMMETRY_LAB,
    TRANSITION,
)

if TYPE_CHECKING:
    from panels.page import Page


def build(page: Page) -> None:
    """Add the sweep over B, with live degree and kind, and the atlas of a real model's heads."""
    page.study(
        SWEEP,
        figures=(View("error", "Error and rank", draw_error, picks={"x": "bound_b"}),),
        run="auto",
    )
    page.study(
        MICROSCOPE,
        figures=(
            View("polynomial", "eˣ and its error", draw_polynomial, plays="bound_b"),
            View("columns", "Its columns", draw_lattice, plays="log10_tolerance"),
        ),
        run="auto",
    )
    page.study(
        MATRICES,
        figures=(View("matrices", "Matrices", draw_matrices, picks={"x": "key", "y": "query"}),),
        run="auto",
        open_controls=5,
    )
    page.study(
        TRANSITION,
        figures=(
            View("phase", "Cost", draw_phase, picks={"customdata": "ratio"}, plays="log2_tokens"),
            View("rank", "Rank", draw_rank, picks={"customdata": "ratio"}, plays="log2_tokens"),
        ),
        run="auto",
        open_controls=4,
    )
    page.study(
        HARDNESS,
        figures=(
            View(
                "hidden", "Hidden pair", draw_hidden_pair, picks={"x": "bound_b"}, plays="bound_b"
            ),
            View("margin", "Error allowed", draw_margin, picks={"x": "bound_b"}, plays="bound_b"),
        ),
        run="auto",
    )
    page.study(
        SPEED,
        figures=(View("time", "Time", draw_time), View("memory", "Memory", draw_memory)),
        run="button",
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
    page.study(
        HEADS,
        figures=(
            View("heads", "Heads of the model", draw_heads, picks={"x": "layer", "y": "head"}),
        ),
        run="button",
        open_controls=5,
    )
    page.study(
        SYMMETRY_LAB,
        figures=(View("symmetries", "B and its channels", draw_symmetries),),
        run="button",
        open_controls=6,
    )
    page.study(
        SWAP,
        figures=(
            View("next_word", "The next word", draw_next_word),
            View("texts", "The text", draw_texts),
        ),
        run="button",
        open_controls=5,
    )
