"""The tab of teachers that explain to students (Saha et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from panels.view import Offer, View
from workbench.figures.teaching import (
    draw_answers,
    draw_curves,
    draw_deal,
    draw_detection,
    draw_explanations,
    draw_flow,
    draw_lessons,
    draw_misled,
    draw_net,
    draw_own,
    draw_own_curves,
    draw_own_questions,
    draw_plane,
    draw_pull,
    draw_quadrants,
    draw_ranking,
    draw_reliability,
    draw_rounds,
    draw_said,
    draw_scenes,
    draw_score,
    draw_sentences,
    draw_table,
    draw_teachers,
    draw_tokens,
)
from workbench.methods.teaching import (
    ALLOCATION,
    COST,
    HAND,
    MISALIGNED,
    OWN,
    PERSONAL,
    SIMULATION,
    TEACHING_ROUNDS,
    THEATRE,
)
from workbench.methods.teaching.own import Result as OwnResult

if TYPE_CHECKING:
    from panels.page import Page


def build(page: Page) -> None:
    """Add when to help, how, whom, for how long, and one's own questions."""
    _add_budget(page)
    _add_prompts(page)
    _add_mental_model(page)
    _add_kinds_of_teaching(page)
    page.study(
        COST,
        figures=(
            View("tokens", "Tokens spent", draw_tokens, plays="worth"),
            View("net", "Gain less cost", draw_net, plays="worth"),
        ),
        run="button",
        open_controls=2,
    )
    page.study(
        OWN,
        figures=(
            View("curves", "Budget curves", draw_own_curves, plays="budget"),
            View("accuracy", "Accuracy", draw_own),
            View("questions", "Question by question", draw_own_questions),
        ),
        run="button",
        open_controls=10,
        offers=dict.fromkeys(("question", "answer", "options", "explanation"), _columns),
    )


def _add_budget(page: Page) -> None:
    page.study(
        ALLOCATION,
        figures=(
            View("curves", "Budget curves", draw_curves, plays="budget"),
            View("plane", "Utility plane", draw_plane, plays="budget"),
            View("kinds", "Four kinds of questions", draw_quadrants, plays="budget"),
            View("flow", "What help changes", draw_flow, plays="budget"),
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


def _add_prompts(page: Page) -> None:
    page.study(
        THEATRE,
        figures=(
            View("answers", "How sure", draw_answers),
            View("scenes", "Prompts", draw_scenes),
            View("sentences", "Sentence by sentence", draw_sentences),
        ),
        run="button",
        open_controls=2,
    )


def _add_mental_model(page: Page) -> None:
    page.study(
        SIMULATION,
        figures=(
            View("ranking", "Ranking", draw_ranking),
            View("reliability", "Calibration", draw_reliability),
        ),
        run="button",
    )


def _add_kinds_of_teaching(page: Page) -> None:
    page.study(
        PERSONAL,
        figures=(
            View("table", "Who teaches whom", draw_table),
            View("said", "What they say", draw_said, plays="question"),
        ),
        run="button",
        open_controls=4,
    )
    page.study(
        TEACHING_ROUNDS,
        figures=(
            View("rounds", "Round by round", draw_rounds, plays="round"),
            View("lessons", "Demonstrations", draw_lessons, plays="round"),
        ),
        run="button",
    )
    page.study(
        MISALIGNED,
        figures=(
            View("misled", "Accuracy", draw_misled, plays="budget"),
            View("pull", "Confidence", draw_pull, picks={"customdata": "question"}),
            View("explanations", "Explanations", draw_explanations, plays="question"),
            View("detection", "Can it be noticed?", draw_detection),
        ),
        run="button",
        open_controls=2,
    )


def _columns(result: OwnResult) -> Sequence[Offer]:
    """The columns of the uploaded file, to choose with one click."""
    return [Offer(column) for column in result.inputs.columns]
