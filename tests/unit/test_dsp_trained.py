"""What the DSP studies of trained policies make of trainings and reward tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from panels import dsp as panel
from tests.unit import dsp_records
from tests.unit.live_positions import every_position
from workbench.errors import InputError
from workbench.figures import dsp as figures
from workbench.methods.dsp import (
    STUDIES,
    study_hacking,
    study_rewards,
    study_sources,
    study_training,
)
from workbench.methods.dsp.intervals import paired_difference
from workbench.methods.dsp.theatre import (
    RUNS,
    gain_over_equally_long,
    gain_over_random,
    hint_rewards,
    set_stage,
)
from workbench.methods.dsp.training import TrainingSettings


def test_rewards_of_hints_are_those_counted_one_by_one() -> None:
    table = dsp_records.reward_table()
    found = hint_rewards(
        table.terminal,
        table.hit_counts(),
        table.lengths(),
        terminal_coefficient=10.0,
        step_coefficient=0.5,
        penalty=0.2,
    )
    for a in range(len(table.sources)):
        reference = table.sources[a].article.reference
        for b in range(16):
            steps = sum(1.0 if p in reference else -0.2 for p in table.hint(a, b))
            assert found[a, b] == pytest.approx(10.0 * table.terminal[a, b] + 0.5 * steps)


def test_a_policy_is_held_against_every_hint_that_says_something() -> None:
    rewards = np.random.default_rng(0).normal(size=(12, 16))
    rewards[:, 0] = 100.0  # the empty hint is no random hint
    chosen = rewards[:, 1:].argmax(axis=1) + 1
    found = gain_over_random(rewards, chosen)
    by_hand = [
        rewards[a, chosen[a]] - sum(rewards[a, b] for b in range(1, 16)) / 15 for a in range(12)
    ]
    assert found.mean == pytest.approx(np.mean(by_hand))
    expected = paired_difference(np.array(by_hand), np.zeros(12))
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert found.low > 0


def test_a_long_hint_is_held_against_hints_of_its_length() -> None:
    lengths = np.array([0, 1, 1, 2])
    rewards = np.array([[0.0, 1.0, 3.0, 8.0], [0.0, 2.0, 4.0, 9.0], [0.0, 5.0, 6.0, 7.0]])
    found = gain_over_equally_long(rewards, np.array([2, 1, 3]), lengths)
    assert found.mean == pytest.approx(np.mean([3 - 2, 2 - 3, 0]))  # the only one of length 2


def test_each_comparison_takes_one_thing_away() -> None:
    base = TrainingSettings(seed=3)
    varied = study_training.vary(base)
    assert tuple(varied) == RUNS
    for name, field, value in (
        ("ppo", "use_mask", False),
        ("no_kl", "beta", 0.0),
        ("no_step", "step_coefficient", 0.0),
    ):
        differing = [
            f for f in base.__dataclass_fields__ if getattr(varied[name], f) != getattr(base, f)
        ]
        assert differing == [field]
        assert getattr(varied[name], field) == value


def test_the_training_study_shows_curves_and_the_gain_over_random_hints() -> None:
    params = study_training.Params()
    runs = {name: dsp_records.training() for name in RUNS}
    stage = study_training.compute(study_training.Inputs(runs), params)
    numbers = study_training.TRAINING.summarise(stage)
    # the likeliest training hints are the best ones of a random table
    assert numbers["reward_over_random_train_low"] > 0
    low, high = (numbers[f"reward_over_random_validation_{end}"] for end in ("low", "high"))
    assert low < numbers["reward_over_random_validation"] < high
    words = figures.draw_theatre(stage).words_at(iteration=20, overlay="ppo")
    assert "against random hints" in words
    assert words.count("95") == 2


def test_one_training_alone_can_be_shown() -> None:
    params = study_training.Params(comparisons=False)
    stage = study_training.compute(study_training.Inputs({"nlpo": dsp_records.training()}), params)
    assert figures.draw_theatre(stage).words_at(iteration=3)
    assert figures.draw_stage_hints(stage).at(iteration=3, overlay="nlpo", article=8)


def test_trainings_on_other_articles_are_not_put_side_by_side() -> None:
    made, other = dsp_records.articles(4), dsp_records.articles(5)
    runs = {"nlpo": dsp_records.training_curve(made), "ppo": dsp_records.training_curve(other)}
    with pytest.raises(InputError, match="other articles"):
        set_stage(runs, other, 0.5)
    with pytest.raises(InputError, match="missing"):
        set_stage({"ppo": runs["ppo"]}, other, 0.5)


def test_the_reward_study_weighs_the_parts_of_the_paper() -> None:
    curve = dsp_records.training().curve
    found = study_rewards.compute(curve, study_rewards.Params())
    numbers = study_rewards.summarise(found)
    last = curve.rollouts[-1]
    expected = 10.0 * last.terminal + last.step_rewards.sum() - 0.005 * last.kl.sum()
    assert numbers["total_last"] == pytest.approx(expected, rel=1e-5)


def test_summaries_of_a_point_are_those_of_its_hints() -> None:
    trained = dsp_records.training(is_long=True)
    found = study_hacking.summaries(trained, range(0, 21, 10))
    assert [len(row) for row in found] == [8, 8, 8]
    assert found[0][2] == trained.validation.outputs[2][3]
    assert found[2][2] == trained.validation.outputs[2][15]


def test_the_hacking_study_sees_longer_hints_without_the_kl() -> None:
    inputs = study_hacking.Inputs(dsp_records.training(), dsp_records.training(is_long=True))
    found = study_hacking.compute(inputs, study_hacking.Params())
    numbers = study_hacking.summarise(found)
    assert (numbers["phrases_with_kl"], numbers["phrases_without_kl"]) == (2.0, 4.0)
    assert numbers["made_up_with_kl"] == 1.0  # every summary holds 77, no article does
    assert found.points.tolist() == [0, 5, 10, 15, 20]


def test_the_main_study_prints_every_source_with_intervals_and_the_number_of_articles() -> None:
    records = dsp_records.source_records()
    params = study_sources.Params()
    found = study_sources.compute(study_sources.Inputs((records,), records.lead2), params)
    numbers = study_sources.SOURCES_STUDY.summarise(found)
    assert numbers["articles"] == 24
    for source in records.sources:
        for metric in ("rouge1", "rouge2", "rougeL"):
            assert {f"{metric}_{source}{end}" for end in ("", "_low", "_high")} <= set(numbers)


def test_other_seeds_are_drawn_and_their_mean_is_held_against_random_hints() -> None:
    one, other = dsp_records.training(), dsp_records.training(is_long=True)
    params = study_training.Params()
    alone, both = (
        study_training.compute(study_training.Inputs({"nlpo": one}, repeats), params)
        for repeats in ((), (other, other))
    )
    second = study_training.compute(study_training.Inputs({"nlpo": other}), params)
    mean = (alone.gains["validation"].mean + 2 * second.gains["validation"].mean) / 3
    assert both.gains["validation"].mean == pytest.approx(mean)
    numbers = study_training.TRAINING.summarise(both)
    assert numbers["seeds"] == 3
    assert numbers["reward_nlpo_seed_2_last"] == pytest.approx(other.curve.reward[-1], rel=1e-5)
    live = figures.draw_theatre(both)
    lines = [t for t in live.figure.data if t.name == "other seeds"]
    assert len(lines) == 6
    assert list(lines[2].y[:21]) == pytest.approx(list(other.curve.reward))
    assert "3 seeds" in live.words_at(iteration=3)
    assert "One seed" in figures.draw_theatre(alone).words_at(iteration=3)


def test_two_checkpoints_are_compared_article_by_article() -> None:
    trained = dsp_records.training(is_long=True)
    inputs = study_training.Inputs({"nlpo": trained})
    stage = study_training.compute(inputs, study_training.Params())
    start = trained.validation.terminal[np.arange(8), trained.validation_bits[0]]
    end = trained.validation.terminal[np.arange(8), trained.validation_bits[20]]
    live = figures.draw_checkpoints(stage)
    shown = live.at(iteration=20, checkpoint=0)
    assert list(shown.data[1].x) == pytest.approx(list(100 * start))
    assert list(shown.data[2].x) == pytest.approx(list(100 * end))
    words = live.words_at(iteration=20, checkpoint=0)
    assert f"{np.count_nonzero(end > start)} of 8 summaries are better" in words
    assert "Both are checkpoint 4" in live.words_at(iteration=4, checkpoint=4)
    gain = paired_difference(end, start)
    assert ("no detectable effect" in words) == gain.covers_zero


@pytest.mark.parametrize(
    ("articles", "named"),
    [(8, [*range(1, 9)]), (40, [1, *range(5, 41, 5)])],
)
def test_articles_are_named_without_overlap_and_each_at_its_own_row(
    articles: int, named: list[int]
) -> None:
    stage = study_training.compute(
        study_training.Inputs({"nlpo": dsp_records.training()}), study_training.Params()
    )
    many = replace(stage, by_article=np.linspace(0.1, 0.4, 6 * articles).reshape(6, articles))
    figure = figures.draw_checkpoints(many).figure
    assert list(figure.layout.yaxis.ticktext) == [f"article {n}" for n in named]
    rows = [figure.data[1].y[n - 1] for n in named]
    assert list(figure.layout.yaxis.tickvals) == rows


@pytest.fixture(scope="module")
def shown() -> dict[str, object]:
    """One result of every study with live controls."""
    records = dsp_records.source_records(40)
    trainings = {name: dsp_records.training() for name in RUNS}
    return {
        "dsp": study_sources.compute(
            study_sources.Inputs((records,), records.lead2), study_sources.Params()
        ),
        "dsp.bench": dsp_records.bench(),
        "dsp.leave_one_out": dsp_records.removal(),
        "dsp.dose": dsp_records.dose(),
        "dsp.training": study_training.compute(
            study_training.Inputs(trainings), study_training.Params()
        ),
        "dsp.rewards": study_rewards.compute(trainings["nlpo"].curve, study_rewards.Params()),
        "dsp.hacking": study_hacking.compute(
            study_hacking.Inputs(trainings["nlpo"], trainings["no_kl"]), study_hacking.Params()
        ),
        "dsp.triggers": dsp_records.trigger_grid(),
        "dsp.dialogue": dsp_records.dialogue(),
    }


class FakePage:
    """Keeps what a tab adds."""

    def __init__(self) -> None:
        self.added: list[tuple] = []

    def study(self, study, **shown) -> None:
        self.added.append((study, shown))


def test_every_figure_carries_every_position_of_its_live_controls(shown: dict) -> None:
    page = FakePage()
    panel.build(page)  # type: ignore[arg-type]
    assert [study.slug for study, _ in page.added] == [study.slug for study in STUDIES]
    for study, told in page.added:
        live = every_position(study.params)
        for view in told["figures"]:
            drawn = view.draw(shown[study.slug])
            for name, positions in drawn.axes.items():
                assert (
                    list(positions) == pytest.approx(live[name])
                    if not isinstance(positions[0], str)
                    else list(positions) == live[name]
                ), (study.slug, view.name, name)
            assert view.plays in (*drawn.axes, "")
            drawn.payload()


def test_every_training_says_that_its_checkpoint_outlives_a_cancel() -> None:
    page = FakePage()
    panel.build(page)  # type: ignore[arg-type]
    keeps = {study.slug: told.get("keeps", "") for study, told in page.added}
    for study in ("dsp", "dsp.training", "dsp.rewards", "dsp.hacking"):
        assert "last checkpoint are kept: press Run to go on" in keeps[study]


def test_offers_colour_the_chips_and_add_the_rest() -> None:
    page = FakePage()
    panel.build(page)  # type: ignore[arg-type]
    offers = {study.slug: told.get("offers", {}) for study, told in page.added}
    on_bench = dsp_records.bench()
    offered = offers["dsp.bench"]["hint"](on_bench)
    assert [o.role for o in offered[:4]] == list(on_bench.fates)
    others = [o.text for o in offered[4:]]
    assert not set(others) & set(on_bench.phrases)
    assert set(others) | set(on_bench.phrases[:3]) == set(on_bench.article.candidates)
    assert all(o.role == "" for o in offered[4:])
    removed = offers["dsp.leave_one_out"]["hint"](dsp_records.removal())
    assert [o.role for o in removed[:4]] == ["good", "good", "muted", "muted"]
    acts = [o.text for o in offers["dsp.dialogue"]["act"](dsp_records.dialogue())]
    assert acts == ["[train] [inform] leave", "[train] [request] departure", "[general] [bye]"]
