"""The tab of Grounded Decoding (Huang et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from panels.view import Offer, View
from workbench.figures.grounded import (
    draw_beam,
    draw_case,
    draw_cost,
    draw_dialogue,
    draw_execution,
    draw_ledger,
    draw_manifold,
    draw_mixed_plans,
    draw_mixer,
    draw_photo,
    draw_phrases,
    draw_plans,
    draw_published,
    draw_success,
    draw_table,
    draw_tasks,
    draw_telling,
    draw_theatre,
    draw_trie,
)
from workbench.methods.grounded import (
    BEAM,
    COMPARISON,
    COST,
    KITCHEN,
    MANIFOLD,
    MIXER,
    TELLING,
    THEATRE,
    TRIE,
)
from workbench.methods.grounded.worlds.grid import GridWorld
from workbench.methods.grounded.worlds.tabletop import Tabletop

if TYPE_CHECKING:
    from panels.page import Page


def build(page: Page) -> None:
    """Add the comparison, the theatre, one command from near, and what surrounds them."""
    page.study(
        COMPARISON,
        figures=(
            View("success", "Success", draw_success),
            View("tasks", "Task by task", draw_tasks),
            View("ledger", "Whose fault", draw_ledger),
            View("published", "As published", draw_published),
        ),
        run="button",
    )
    page.study(
        THEATRE,
        figures=(
            View("theatre", "Theatre", draw_theatre, PICK_TOKEN, plays="moment"),
            View("plans", "Both plans", draw_plans, {"pick": "moment"}, plays="moment"),
            View("execution", "Carried out", draw_execution, plays="tick"),
        ),
        run="button",
        offers={"taken": offer_first},
    )
    page.study(
        TRIE,
        figures=(
            View("trie", "Trie", draw_trie, plays="token"),
            View("table", "Scene", draw_table),
        ),
        run="auto",  # a moved thing asks no model: its language scores are kept
        open_controls=5,
        offers={"taken": offer_things},
    )
    page.study(
        MIXER,
        figures=(
            View("mixer", "Strength", draw_mixer),
            View("plans", "Three plans", draw_mixed_plans),
        ),
        run="button",
    )
    page.study(BEAM, figures=(View("beam", "Beam tree", draw_beam),), run="auto")
    page.study(COST, figures=(View("cost", "Tokens", draw_cost),), run="button")
    page.study(MANIFOLD, figures=(View("map", "Commands", draw_manifold),), run="button")
    page.study(
        TELLING,
        figures=(View("plans", "Four plans", draw_telling), View("scene", "Scene", draw_case)),
        run="button",
    )
    page.study(
        KITCHEN,
        figures=(
            View("phrases", "In the brackets", draw_phrases, plays="strength"),
            View("dialogue", "Thought and plan", draw_dialogue, plays="strength"),
            View("photo", "Photo", draw_photo),
        ),
        run="button",
    )


def offer_things(result: Any) -> Sequence[Offer]:
    """What lies on the table of one step, to be taken away, or the doors of a maze, to be shut."""
    world = result.world
    names = [thing.name for thing in world.things] if isinstance(world, Tabletop) else []
    if isinstance(world, GridWorld):
        names = [name for name in world.describe().split(", ") if name.endswith(" door")]
    return [Offer(name) for name in dict.fromkeys(names)]


def offer_first(result: Any) -> Sequence[Offer]:
    """What lay on the table when the plan began."""
    return offer_things(result.grounded.steps[0])


PICK_TOKEN = {"customdata": "forced"}
