"""Greedy decoding from all words and few ends: the same plans, from fewer contexts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.grounded_client import ForgetfulClient, SameModel, WordClient
from tests.unit.grounded_tries import Case, cases, trie_of
from workbench.errors import InputError
from workbench.methods.grounded import theatre
from workbench.methods.grounded.asking import ask_scores, ask_steps
from workbench.methods.grounded.decoder import Rules, grounded_beam
from workbench.methods.grounded.episode import Episode, Settings, decode, run
from workbench.methods.grounded.greedy_steps import GreedySteps
from workbench.methods.grounded.moments import moments
from workbench.methods.grounded.prompts import write_prompt
from workbench.methods.grounded.saycan import saycan
from workbench.methods.grounded.scene import open_scene
from workbench.methods.grounded.scores import LanguageScores, add_ends
from workbench.methods.grounded.worlds import catalog
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.world import DONE
from workbench.server.api import canonical_json
from workbench.skill_trie import SkillTrie

ARRAYS = (
    "log_probability",
    "outside_log_probability",
    "outside_token",
    "outside_mass",
    "top_tokens",
    "top_log_probabilities",
)


class RestlessModel(SameModel):
    """After most commands it would rather say something else than end."""

    def after(self, prompt: str) -> LanguageScores:
        scores = super().after(prompt)
        ends = scores.trie.ends[np.arange(len(scores.trie.ends)) % 4 > 0]
        log_probability, outside = scores.log_probability, scores.outside_log_probability
        log_probability[scores.trie.first_child[ends]] = np.log(1e-6)
        outside[ends] = np.log1p(-1e-6)
        return scores


def without_ends(scores: LanguageScores, read: Sequence[int] = ()) -> LanguageScores:
    """What is left of whole scores when only some skills' ends are read."""
    trie = scores.trie
    ends = np.setdiff1d(trie.ends, trie.parent[trie.leaf_of_skill[list(read)]])
    log_probability, outside = scores.log_probability.copy(), scores.outside_log_probability.copy()
    token = scores.outside_token.copy()
    log_probability[trie.first_child[ends]] = np.nan
    outside[ends], token[ends] = -np.inf, -1
    return replace(
        scores,
        log_probability=log_probability,
        outside_log_probability=outside,
        outside_token=token,
    )


def assert_same(one: Episode, other: Episode) -> None:
    assert one.commands == other.commands
    assert one.outcome == other.outcome
    assert one.tokens_scored == other.tokens_scored
    first, second = moments(one), moments(other)
    assert len(first) == len(second)
    for here, there in zip(first, second, strict=True):
        for name in here.__dataclass_fields__:
            mine, others = getattr(here, name), getattr(there, name)
            if isinstance(mine, np.ndarray):
                np.testing.assert_array_equal(mine, others, err_msg=name)
            else:
                assert mine == others, name


def test_an_end_is_a_node_that_one_leaf_alone_follows() -> None:
    # 1 → 2 → leaf 9; 1 → leaf 9; 3 → leaves 4 and 5: after 1 and after 3 something is chosen
    skills = ["a", "b", "c", "d"]
    trie = SkillTrie.from_skills(skills, [[1, 2, 9], [1, 9], [3, 4], [3, 5]])
    assert [trie.token[trie.path(int(end))[-1]] for end in trie.ends] == [2]
    assert len(SkillTrie.from_skills(["a"], [[7]]).ends) == 0, "the root is always read"
    every = trie_of([(0, 1), (0, 2), (1,)])
    assert sorted(every.parent[every.leaf_of_skill]) == sorted(every.ends)


@settings(deadline=None)
@given(cases(), st.sampled_from(["greedy", "ungrounded"]), st.sampled_from(["open", "closed"]))
def test_greedy_words_do_not_depend_on_ends_that_were_not_read(
    case: Case, method: str, vocabulary: str
) -> None:
    how = Settings(method, Rules(vocabulary))
    whole = decode(case.scores, case.affordances, how, {})
    none = decode(without_ends(case.scores), case.affordances, how, {})
    count = len(whole.nodes)
    # the end may yet be left by another token, and then nothing but it differs
    assert none.nodes[: count - 1] == whole.nodes[: count - 1]
    if none.skill is None:
        assert (none.nodes, none.outside_token) == (whole.nodes, whole.outside_token)
    else:
        some = decode(without_ends(case.scores, [none.skill]), case.affordances, how, {})
        for name in ("nodes", "skill", "outside_token", "tokens_scored"):
            assert getattr(some, name) == getattr(whole, name)
        assert some.log_language == pytest.approx(whole.log_language)


