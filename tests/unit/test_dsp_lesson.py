"""Every number that the lesson of the DSP tab states is the paper's, or follows by arithmetic."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from panels.lesson import read_lesson
from workbench.methods.dsp import STUDIES
from workbench.methods.dsp.intervals import sign_test
from workbench.methods.dsp.published import (
    AQUA_ITEMS,
    DIALOGUES,
    PREFERENCE,
    SUMMARIES,
    TRAIN_SIZES,
    TRIGGERS,
)
from workbench.methods.dsp.study_triggers import TRIGGERS as TRIED
from workbench.methods.dsp.training import TrainingSettings

LESSON = Path(__file__).parents[2] / "assets" / "lessons" / "dsp.toml"
STEPS = tomllib.loads(LESSON.read_text(encoding="utf-8"))["step"]


def said(step: int) -> str:
    parts = [STEPS[step][part] for part in ("text", "reveal")]
    return " ".join([*parts, STEPS[step]["choices"][STEPS[step]["answer"]]])


def test_the_lesson_can_be_read_and_sets_only_what_there_is() -> None:
    lesson = read_lesson("dsp", {study.slug: study.params for study in STUDIES})
    assert lesson is not None
    assert len(lesson.steps) == 6


def test_the_step_on_the_judge() -> None:
    largest = TRAIN_SIZES.index(4_000)
    gain = SUMMARIES[0].reinforced[largest] - SUMMARIES[0].standard
    assert f"{gain:.2f} points of ROUGE-1" in said(2)
    for votes in (PREFERENCE.hinted, PREFERENCE.standard, PREFERENCE.ties):
        assert str(votes) in said(2)
    p_value = sign_test(PREFERENCE.hinted, PREFERENCE.standard)
    assert f"p = {p_value:.2f}" in said(2)
    assert round(1 / p_value) == 7


def test_the_step_on_the_reward() -> None:
    paid = TrainingSettings()
    assert (paid.step_coefficient, paid.penalty, paid.terminal_coefficient) == (1.0, 0.2, 10.0)
    fall = 100 * paid.step_coefficient / paid.terminal_coefficient
    assert f"{fall:.0f} points" in said(3)
    assert STEPS[3]["set"]["rewards.terminal_weight"] == paid.terminal_coefficient


def test_the_step_on_the_best_of_fourteen() -> None:
    assert len(TRIED) == 14
    rights = np.arange(41)
    # expected maximum of 14 binomial counts: the sum of P(maximum > k)
    expected = (1 - binom.cdf(rights[:-1], 40, 0.5) ** 14).sum() / 40
    assert f"{100 * expected:.0f} %" in said(4)
    by_name = {row.trigger: row.aqua for row in TRIGGERS}
    best, first = by_name["DSP, reinforced"], by_name["First,"]
    assert f"{best} %" in said(4)
    assert f"{first} %" in said(4)
    assert round((best - first) / 100 * AQUA_ITEMS) == 1


def test_the_step_on_dialogue() -> None:
    by_name = {row.system: row.on_2_0 for row in DIALOGUES}
    supervised, reinforced = (by_name[f"ChatGPT, {s}, 80"] for s in ("supervised", "reinforced"))
    assert f"from {supervised.combined} to {reinforced.combined}" in said(5)
    assert f"from {supervised.bleu} to {reinforced.bleu}" in said(5)
    assert reinforced.success - supervised.success == pytest.approx(15.7)
