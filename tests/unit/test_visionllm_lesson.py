"""The lesson of the VisionLLM tab: its steps fit the studies and its numbers are the receipt's."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np

from panels.lesson import read_lesson
from workbench.data.scenes.scene import World
from workbench.methods.catalog import studies
from workbench.methods.visionllm import decode_offsets
from workbench.methods.visionllm.formats import slots_of
from workbench.methods.visionllm.published import MODELS

ROOT = Path(__file__).parents[2]
STEPS = tomllib.loads((ROOT / "assets/lessons/visionllm.toml").read_text("utf-8"))["step"]
RECEIPT = json.loads((ROOT / "assets/models/visionllm-pointer/receipt.json").read_text("utf-8"))


def said(step: int) -> str:
    return " ".join(STEPS[step][part] for part in ("text", "question", "reveal"))


def test_every_step_sets_what_its_studies_have() -> None:
    taught = read_lesson("visionllm", {n: s.params for n, s in studies("visionllm").items()})
    assert taught is not None
    assert len(taught.steps) == len(STEPS) == 5
    for step in taught.steps:
        assert 0 <= step.answer < len(step.choices)


def test_its_numbers_are_those_that_were_measured() -> None:
    measured = RECEIPT["measured"]
    assert measured["scenes"] == 500
    assert measured["half_unlisted_rate"] == 0
    assert f"{100 * measured['half_unlisted_rate_without_language']:.0f} %" in said(0)
    assert f"mask AP {100 * measured['mask_ap']:.1f} %" in said(2)
    assert f"box AP {100 * measured['ap']:.1f} %" in said(2)
    assert f"BLEU-4 {measured['caption_bleu4']:.0f}" in said(3)
    assert f"{100 * measured['caption_exact']:.0f} % exactly" in said(3)
    assert RECEIPT["parameters"] < 1_000_000
    assert 40 * 60 < RECEIPT["training_seconds"] < 50 * 60
    assert f"{100 * measured['ap']:.1f} %" in said(4)
    assert f"{MODELS[0].detection[0]} on COCO" in said(4)


def test_its_arithmetic_is_the_methods() -> None:
    assert decode_offsets(np.array([-16]), np.array([0.5]), 64)[0] == 0.25
    assert "33 slots instead of 5" in said(2)
    assert (len(slots_of(16)), len(slots_of(2))) == (33, 5)
    names = [one.name for one in World().scene("test", 7).things]
    assert sorted(names) == ["car", "car", "lemon"]
