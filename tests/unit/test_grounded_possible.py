"""Asking the model about possible skills alone: the same episodes, from fewer questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.grounded_client import ForgetfulClient, SameModel
from workbench.errors import InputError
from workbench.methods.grounded.decoder import PAPER, Rules
from workbench.methods.grounded.episode import METHODS, Settings, run
from workbench.methods.grounded.measure import settings_for
from workbench.methods.grounded.possible import PossibleSteps
from workbench.methods.grounded.prompts import kind_of, write_prompt
from workbench.methods.grounded.scores import LanguageScores, closed_scores
from workbench.methods.grounded.worlds import catalog


@settings(deadline=None, max_examples=12)
@given(
    st.sampled_from(["brown_box", "vowels", "stack_all", "maze.put_near", "kitchen.snack"]),
    st.integers(0, 30),
    st.sampled_from(METHODS),
)
def test_episodes_are_the_same_whether_all_skills_are_asked_or_the_possible_alone(
    name: str, seed: int, method: str
) -> None:
    world_name, _, template = name.rpartition(".")
    world_name = world_name or "tabletop"
    world, task = catalog.sample(world_name, template, seed, reliability=0.8)
    client = SameModel(world, seed)
    sparing = settings_for(world_name, template, method)
    assert sparing.only_possible

    def ask_all(history: Sequence[str]) -> LanguageScores:
        prompt = write_prompt(kind_of(world), task.instruction, history)
        return closed_scores((whole := client.after(prompt.text)).trie, whole.log_probability)

    some = PossibleSteps(client, "m", task, world)  # type: ignore[arg-type]
    first = run(world, task, sparing, some, seed)
    second = run(world, task, replace(sparing, only_possible=False), ask_all, seed)
    assert first.commands == second.commands
    assert first.outcome == second.outcome
    counts = [[step.tokens_scored for step in one.steps] for one in (first, second)]
    assert counts[0] == counts[1]
    if method != "ungrounded" and world_name != "maze":  # there no value is 0
        scored = [r for r in client.asked if r.operation == "language.score_skills"]
        assert all(len(r.arguments["skills"]) < len(world.skills()) for r in scored)  # type: ignore[arg-type]


def test_no_skill_is_asked_twice_after_the_same_steps() -> None:
    world, task = catalog.sample("tabletop", "brown_box", 0)
    client = SameModel(world, 3)
    score = PossibleSteps(client, "m", task, world)  # type: ignore[arg-type]
    wanted = np.zeros(len(world.skills()) + 1, dtype=bool)
    wanted[:5] = True
    first = score([], wanted)
    wanted[3:8] = True
    second = score([], wanted)
    assert len(client.asked[-1].arguments["skills"]) == 3  # type: ignore[arg-type]
    before = len(client.asked)
    assert score([], wanted).log_skill[7] == second.log_skill[7]
    assert len(client.asked) == before
    assert first.log_skill[:5] == pytest.approx(second.log_skill[:5])
    assert np.isneginf(second.log_skill[8:]).all()


def test_sparing_questions_are_refused_where_they_would_change_the_choice() -> None:
    with pytest.raises(ValueError, match="may be chosen"):
        Settings(rules=PAPER, only_possible=True)
    with pytest.raises(ValueError, match="may be chosen"):
        Settings(rules=Rules("closed", strength=0.0), only_possible=True)


def test_a_model_whose_tokens_depend_on_the_text_before_is_refused() -> None:
    world, task = catalog.sample("tabletop", "brown_box", 0)
    score = PossibleSteps(ForgetfulClient(), "m", task, world)  # type: ignore[arg-type]
    wanted = np.zeros(len(world.skills()) + 1, dtype=bool)
    wanted[0] = True  # a list of its own has token numbers of its own here
    with pytest.raises(InputError, match="choose another model"):
        score([], wanted)
