"""Every number that the lesson of the GLA tab states is the tab's own at those settings."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.methods.gla import BENEFIT, BIAS, MAP, PLANTED, WORLD, benefit, bias
from workbench.methods.gla.bias import SIZES
from workbench.methods.gla.emoji import MODELS
from workbench.params import parse
from workbench.server.local import open_engine
from workbench.settings import Settings
from workbench.study import Study, execute

LESSON = Path(__file__).parents[2] / "assets" / "lessons" / "gla.toml"
STEPS = tomllib.loads(LESSON.read_text(encoding="utf-8"))["step"]


def said(step: int) -> str:
    return " ".join(STEPS[step][part] for part in ("text", "reveal"))


def summary(study: Study, **values: object) -> dict:
    params = parse(study.params, values)
    return dict(study.summarise(study.compute(study.gather(None, params), params)))  # type: ignore[arg-type]


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Results of the emoji studies from what is shipped, with no model at hand."""
    home = tmp_path_factory.mktemp("home")
    engine = open_engine(Settings(home=home, offline=True))
    try:
        return {s.slug: execute(s, engine, s.params()).result for s in (BIAS, BENEFIT)}
    finally:
        engine.close()


def test_the_lesson_has_six_whole_steps() -> None:
    assert len(STEPS) == 6
    for step in STEPS:
        assert set(step) == {"title", "text", "question", "choices", "answer", "reveal", "set"}
        assert 0 <= step["answer"] < len(step["choices"])


def test_the_step_on_losses(shipped: dict[str, object]) -> None:
    result = shipped["gla.bias"]
    assert isinstance(result, bias.Result)
    twenty = SIZES.index("20")
    bank, batch = (result.models[m] for m in MODELS)
    for model in (bank, batch):
        assert f"{model.estimates[twenty].agreement.pearson:.2f}" in said(0)
    assert percent(batch.oracle["all"]) in said(0)
    assert percent(batch.zero_shot["all"]) in said(0)
    assert batch.oracle["all"] < batch.zero_shot["all"]
    assert np.exp(np.ptp(result.log_truth)) == pytest.approx(len(result.log_truth))


def test_the_step_on_labelled_pictures() -> None:
    params = PLANTED.params()
    result = PLANTED.compute(PLANTED.gather(None, params), params)  # type: ignore[arg-type]
    for count in (2, 5, 20):
        found = PLANTED.summarise(replace(result, params=replace(params, labelled=count)))
        assert percent(float(found["accuracy_debiased"])) in said(1)
    assert percent(result.zero_shot_accuracy) in said(1)
    assert percent(result.oracle_accuracy) in said(1)


def test_the_step_on_regions() -> None:
    found = summary(MAP, tilt_pretrain=4.0, tilt_downstream=4.0)
    assert percent(found["accuracy_gla"]) in said(2)
    assert percent(found["accuracy_ensemble"]) in said(2)
    assert found["accuracy_gla"] == pytest.approx(found["accuracy_bayes"], abs=1e-9)


def test_the_step_on_adding_and_averaging() -> None:
    twice = summary(WORLD, strength_pretrain=2.0, strength_downstream=2.0)
    once = summary(WORLD)
    assert percent(twice["accuracy_gla"]) in said(3)
    assert percent(once["accuracy_gla"]) in said(3)
    assert percent(once["accuracy_ensemble"]) in said(3)
    tilt = twice["accuracy_gla_tail"] - twice["accuracy_gla_head"]
    assert f"{100 * tilt:.1f} points" in said(3)


def test_the_step_on_shared_errors() -> None:
    alike, apart = summary(WORLD, correlation=1.0), summary(WORLD)
    assert percent(apart["accuracy_gla"]) in said(4)
    assert percent(alike["accuracy_gla"]) in said(4)
    assert percent(alike["accuracy_zero_shot_debiased"]) in said(4)
    assert alike["accuracy_gla"] == pytest.approx(alike["accuracy_zero_shot_debiased"])
    gain = alike["accuracy_gla"] - alike["accuracy_ensemble"]
    assert f"{100 * gain:.1f} points" in said(4)


def test_the_step_on_fine_tuning(shipped: dict[str, object]) -> None:
    result = shipped["gla"]
    assert isinstance(result, benefit.Result)
    for kind in benefit.TUNINGS:
        found = result.benefits[kind]
        for method in ("gla", "fine_tuned", "zero_shot", "zero_shot_debiased"):
            assert percent(found.accuracy(method).mean) in said(5)
        assert f"{100 * found.gain_zero_shot.mean:.1f}" in said(5)
    assert f"{100 * result.benefits['linear'].gain_fine_tuned.mean:.1f} points" in said(5)
    assert result.benefits["linear"].gain_zero_shot.low < 0.0  # "hardly more"