@settings(deadline=None, max_examples=10)
@given(
    st.sampled_from(["matching", "vowels", "one_corner", "pairs.matching", "kitchen.snack"]),
    st.integers(0, 30),
    st.sampled_from(["greedy", "ungrounded"]),
    st.sampled_from(["open", "closed"]),
    st.sampled_from([SameModel, RestlessModel]),
)
def test_plans_are_those_of_the_whole_read(
    name: str, seed: int, method: str, vocabulary: str, model: type[SameModel]
) -> None:
    world_name, _, template = name.rpartition(".")
    world, task = catalog.sample(world_name or "tabletop", template, seed, reliability=0.8)
    clients = [model(world, seed) for _ in range(2)]
    how = Settings(method, Rules(vocabulary))
    nothing = np.zeros(len(world.skills()) + 1, dtype=bool)
    some = GreedySteps(clients[0], "m", task, world, nothing)  # type: ignore[arg-type]
    every = ask_steps(clients[1], "m", task, world)  # type: ignore[arg-type]
    assert_same(run(world, task, how, some, seed), run(world, task, how, every, seed))
    assert clients[0].contexts < clients[1].contexts


def test_the_token_that_leaves_the_list_at_an_unread_end_is_chosen() -> None:
    world, task = catalog.sample("tabletop", "matching", 0)
    nothing = np.zeros(len(world.skills()) + 1, dtype=bool)
    for vocabulary, has_left in (("open", True), ("closed", False)):
        client = RestlessModel(world, 4)
        score = GreedySteps(client, "m", task, world, nothing)  # type: ignore[arg-type]
        how = Settings("greedy", Rules(vocabulary, outside=0.5))
        (first, *_) = run(world, task, how, score).steps
        assert first.decoded is not None
        assert first.decoded.has_left == has_left
        assert int(first.scores.trie.child_count[first.decoded.nodes[-1]]) == has_left
        assert first.scores.is_read.sum() == 1
        if has_left:
            assert first.command.startswith("pick up the")
            assert moments(run(world, task, how, score))[-1].labels


def test_ends_read_later_are_those_of_the_whole_read() -> None:
    world, task = catalog.sample("tabletop", "stack_all", 2)
    skills, prompt = (*world.skills(), DONE), write_prompt("blocks", task.instruction, [])
    client = WordClient()
    whole = ask_scores(client, "m", prompt, skills)  # type: ignore[arg-type]
    order = np.random.default_rng(0).permutation(len(skills)).tolist()
    known, asked = order[:20], [order[10:100], order[100:300], order[300:]]
    found = ask_scores(client, "m", prompt, skills, ends=[skills[i] for i in known])  # type: ignore[arg-type]
    assert set(np.flatnonzero(found.is_read)) == set(known)
    with pytest.raises(ValueError, match="443 skills were not read"):
        found.log_skill  # noqa: B018  reading it is what fails
    for numbers in asked:
        part = ask_scores(client, "m", prompt, [skills[i] for i in numbers])  # type: ignore[arg-type]
        inner = np.setdiff1d(part.trie.internal, part.trie.ends)
        assert part.outside_mass[inner].max() > whole.outside_mass.max(), "a part leaves out more"
        found = add_ends(found, part, numbers)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name), err_msg=name)
    assert found.texts == whole.texts
    assert found.seconds == pytest.approx(4 * whole.seconds)


def test_who_compares_ends_is_not_given_scores_without_them() -> None:
    world, task = catalog.sample("tabletop", "stack_all", 2)
    nothing = np.zeros(len(world.skills()) + 1, dtype=bool)
    scores = GreedySteps(WordClient(), "m", task, world, nothing)([])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a beam weighs ends"):
        grounded_beam(scores, np.ones(len(scores.trie)), 2)
    with pytest.raises(ValueError, match="463 skills were not read"):
        saycan(scores, np.ones(len(nothing)))


def test_no_end_is_asked_for_twice() -> None:
    world, task = catalog.sample("tabletop", "stack_all", 2)
    client = WordClient()
    likely = np.arange(len(world.skills()) + 1) < 5
    score = GreedySteps(client, "m", task, world, likely)  # type: ignore[arg-type]
    assert score([]) is score([], likely)
    assert len(client.asked) == 1
    score([], np.roll(likely, 2))
    assert client.asked[-1].arguments["skills"] == list(world.skills()[5:7])
    score([], np.roll(likely, 2))
    assert len(client.asked) == 2


