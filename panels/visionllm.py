"""The tab of VisionLLM (Wang et al. 2023)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from panels.page import Page
from panels.view import Download, Offer, View
from workbench.figures.visionllm import (
    draw_ablations,
    draw_console,
    draw_instructions,
    draw_published,
    draw_reached,
    draw_reading,
    draw_wheel,
)
from workbench.methods.visionllm import CONSOLE, REACHED, WHEEL, to_coco
from workbench.methods.visionllm.own_picture import THINGS


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
