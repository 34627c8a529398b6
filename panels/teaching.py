"""The tab of teachers that explain to students (Saha et al. 2023)."""

from __future__ import annotations

from panels.page import Page
from panels.view import View
from workbench.figures.teaching import (
    draw_curves,
    draw_deal,
    draw_detection,
    draw_misled,
    draw_net,
    draw_plane,
    draw_pull,
    draw_quadrants,
    draw_ranking,
    draw_reliability,
    draw_score,
    draw_teachers,
    draw_tokens,
)
from workbench.methods.teaching import ALLOCATION, COST, HAND, MISALIGNMENT, SIMULATION


def build(page: Page) -> None:
    """Add the budget, the reader as teacher, the mental model, and the price of words."""
    page.study(
        ALLOCATION,
        figures=(
            View("curves", "Budget curves", draw_curves, plays="budget"),
            View("plane", "Utility plane", draw_plane, plays="budget"),
            View("kinds", "Four kinds of questions", draw_quadrants, plays="budget"),
            View("teachers", "Person or model", draw_teachers, plays="budget"),
        ),
        run="button",
    )
    page.study(
        HAND,
        figures=(
            View("deal", "Questions", draw_deal, picks={"customdata": "picks"}),
            View("score", "Your score", draw_score),
        ),
        run="auto",
        open_controls=4,
    )
    page.study(
        SIMULATION,
        figures=(
            View("ranking", "Ranking", draw_ranking),
            View("reliability", "Calibration", draw_reliability),
        ),
        run="button",
        open_controls=2,
    )
    page.study(
        MISALIGNMENT,
        figures=(
            View("misled", "Accuracy", draw_misled, plays="budget"),
            View("pull", "Question by question", draw_pull),
            View("detection", "Can it be told?", draw_detection),
        ),
        run="button",
        open_controls=2,
    )
    page.study(
        COST,
        figures=(
            View("tokens", "Tokens spent", draw_tokens, plays="worth"),
            View("net", "Gain less cost", draw_net, plays="worth"),
        ),
        run="button",
        open_controls=2,
    )