def test_a_model_whose_tokens_depend_on_the_text_before_is_refused() -> None:
    world, task = catalog.sample("tabletop", "stack_all", 2)
    nothing = np.zeros(len(world.skills()) + 1, dtype=bool)
    score = GreedySteps(ForgetfulClient(), "m", task, world, nothing)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="choose another model"):
        score([], ~nothing & (np.arange(len(nothing)) == 7))


# ---------------------------------------------------------------- the theatre


def play(client: WordClient, **values: Any) -> theatre.Result:
    params = theatre.Params(**values)
    return theatre.compute(theatre.gather(client, params), params)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [
        {"task": "matching"},
        {"task": "matching", "scene": 3, "vocabulary": "closed"},
        {"task": "stack_all", "scene": 1, "noise": 0.8},
        {"task": "mismatched", "scene": 2, "strength": 0.0},
        {"task": "pairs.matching", "taken_after": 1, "taken": "red block; red bowl"},
    ],
    ids=str,
)
def test_the_theatre_plays_as_with_the_whole_read(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [WordClient(), WordClient()]
    result = play(clients[0], **values)
    monkeypatch.setattr(theatre, "LONG", 10_000)
    expected = play(clients[1], **values)
    assert result.forced == expected.forced
    assert_same(result.grounded, expected.grounded)
    assert_same(result.alone, expected.alone)
    assert clients[0].contexts < 0.75 * clients[1].contexts
    assert any("ends" in one.arguments for one in clients[0].asked)
    assert not any("ends" in one.arguments for one in clients[1].asked)


def questions(client: WordClient) -> set[str]:
    return {canonical_json(dict(one.arguments)) for one in client.asked}


def first_steps(client: WordClient) -> set[str]:
    return {
        canonical_json(dict(one.arguments))
        for one in client.asked
        if str(one.arguments["prompt"]).endswith("Step 1:")
    }


def test_a_forced_token_may_lead_to_a_thing_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"task": "stack_all", "scene": 5, "vocabulary": "closed"}
    plain = play(WordClient(), **given)
    (first, *_) = plain.grounded.steps
    every = [m for m in moments(plain.grounded) if m.step == 0]
    place = max(range(len(every)), key=lambda i: len(every[i].tokens))
    row = int(np.argmin(every[place].grounding))
    assert every[place].grounding[row] == 0.0
    forced = str(place * theatre.CANDIDATES + row)
    client, whole = WordClient(), WordClient()
    result = play(client, **given, forced=forced)
    command = result.grounded.steps[0].command
    assert command != first.command
    assert [command] in [one.arguments["skills"] for one in client.asked]
    monkeypatch.setattr(theatre, "LONG", 10_000)
    assert_same(result.grounded, play(whole, **given, forced=forced).grounded)


def test_what_is_moved_or_taken_away_asks_nothing_new_about_the_same_step() -> None:
    given = {"task": "stack_all", "vocabulary": "closed", "scene": 4}
    world, _ = open_scene(theatre.Params(**given))
    assert isinstance(world, Tabletop)
    client = WordClient()
    play(client, **given)
    known = first_steps(client)
    commands = set()
    for thing in world.things:
        taken = WordClient()
        commands.add(play(taken, **given, taken=thing.name).grounded.commands[:1])
        assert first_steps(taken) <= known
    assert len(commands) > 1, "another command is chosen, and its end known"
    boards = ["red block@0.2,0.2; blue block@0.6,0.6", "blue block@0.2,0.7; red block@0.2,0.7"]
    laid = [WordClient(), WordClient()]
    for one, board in zip(laid, boards, strict=True):
        play(one, **given, board=board)
    assert first_steps(laid[0]) == first_steps(laid[1])


def test_a_look_at_another_moment_needs_no_answer() -> None:
    client = WordClient()
    params = theatre.Params(task="matching", vocabulary="closed")
    inputs = theatre.gather(client, params)  # type: ignore[arg-type]
    asked = questions(client)
    later = theatre.compute(inputs, replace(params, moment=9, tick=4))
    assert_same(later.grounded, theatre.compute(inputs, params).grounded)
    assert all(
        step.scores.is_read[step.skill] for step in later.grounded.steps if step.skill is not None
    )
    theatre.gather(client, params)  # type: ignore[arg-type]
    assert questions(client) == asked


def test_a_short_list_is_asked_for_whole_as_other_studies_ask() -> None:
    client = WordClient()
    play(client, task="brown_box")
    assert not any("ends" in one.arguments for one in client.asked)
