"""The tab of VisionLLM (Wang et al. 2023)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from panels.view import Download, Offer, View
from workbench.figures.visionllm import (
    draw_ablations,
    draw_agreement,
    draw_bins,
    draw_console,
    draw_distributions,
    draw_guidance,
    draw_instructions,
    draw_latency,
    draw_ledger,
    draw_listed,
    draw_points,
    draw_published,
    draw_race,
    draw_reached,
    draw_reading,
    draw_shuffle,
    draw_single_names,
    draw_tokens,
    draw_tokens_kept,
    draw_wheel,
    draw_xray,
)
from workbench.methods.visionllm import (
    CONSOLE,
    GUIDANCE,
    LEDGER,
    QUANTISATION,
    RACE,
    REACHED,
    SHUFFLE,
    SINGLE_NAMES,
    TOKEN_MAP,
    WHEEL,
    XRAY,
    to_coco,
)
from workbench.methods.visionllm.own_picture import THINGS
from workbench.methods.visionllm.scenes import Scenes

if TYPE_CHECKING:
    from panels.page import Page


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
    page.study(
        CONSOLE,
        figures=(
            View("picture", "Picture", draw_console, plays="score"),
            View("reading", "How it is read", draw_reading),
        ),
        run="auto",
        open_controls=4,
        offers={
            "names": offer_names,
            "words": offer_expressions,
            "instruction": offer_instruction,
            "before": offer_instruction,
        },
        downloads=(Download("coco", "Annotations as COCO JSON", "application/json", write_coco),),
    )
    page.study(
        WHEEL,
        figures=(
            View("pictures", "Places", draw_wheel),
            View("texts", "Words in, words out", draw_instructions),
        ),
        run="auto",
        offers={"names": offer_names, "expression": offer_expressions},
    )
    _lay_open(page)


def _lay_open(page: Page) -> None:
    """Add what lies behind the answers: slots, tokens, language, order, places, passes, looks."""
    picks_box = {"customdata": "box"}
    page.study(
        LEDGER,
        figures=(
            View("ledger", "Slots", draw_ledger, picks_box),
            View("distributions", "All tokens", draw_distributions, plays="box"),
        ),
        run="auto",
        offers={"names": offer_classes},
    )
    page.study(
        TOKEN_MAP,
        figures=(
            View("map", "On the picture", draw_tokens, plays="kept"),
            View("kept", "Fewer tokens", draw_tokens_kept, {"x": "kept"}),
        ),
        run="auto",
        offers={"names": offer_classes},
    )
    page.study(
        GUIDANCE,
        figures=(
            View("map", "On the picture", draw_guidance),
            View("listed", "Named or not", draw_listed),
        ),
        run="auto",
        offers={"names": offer_classes, "others": offer_classes},
    )
    page.study(SHUFFLE, figures=(View("orders", "Fifty orders", draw_shuffle),), run="button")
    page.study(SINGLE_NAMES, figures=(View("names", "By length", draw_single_names),), run="button")
    page.study(
        QUANTISATION,
        figures=(
            View("bins", "Boxes", draw_bins, plays="log2_reach"),
            View("points", "Contours", draw_points, {"x": "points"}, plays="points"),
        ),
        run="auto",
    )
    page.study(
        RACE,
        figures=(
            View("race", "Pass by pass", draw_race, plays="step"),
            View("latency", "Milliseconds", draw_latency),
        ),
        run="button",
        offers={"names": offer_classes},
    )
    page.study(
        XRAY,
        figures=(
            View("xray", "One box", draw_xray, picks_box),
            View("agreement", "Many answers", draw_agreement),
        ),
        run="auto",
        offers={"names": offer_classes},
    )


def offer_classes(result: Any) -> Sequence[Offer]:
    """Every class of a test scene's world; those that are in the picture stand out."""
    scene: Scenes = result.inputs.scene
    there = set(scene.names_in(0))
    return [Offer(name, "good" if name in there else "") for name in scene.names]


def offer_names(result: Any) -> Sequence[Offer]:
    """Every class of the small scenes; those that are in the picture stand out."""
    there = set(result.picture.names)
    return [Offer(name, "good" if name in there else "") for name in THINGS]


def offer_expressions(result: Any) -> Sequence[Offer]:
    """Words that mean one thing of the scene."""
    return [Offer(text) for text in result.picture.expressions]


def offer_instruction(result: Any) -> Sequence[Offer]:
    """The instruction that was carried out, to be edited or compared with."""
    return [Offer(result.said.instruction)]


def write_coco(result: Any, position: Mapping[str, Any]) -> str:
    """The boxes or outlines of a score that is large enough, as COCO's JSON.

    Raises:
        InputError: the instruction asks for a text, or was not understood.
    """
    answer, task = result.found()
    kept = answer.above(float(position["score"]))
    annotations = to_coco([kept], task, [result.picture.size_px], [result.picture.name])
    return json.dumps(annotations, indent=1)
