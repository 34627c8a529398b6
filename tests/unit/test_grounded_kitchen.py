"""The kitchen, its detector, and the grounders of all worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.grounded_client import WordClient
from workbench.errors import InputError, UnknownNameError
from workbench.methods.grounded import kitchen as study
from workbench.methods.grounded.grounders import (
    NOT_PREFERRED,
    PREFERRED,
    Mix,
    add_noise,
    detector,
    ground,
    preference,
    safety,
)
from workbench.methods.grounded.worlds import kitchen, tasks
from workbench.methods.grounded.worlds.kitchen import (
    ITEMS,
    KINDS,
    Kitchen,
    detect,
    read_detections,
    sample,
)
from workbench.methods.grounded.worlds.world import DONE_VALUE, Task

RNG = np.random.default_rng(0)


# ---------- the kitchen ----------
@pytest.mark.parametrize("name", KINDS)
def test_find_pick_go_and_put_down_reach_every_goal(name: str) -> None:
    for seed in range(10):
        world, task = sample(name, seed)
        there = [item for item, _ in world.places]
        (wanted,) = [item for item in KINDS[name].wanted if item in there]
        for skill in (
            f"find the {wanted}",
            f"pick up the {wanted}",
            f"go to the {KINDS[name].where}",
            "put it down",
        ):
            assert not world.is_done(task)
            world, worked = world.execute(skill, RNG)
            assert worked, skill
        assert world.is_done(task)


@given(st.sampled_from(sorted(KINDS)), st.integers(0, 1000))
def test_a_skill_is_afforded_exactly_when_it_changes_the_kitchen(name: str, seed: int) -> None:
    world, _ = sample(name, seed)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        for skill, value in zip(world.skills(), world.affordances(), strict=True):
            after, worked = world.execute(skill, rng)
            assert worked == (value == 1.0) == (after != world)
        able = [s for s, a in zip(world.skills(), world.affordances(), strict=True) if a]
        world, _ = world.execute(able[int(rng.integers(len(able)))], rng)


def test_the_wrong_item_or_place_does_not_reach_the_goal() -> None:
    assert not Kitchen((("cola", "table"),)).is_done(Task("thirsty", ""))
    assert Kitchen((("cola", "user"),)).is_done(Task("thirsty", ""))
    assert not Kitchen((("sponge", "user"),)).is_done(Task("thirsty", ""))
    assert not Kitchen((("cola", "user"),)).is_done(Task("free", ""))
    with pytest.raises(UnknownNameError, match="thirsty"):
        sample("thirst", 0)


def test_the_detector_scores_what_is_there_higher_and_reads_back() -> None:
    world, _ = sample("fruit", 0)
    there = {item for item, _ in world.places}
    scores = np.array([list(read_detections(detect(world, s)).values()) for s in range(200)])
    mean = dict(zip(ITEMS, scores.mean(axis=0), strict=True))
    for item in ITEMS:  # means of Beta(8, 2) and Beta(1, 12), in closed form
        assert mean[item] == pytest.approx(0.8 if item in there else 1 / 13, abs=0.04)


def test_an_edited_table_is_read_and_a_bad_row_named() -> None:
    assert read_detections("red  apple 0.9;\n tea .05; ;") == {"red apple": 0.9, "tea": 0.05}
    assert read_detections("") == {}
    for bad in ("apple", "apple 1.2", "0.4", "apple 0,4"):
        with pytest.raises(InputError, match="is not a phrase and its score"):
            read_detections(bad)
    with pytest.raises(InputError, match="twice"):
        read_detections("apple 0.1; apple 0.2")
    with pytest.raises(InputError, match="at most 40"):
        read_detections("; ".join(f"thing{i} 0.1" for i in range(41)))
    assert detector(["tea", "cola"], {"tea": 0.3}, missing=0.01).tolist() == [0.3, 0.01]


def test_kitchen_items_are_named_once_and_wanted_items_exist() -> None:
    assert len(set(kitchen.skills())) == 2 * len(ITEMS) + len(kitchen.LOCATIONS) + 1
    assert all(set(kind.wanted) <= set(ITEMS) for kind in KINDS.values())
    assert [kind.is_ambiguous for kind in KINDS.values()] == [False] * 4 + [True] * 4


# ---------- grounders ----------
def test_safety_and_preference_have_the_papers_constants() -> None:
    texts = ("pick up the red block", "pick up the knife", "pick up the pear", "a bored cook")
    assert safety(texts, 1e-3).tolist() == [1e-3, 1e-3, 1.0, 1.0]  # whole words: "bored" is safe
    assert preference(texts, ("pear",)).tolist() == [0.1, 0.1, 0.5, 0.1]
    assert (PREFERRED, NOT_PREFERRED) == (0.5, 0.1)  # arXiv:2303.00855, section 4.1


def test_grounders_multiply_in_any_order_and_done_has_its_constant() -> None:
    world, _ = tasks.sample("brown_box", 1)
    mix = Mix(safety=True, preference=True, preferred=("apple",), epsilon=1e-3)
    found = ground(world, mix)
    assert found.names == ("affordance", "safety", "preference")
    assert found.values.shape == (3, len(world.skills()) + 1)
    by_hand = np.array([a * s * p for a, s, p in found.values.T])
    assert found.product == pytest.approx(by_hand)
    assert found.product == pytest.approx(found.values[::-1].prod(axis=0))
    assert found.product[-1] == pytest.approx(DONE_VALUE)


def test_what_is_liked_less_can_be_done_all_the_same() -> None:
    world, _ = tasks.sample("brown_box", 0)
    plain = ground(world, Mix(safety=True))
    liked = ground(world, Mix(safety=True, preference=True, preferred=("banana",), noise=0.05))
    assert plain.possible.any()
    assert np.array_equal(plain.possible, plain.product >= 0.5)
    assert np.array_equal(liked.possible, plain.possible)
    assert not (liked.product >= 0.5).any()


def test_with_every_grounder_off_all_skills_are_worth_one() -> None:
    world, _ = tasks.sample("matching", 0)
    assert np.all(ground(world, Mix(affordance=False)).product == 1.0)


@given(st.floats(0, 1), st.integers(0, 100))
def test_noise_keeps_values_in_range_is_seeded_and_none_changes_nothing(
    noise: float, seed: int
) -> None:
    world, _ = tasks.sample("letters_before", 2)
    skills, true = world.skills(), world.affordances()
    noisy = add_noise(true, skills, noise, seed)
    assert np.all((noisy >= 0) & (noisy <= 1))
    assert np.array_equal(noisy, add_noise(true, skills, noise, seed))
    assert np.array_equal(add_noise(true, skills, 0.0, seed), true)
    assert np.abs(noisy - true).max() <= noise + 1e-12


def test_full_noise_knows_nothing_of_the_scene_and_half_noise_makes_both_errors() -> None:
    world, _ = tasks.sample("matching", 0)
    other, _ = tasks.sample("matching", 1)
    skills = world.skills()
    full = [add_noise(w.affordances(), skills, 1.0, 3) for w in (world, other)]
    assert np.array_equal(*full)
    true = world.affordances()
    heavy = add_noise(true, skills, 0.7, 3)
    assert heavy[true == 0].max() > heavy[true == 1].min()  # a wrong skill beats a right one


# ---------- the study, with a made-up language model ----------
def test_the_scene_never_reaches_the_thought_but_the_chosen_phrase_reaches_the_plan() -> None:
    asked = []
    for table in ("tea 0.9; apple 0.1", "apple 0.9; tea 0.1"):
        client = WordClient()
        params = study.Params(detections=table)
        inputs = study.gather(client, params)
        thoughts = [r for r in client.asked if str(r.arguments["prompt"]).endswith("[")]
        plans = [r for r in client.asked if r not in thoughts]
        assert len(thoughts) == 1
        asked.append(thoughts[0].arguments)
        result = study.compute(inputs, params)
        told = {result.phrases[number] for number in result.plans}
        assert {str(r.arguments["prompt"]).split("[ ")[1].split(" ]")[0] for r in plans} == told
    assert asked[0] == asked[1]  # the language model is asked the same whatever the detector sees


def test_a_plan_only_does_what_can_be_done_and_stops_in_time() -> None:
    client = WordClient()
    params = study.Params(detections="tea 0.9; cola 0.8")
    result = study.compute(study.gather(client, params), params)
    for plan in result.plans.values():
        assert all(plan.has_worked)
        assert len(plan.steps) <= study.MAX_STEPS
        assert plan.is_done is not None  # the default instruction is one of the tasks
    free = study.Params(instruction="空に虹を", detections="tea 0.9")
    plans = study.compute(study.gather(WordClient(), free), free).plans
    assert {plan.is_done for plan in plans.values()} == {None}


def test_a_phrase_of_ones_own_may_stand_in_the_brackets() -> None:
    params = study.Params(detections="blue umbrella 0.9; tea 0.0")
    result = study.compute(study.gather(WordClient(), params), params)
    assert "blue umbrella" in result.phrases
    at = result.strengths.tolist().index(2.0)
    assert result.phrases[int(result.chosen[at])] != "tea"  # a score of 0 rules out


def test_with_no_strength_the_detector_weighs_nothing() -> None:
    params = study.Params(strength=0.0)
    inputs = study.gather(WordClient(), params)
    result = study.compute(inputs, params)
    assert result.product[0] == pytest.approx(result.language / result.language.max())
    assert study.summarise(result)["phrase"] == study.summarise(result)["phrase_alone"]


def test_a_detector_that_sees_nothing_at_all_is_refused_in_plain_words() -> None:
    params = study.Params(detections="; ".join(f"{item} 0" for item in ITEMS))
    with pytest.raises(InputError, match="sees nothing"):
        study.compute(study.gather(WordClient(), params), params)
    with pytest.raises(InputError, match="is not a phrase and its score"):
        study.Params(detections="apple")
