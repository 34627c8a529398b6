"""Figures of Directional Stimulus Prompting (Li et al. 2023, arXiv:2302.11520)."""

from workbench.figures.dsp.anatomy import draw_anatomy
from workbench.figures.dsp.bench import draw_bench, draw_bench_scores
from workbench.figures.dsp.checkpoints import draw_checkpoints
from workbench.figures.dsp.dialogue import draw_dialogue, draw_published_dialogues
from workbench.figures.dsp.dose import draw_dose
from workbench.figures.dsp.hacking import draw_hacked_hints, draw_hacking
from workbench.figures.dsp.published import draw_published
from workbench.figures.dsp.published_metrics import draw_published_metrics
from workbench.figures.dsp.readings import draw_readings
from workbench.figures.dsp.removal import draw_removal, draw_removal_texts
from workbench.figures.dsp.sources import draw_hints, draw_sources
from workbench.figures.dsp.theatre import draw_stage_hints, draw_theatre
from workbench.figures.dsp.triggers import (
    draw_published_triggers,
    draw_trigger_choice,
    draw_triggers,
)

__all__ = [
    "draw_anatomy",
    "draw_bench",
    "draw_bench_scores",
    "draw_checkpoints",
    "draw_dialogue",
    "draw_dose",
    "draw_hacked_hints",
    "draw_hacking",
    "draw_hints",
    "draw_published",
    "draw_published_dialogues",
    "draw_published_metrics",
    "draw_published_triggers",
    "draw_readings",
    "draw_removal",
    "draw_removal_texts",
    "draw_sources",
    "draw_stage_hints",
    "draw_theatre",
    "draw_trigger_choice",
    "draw_triggers",
]
