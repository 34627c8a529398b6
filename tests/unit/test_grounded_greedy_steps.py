"""Greedy decoding from the commands that it comes by: the same plans, from fewer contexts."""

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
from workbench.methods.grounded.decoder import Decoded, Rules, grounded_beam
from workbench.methods.grounded.episode import Episode, Settings, decode, run
from workbench.methods.grounded.greedy_steps import GreedySteps
from workbench.methods.grounded.moments import moments
from workbench.methods.grounded.prompts import write_prompt
from workbench.methods.grounded.saycan import saycan
from workbench.methods.grounded.scene import open_scene
from workbench.methods.grounded.scores import LanguageScores, add_read, closed_scores
from workbench.methods.grounded.worlds import catalog
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.world import DONE
from workbench.server.api import canonical_json

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
        ends = scores.trie.parent[scores.trie.leaf_of_skill]
        ends = ends[np.arange(len(ends)) % 4 > 0]
        log_probability, outside = scores.log_probability, scores.outside_log_probability
        log_probability[scores.trie.first_child[ends]] = np.log(1e-6)
        outside[ends] = np.log1p(-1e-6)
        return scores


def read_only(scores: LanguageScores, skills: np.ndarray) -> LanguageScores:
    """What is left of whole scores when only some skills are read."""
    trie = scores.trie
    unread = np.setdiff1d(trie.internal, trie.leading_to(np.flatnonzero(skills)))
    log_probability, outside = scores.log_probability.copy(), scores.outside_log_probability.copy()
    token = scores.outside_token.copy()
    log_probability[np.isin(trie.parent, unread)] = np.nan
    outside[unread], token[unread] = -np.inf, -1
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


def test_the_nodes_that_lead_to_a_skill_are_those_on_its_path() -> None:
    trie = trie_of([(0, 1), (0, 2), (1,)])
    for skill, leaf in enumerate(trie.leaf_of_skill):
        assert trie.leading_to([skill]).tolist() == [0, *trie.path(int(leaf))[:-1]]
    assert trie.leading_to([]).tolist() == [0]
    assert trie.leading_to(range(3)).tolist() == trie.internal.tolist()


def decoded_or_refused(
    scores: LanguageScores, case: Case, how: Settings, forced: dict[int, int]
) -> Decoded | str:
    try:
        return decode(scores, case.affordances, how, forced)
    except InputError as error:
        return str(error)


@settings(deadline=None, max_examples=150)
@given(
    cases(),
    st.sampled_from(["greedy", "ungrounded"]),
    st.sampled_from(["open", "closed"]),
    st.integers(0, 2**9 - 1),
    st.dictionaries(st.integers(0, 3), st.integers(0, 2), max_size=2),
)
def test_reading_on_where_greedy_decoding_comes_to_ends_at_the_choice_of_the_whole(
    case: Case, method: str, vocabulary: str, first: int, forced: dict[int, int]
) -> None:
    how = Settings(method, Rules(vocabulary))
    whole = decoded_or_refused(case.scores, case, how, forced)
    read = np.array([bool(first >> i & 1) for i in range(len(case.affordances))])
    while True:
        scores = read_only(case.scores, read)
        assert np.all(scores.is_read[read])
        found = decoded_or_refused(scores, case, how, forced)
        if isinstance(found, str) or found.skill is None or scores.is_read[found.skill]:
            break
        more = scores.beyond(found.skill)
        assert more[found.skill]
        assert not scores.is_read[more].any()
        read |= more
    if isinstance(whole, str) or isinstance(found, str):
        assert found == whole
        return
    for name in ("nodes", "skill", "outside_token", "tokens_scored"):
        assert getattr(found, name) == getattr(whole, name)
    assert found.log_language == pytest.approx(whole.log_language)


