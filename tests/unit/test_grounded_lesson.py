"""Every number and every answer of the lesson holds in the tab's own arithmetic."""

import tomllib
from pathlib import Path

import numpy as np

from tests.unit.grounded_records import word_scores
from workbench.methods.grounded import Rules, grounded_beam, grounded_greedy, prefix_value, race
from workbench.methods.grounded.grounders import Mix, ground
from workbench.methods.grounded.published import EFFICIENCY
from workbench.methods.grounded.worlds import tasks
from workbench.methods.grounded.worlds.world import DONE, DONE_VALUE

LESSON = Path(__file__).parents[2] / "assets" / "lessons" / "grounded.toml"
STEPS = tomllib.loads(LESSON.read_text(encoding="utf-8"))["step"]


def said(step: int) -> str:
    return " ".join(STEPS[step][part] for part in ("text", "question", "reveal"))


def test_the_lesson_has_five_whole_steps() -> None:
    assert len(STEPS) == 5
    for step in STEPS:
        assert set(step) == {"title", "text", "question", "choices", "answer", "reveal", "set"}
        assert 0 <= step["answer"] < len(step["choices"])


def test_the_step_on_halves_a_mean_favours_what_mostly_can_be_done() -> None:
    world, _ = tasks.sample("matching", 0)
    grounding = ground(world, Mix())
    trie = word_scores(grounding.skills).trie
    values = grounding.product
    mean, best = (prefix_value(trie, values, mode) for mode in ("mean", "max"))
    for node in trie.internal.tolist():
        below = values[trie.below(node)]
        assert np.isclose(mean[node], below.mean())
        assert np.isclose(best[node], below.max())


def test_the_step_on_the_price() -> None:
    every = race.commands(22)
    assert len(every) == 462
    assert "462 commands" in said(2)
    # with one token a word, as the default model has them, and one for the line break
    number: dict[str, int] = {}
    longest = race.commands(race.OBJECTS[-1])
    ids = tuple(
        tuple(number.setdefault(word, len(number)) for word in [*skill.split(), "\n"])
        for skill in longest
    )
    found = race.summarise(race.compute(race.Inputs(ids, {}), race.Params()))
    assert f"{found['tokens_saycan_462']:,.0f}" in said(2)
    assert f"{found['tokens_saycan_shared_462']:,.0f}" in said(2)
    assert f"{found['tokens_greedy']:.0f} tokens" in said(2)
    assert f"{found['ratio_saycan_462']:.0f} times" in said(2)
    assert f"{EFFICIENCY['SayCan'][1]:g} times" in said(2)


def test_the_step_on_strength_a_power_changes_only_done() -> None:
    params = {**STEPS[3]["set"]}
    world, _ = tasks.sample(params["mixer.task"], 0)
    grounding = ground(world, Mix(safety=True))  # as the study opens
    once, often = grounding.product, grounding.product**10
    kept = once[:-1] > 1e-3
    assert np.array_equal(once[:-1][kept], np.ones(kept.sum()))
    assert np.array_equal(often[:-1][kept], np.ones(kept.sum()))
    assert np.all(once[:-1][~kept] <= 1e-6)
    assert (grounding.skills[-1], once[-1]) == (DONE, DONE_VALUE)
    assert often[-1] < 1e-12
    assert "0.05" in said(3)


def test_the_step_on_early_words_greedy_cannot_tell_the_two_forms_apart() -> None:
    world, _ = tasks.sample("matching", 0)
    differ = 0
    for seed in range(12):
        grounding = ground(world, Mix(noise=0.4, noise_seed=seed))
        scores = word_scores(grounding.skills, seed)
        values = prefix_value(scores.trie, grounding.product)
        rules = [Rules(combination=name) for name in ("paper", "telescoped")]
        first, second = (grounded_greedy(scores, values, rule).nodes for rule in rules)
        assert first == second
        beams = [grounded_beam(scores, values, 4, rule).best.nodes for rule in rules]
        differ += beams[0] != beams[1]
    assert differ > 0
    greedy, beam = EFFICIENCY["greedy"], EFFICIENCY["beam"]
    assert f"{beam[0]} %" in said(4)
    assert f"{greedy[0]} %" in said(4)
    assert f"{beam[1]:g} times" in said(4)
