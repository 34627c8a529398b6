"""The table of three pairs: nothing of this project's own helps there, and grounding still does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.data.grounded import read_records
from workbench.errors import UnknownNameError
from workbench.figures.grounded import draw_success
from workbench.methods.grounded import comparison, grounded_beam, grounded_greedy, saycan
from workbench.methods.grounded.episode import METHODS
from workbench.methods.grounded.grounders import Mix, ground
from workbench.methods.grounded.measure import settings_for
from workbench.methods.grounded.records import Records, read_record
from workbench.methods.grounded.rules import Rules
from workbench.methods.grounded.scene import Scene, open_scene
from workbench.methods.grounded.scores import closed_scores
from workbench.methods.grounded.trie import SkillTrie
from workbench.methods.grounded.worlds import catalog, tasks
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.vocabulary import say_skill
from workbench.methods.grounded.worlds.world import DONE


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_tabletops_scene_without_distractors_and_can_be_solved(seed: int) -> None:
    world, task = catalog.sample("pairs", "matching", seed)
    whole, same = tasks.sample("matching", seed)
    assert isinstance(world, Tabletop)
    assert task == same
    assert set(world.things) <= set(whole.things)
    names = {thing.name for thing in world.things}
    colours = {name.split()[0] for name in names}
    assert names == {f"{colour} {kind}" for colour in colours for kind in ("block", "bowl")}
    assert len(colours) == 3
    state = world
    for colour in sorted(colours):
        assert not state.is_done(task)
        skill = say_skill(f"{colour} block", f"{colour} bowl")
        state, succeeded = state.execute(skill, np.random.default_rng(0))
        assert succeeded
    assert state.is_done(task)


def test_an_unknown_task_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="matching"):
        catalog.sample("pairs", "matchin", 0)


def test_its_episodes_use_nothing_of_our_own() -> None:
    world, _ = open_scene(Scene(task="pairs.matching"))
    for method in METHODS:
        mix = settings_for("pairs", "matching", method).mix
        grounding = ground(world, mix)
        assert grounding.names == ("affordance",)
        assert grounding.values[0, -1] == 1.0, "ending is left to the model"
    assert ground(world, Mix(done=0.25)).values[0, -1] == 0.25


def test_grounding_beats_the_model_alone_there_in_the_shipped_episodes() -> None:
    rows, receipt, _ = read_records("pairs")
    assert receipt["habit"] is None
    found = Records(tuple(read_record(row) for row in rows), "m", {})
    result = comparison.compute(found, comparison.Params(world="pairs"))
    assert result.episodes == 20
    assert result.gains["greedy", "ungrounded"].low > 0
    words = draw_success(result).words
    assert "Nothing here is our addition" in words
    ended = {
        method: [
            len([c for c in one.commands if c != "done"])
            for one in found.records
            if one.method == method
        ]
        for method in METHODS
    }
    for method, counts in ended.items():
        assert result.commands[method] == pytest.approx(sum(counts) / 20)
    assert result.commands["beam"] < result.commands["greedy"]
    assert f"after {result.commands['beam']:.1f} and {result.commands['saycan']:.1f}" in words


def test_a_whole_sentence_is_less_probable_than_the_one_word_that_ends_the_plan() -> None:
    """Every word of the command is likelier than "done", and the command is not."""
    skills = ("pick up the white block", DONE)
    ids = {word: i for i, word in enumerate(("pick", "up", "the", "white", "block", "\n", DONE))}
    trie = SkillTrie.from_skills(skills, [[ids[w] for w in (*s.split(), "\n")] for s in skills])
    chance = {"pick": 0.8, "up": 0.9, "the": 0.9, "white": 0.2, "block": 0.9, "\n": 0.9, DONE: 0.19}
    words = {number: word for word, number in ids.items()}
    log = np.array([0.0, *(np.log(chance[words[int(t)]]) for t in trie.token[1:])])
    scores, ones = closed_scores(trie, log), np.ones(len(trie))
    closed = Rules(vocabulary="closed")
    assert skills[grounded_greedy(scores, ones, closed).skill or 0] == skills[0]
    assert skills[grounded_beam(scores, ones, 4, closed).best.skill or 0] == DONE
    assert skills[saycan(scores, np.ones(2)).skill] == DONE
    shared = replace(closed, length_exponent=1.0)
    assert skills[grounded_beam(scores, ones, 4, shared).best.skill or 0] == skills[0]
