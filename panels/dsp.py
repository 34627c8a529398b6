"""The tab of Directional Stimulus Prompting (Li et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from panels.following import Remark
from panels.view import Offer, View
from workbench.figures.dsp import (
    draw_anatomy,
    draw_bench,
    draw_bench_scores,
    draw_checkpoints,
    draw_dialogue,
    draw_dose,
    draw_hacked_hints,
    draw_hacking,
    draw_hints,
    draw_published,
    draw_published_dialogues,
    draw_published_metrics,
    draw_published_triggers,
    draw_readings,
    draw_removal,
    draw_removal_texts,
    draw_sources,
    draw_stage_hints,
    draw_theatre,
    draw_trigger_choice,
    draw_triggers,
)
from workbench.figures.dsp.bench import say_so_far
from workbench.methods.dsp import (
    BENCH,
    DIALOGUE,
    DOSE,
    HACKING,
    REMOVAL,
    REWARDS,
    SOURCES_STUDY,
    TRAINING,
    TRIGGER_CHOICE,
    study_bench,
)
from workbench.methods.dsp.bench_result import Bench
from workbench.methods.dsp.dialogue_result import Dialogue
from workbench.methods.dsp.marking import fate, occurs
from workbench.methods.dsp.removal import Removal
from workbench.params import chips
from workbench.server.api import ModelClient

if TYPE_CHECKING:
    from panels.page import Page

SUMMARIES_KEPT = "The summaries written so far are kept: press Run to go on from there."
CHECKPOINT_KEPT = (
    "The summaries judged so far and the policy's last checkpoint are kept: press Run to go on "
    "from there."
)


def build(page: Page) -> None:
    """Add the sources of hints, one's own hint, what a phrase is worth, and the trainings."""
    page.study(
        SOURCES_STUDY,
        figures=(
            View("sources", "Sources", draw_sources),
            View("readings", "Read them", draw_readings, plays="article"),
            View("hints", "The hints", draw_hints),
            View("published", "As published", draw_published),
            View("metrics", "All published metrics", draw_published_metrics),
        ),
        run="button",
        keeps=CHECKPOINT_KEPT,
        open_controls=5,
    )
    page.study(
        BENCH,
        figures=(
            View("texts", "Both summaries", draw_bench),
            View("scores", "ROUGE", draw_bench_scores),
        ),
        run="button",
        offers={"hint": offer_phrases},
        follows=follow_bench,
    )
    page.study(
        REMOVAL,
        figures=(
            View("lost", "What each is worth", draw_removal),
            View("texts", "The summaries", draw_removal_texts),
        ),
        run="button",
        offers={"hint": offer_left_out},
    )
    page.study(
        DOSE,
        figures=(View("dose", "Keywords and order", draw_dose),),
        run="button",
        keeps=SUMMARIES_KEPT,
    )
    page.study(
        TRAINING,
        figures=(
            View("curves", "Curves", draw_theatre, plays="iteration"),
            View("hints", "Its hints", draw_stage_hints, plays="iteration"),
            View("checkpoints", "Two checkpoints", draw_checkpoints, plays="iteration"),
        ),
        run="button",
        keeps=CHECKPOINT_KEPT,
        open_controls=4,
    )
    page.study(
        REWARDS,
        figures=(View("parts", "Parts of the reward", draw_anatomy, plays="iteration"),),
        run="button",
        keeps=CHECKPOINT_KEPT,
        open_controls=5,
    )
    page.study(
        HACKING,
        figures=(
            View("signs", "Signs", draw_hacking, plays="iteration"),
            View("texts", "Hints and summaries", draw_hacked_hints, plays="iteration"),
        ),
        run="button",
        keeps=CHECKPOINT_KEPT,
        open_controls=2,
    )
    page.study(
        TRIGGER_CHOICE,
        figures=(
            View("grid", "Questions and triggers", draw_triggers),
            View("choice", "Luck of the choice", draw_trigger_choice),
            View("published", "As published", draw_published_triggers),
        ),
        run="button",
        keeps="The questions answered so far are kept: press Run to go on from there.",
        open_controls=2,
    )
    page.study(
        DIALOGUE,
        figures=(
            View("replies", "Replies", draw_dialogue),
            View("published", "As published", draw_published_dialogues),
        ),
        run="button",
        offers={"act": offer_acts},
    )


def offer_phrases(found: Bench) -> Sequence[Offer]:
    """The hint's phrases in the colour of what became of them, then the article's others.

    The others have no colour: whether the reference has them is not given away before they are
    tried.
    """
    chosen = [Offer(p, fate) for p, fate in zip(found.phrases, found.fates, strict=True)]
    return [*chosen, *_others(found.article.candidates, found.phrases)]


def follow_bench(client: ModelClient, params: study_bench.Params) -> Callable[[str, str], Remark]:
    """ROUGE of both summaries as they grow, and what became of each phrase so far.

    A phrase that has not come yet keeps its own colour: it may still come.
    """
    article = study_bench.ask_article(client, params)
    phrases = tuple(chip.text for chip in chips(params.hint))

    def remark(label: str, text: str) -> Remark:
        scores = study_bench.judge_so_far(article, params, text)
        note = say_so_far(scores, stemmer=params.stemmer) if article.reference else ""
        if label != study_bench.WITH:
            return Remark(note)
        fates = [fate(phrase, text, article.reference) for phrase in phrases]
        come = [
            Offer(phrase, "" if one == "muted" else one)
            for phrase, one in zip(phrases, fates, strict=True)
        ]
        return Remark(note, {"hint": [*come, *_others(article.candidates, phrases)]})

    return remark


def offer_left_out(found: Removal) -> Sequence[Offer]:
    """The hint's phrases, green where the reference has them, then the article's others."""
    reference = found.article.reference
    chosen = [Offer(p, "good" if occurs(p, reference) else "muted") for p in found.phrases]
    return [*chosen, *_others(found.article.candidates, found.phrases)]


def _others(candidates: Sequence[str], phrases: Sequence[str]) -> list[Offer]:
    known = {phrase.lower() for phrase in phrases}
    return [Offer(phrase) for phrase in candidates if phrase.lower() not in known]


def offer_acts(found: Dialogue) -> Sequence[Offer]:
    """The recorded act of the turn, those of earlier turns, and a goodbye."""
    acts = [found.turn.act, *(turn.act for turn in found.history), "[general] [bye]"]
    return [Offer(act) for act in dict.fromkeys(acts)]
