"""The tab of Generalized Logit Adjustment (Zhu et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from panels.view import View
from workbench.figures.gla import (
    draw_accuracy,
    draw_bias,
    draw_classes,
    draw_convergence,
    draw_dependence,
    draw_flows,
    draw_map,
    draw_methods,
    draw_mixture,
    draw_names,
    draw_own_task,
    draw_plane,
    draw_planted,
    draw_published,
    draw_published_tables,
    draw_reliability,
    draw_shares,
    draw_simplex,
    draw_surgery,
    draw_twenty,
)
from workbench.methods.gla import (
    BENEFIT,
    BIAS,
    MAP,
    NAMES,
    OWN_TASK,
    PLANTED,
    SOLVER,
    SURGERY,
    WORLD,
)

if TYPE_CHECKING:
    from panels.page import Page


def build(page: Page) -> None:
    """Add the comparison on emoji, the bias itself, one picture, and four synthetic worlds."""
    page.study(
        BENEFIT,
        figures=(
            View("accuracy", "Accuracy", draw_accuracy, plays="strength"),
            View("mixture", "Strength and weight", draw_mixture, picks=PICK_MIXTURE),
            View("classes", "Who wins, who pays", draw_classes, plays="strength"),
            View("flows", "Where errors go", draw_flows),
            View("reliability", "Reliability", draw_reliability),
            View("published", "As published", draw_published),
            View("tables", "Published tables", draw_published_tables),
        ),
        run="button",
        open_controls=5,
    )
    page.study(BIAS, figures=(View("bias", "Prior of every class", draw_bias),), run="button")
    page.study(
        SURGERY,
        figures=(
            View("terms", "The four terms", draw_surgery),
            View("methods", "Method by method", draw_methods),
        ),
        run="button",
        open_controls=6,
    )
    page.study(
        NAMES,
        figures=(
            View("names", "Picture by picture", draw_names, plays="picture"),
            View("shares", "All pictures", draw_shares),
        ),
        run="button",
        open_controls=4,
    )
    page.study(
        OWN_TASK,
        figures=(View("task", "Prior and accuracy", draw_own_task),),
        run="button",
        open_controls=4,
    )
    page.study(
        PLANTED,
        figures=(
            View("prior", "Prior of every class", draw_planted, plays="labelled"),
            View("convergence", "With more pictures", draw_convergence),
        ),
        run="auto",
        open_controls=4,
    )
    page.study(
        WORLD,
        figures=(
            View("plane", "Strengths", draw_plane, picks=PICK_STRENGTHS),
            View("dependence", "Shared errors", draw_dependence, picks={"x": "correlation"}),
        ),
        run="auto",
    )
    page.study(MAP, figures=(View("map", "Regions", draw_map),), run="auto", open_controls=4)
    page.study(
        SOLVER,
        figures=(
            View("simplex", "Three classes", draw_simplex, plays="iterations"),
            View("twenty", "Twenty classes", draw_twenty, plays="iterations"),
        ),
        run="auto",
    )


PICK_MIXTURE = {"x": "weight", "y": "strength"}
PICK_STRENGTHS = {"x": "strength_pretrain", "y": "strength_downstream"}