def test_a_token_is_forced_only_behind_words_that_were_read() -> None:
    trie = trie_of([(0, 1, 1), (0, 2, 2), (1,)])
    log_probability = np.log(np.where(trie.token == 2, 0.9, 0.1))
    log_probability[0] = 0.0
    scores, values = closed_scores(trie, log_probability), np.array([0.9, 0.8, 0.9])
    how, forced = Settings("greedy", Rules("closed")), {0: 0, 2: 2}
    assert decode(scores, values, how, forced).skill == 1
    some = read_only(scores, np.array([False, False, True]))
    # unread, the scene alone would write another word, after which there is no such token
    found = decode(some, values, how, forced)
    assert found.skill == 0
    assert some.beyond(0).tolist() == [True, True, False]


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
    likely = np.random.default_rng(seed).random(len(world.skills()) + 1) < 0.1
    some = GreedySteps(clients[0], "m", task, world, likely)  # type: ignore[arg-type]
    every = ask_steps(clients[1], "m", task, world)  # type: ignore[arg-type]
    assert_same(run(world, task, how, some, seed), run(world, task, how, every, seed))


def test_the_token_that_leaves_the_list_where_nothing_was_read_is_chosen() -> None:
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
        assert 0 < first.scores.is_read.sum() < len(nothing)
        if has_left:
            assert first.command.startswith("pick up the")
            assert moments(run(world, task, how, score))[-1].labels


def test_skills_read_later_are_those_of_the_whole_read() -> None:
    world, task = catalog.sample("tabletop", "stack_all", 2)
    skills, prompt = (*world.skills(), DONE), write_prompt("blocks", task.instruction, [])
    client = WordClient()
    whole = ask_scores(client, "m", prompt, skills)  # type: ignore[arg-type]
    order = np.random.default_rng(0).permutation(len(skills)).tolist()

    def ask(numbers: Sequence[int]) -> LanguageScores:
        return ask_scores(client, "m", prompt, [skills[i] for i in numbers])  # type: ignore[arg-type]

    known = [skills[i] for i in order[:20]]
    found = ask_scores(client, "m", prompt, skills, paths=known)  # type: ignore[arg-type]
    assert {skills[i] for i in np.flatnonzero(found.is_read)} == set(known)
    with pytest.raises(ValueError, match="443 skills were not read"):
        found.log_skill  # noqa: B018  reading it is what fails
    part = ask(order[20:60])
    assert part.outside_mass.max() > whole.outside_mass.max(), "a part leaves out more"
    found, count = add_read(found, part, order[20:60]), 2
    is_known = ~np.isnan(found.log_probability)
    assert np.array_equal(found.log_probability[is_known], whole.log_probability[is_known])
    while not found.is_read.all():
        numbers = np.flatnonzero(found.beyond(int(np.argmin(found.is_read)))).tolist()
        found, count = add_read(found, ask(numbers), numbers), count + 1
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name), err_msg=name)
    assert found.texts == whole.texts
    assert found.seconds == pytest.approx(count * whole.seconds)


def test_who_compares_skills_is_not_given_unread_ones() -> None:
    world, task = catalog.sample("tabletop", "stack_all", 2)
    nothing = np.zeros(len(world.skills()) + 1, dtype=bool)
    scores = GreedySteps(WordClient(), "m", task, world, nothing)([])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a beam weighs skills"):
        grounded_beam(scores, np.ones(len(scores.trie)), 2)
    with pytest.raises(ValueError, match="463 skills were not read"):
        saycan(scores, np.ones(len(nothing)))


def test_no_skill_is_asked_for_twice() -> None:
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
    assert any("paths" in one.arguments for one in clients[0].asked)
    assert not any("paths" in one.arguments for one in clients[1].asked)


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
    asked: list[Any] = [one.arguments["skills"] for one in client.asked[1:]]
    assert any(command in skills and len(skills) < 50 for skills in asked)
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
    assert len(commands) > 1, "another command is chosen, and it was read"
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
    assert not any("paths" in one.arguments for one in client.asked)
