"""Grounded decoding against brute force over every sequence of tokens, and its properties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.grounded_tries import END, OUTSIDE, Case, cases, language_of, trie_of
from workbench.errors import InputError
from workbench.methods.grounded import (
    Rules,
    SkillTrie,
    grounded_beam,
    grounded_greedy,
    prefix_value,
    saycan,
)
from workbench.methods.grounded.cost import every_skill_tokens, shared_tokens, widest_branching
from workbench.methods.grounded.scores import LanguageScores, closed_scores, discount_prior

CLOSED = Rules(vocabulary="closed")
FEW = settings(max_examples=40, deadline=None)
MODES = st.sampled_from(["max", "mean", "sum"])
VOCABULARIES = st.sampled_from(["open", "closed"])
COMBINATIONS = st.sampled_from(["paper", "telescoped"])


def paths_of(trie: SkillTrie) -> dict[int, list[int]]:
    """Token ids of each skill, read back from parents alone."""
    found = {}
    for skill, leaf in enumerate(trie.leaf_of_skill):
        tokens, node = [], int(leaf)
        while node:
            tokens.append(int(trie.token[node]))
            node = int(trie.parent[node])
        found[skill] = tokens[::-1]
    return found


def value_by_hand(trie: SkillTrie, affordances: np.ndarray, prefix: list[int], mode: str) -> float:
    """The value of one prefix, straight from its definition."""
    below = [s for s, path in paths_of(trie).items() if path[: len(prefix)] == prefix]
    values = affordances[below]
    if mode == "max":
        return float(values.max())
    return float(values.mean() if mode == "mean" else values.sum() / len(affordances))


def product_by_hand(case: Case, skill: int, mode: str, rules: Rules) -> float:
    """log of Π p_LLM · p_G over the prefixes of one skill, token by token."""
    trie, tokens = case.scores.trie, paths_of(case.scores.trie)[skill]
    node, total = 0, 0.0
    values = []
    for n, token in enumerate(tokens):
        node = next(c for c in trie.children(node) if trie.token[c] == token)
        total += float(case.scores.log_probability[node])
        values.append(value_by_hand(trie, case.affordances, tokens[: n + 1], mode))
    with np.errstate(divide="ignore"):
        logs = np.log(values)
    return total + rules.strength * float(logs.sum() if rules.combination == "paper" else logs[-1])


def greedy_by_hand(case: Case, mode: str, rules: Rules) -> tuple[list[int], bool]:
    """Algorithm 1 of the paper over explicit token sequences: tokens, and whether it left."""
    trie, written = case.scores.trie, []
    node = 0
    while True:
        best, best_score, leaves = -1, -np.inf, False
        for child in trie.children(node):
            token = int(trie.token[child])
            value = value_by_hand(trie, case.affordances, [*written, token], mode)
            with np.errstate(divide="ignore"):
                score = case.scores.log_probability[child] + rules.strength * np.log(value)
            if score > best_score:
                best, best_score, leaves = child, score, False
        if rules.vocabulary == "open":
            score = case.scores.outside_log_probability[node] + rules.strength * np.log(
                rules.outside
            )
            if score > best_score:
                best, leaves = node, True
        if leaves:
            return [*written, OUTSIDE], True
        written.append(int(trie.token[best]))
        if written[-1] == END:
            return written, False
        node = best


def tokens_of(scores: LanguageScores, decoded: object) -> list[int]:
    nodes = decoded.nodes  # type: ignore[attr-defined]
    tokens = [int(scores.trie.token[node]) for node in nodes]
    return [*tokens, decoded.outside_token] if decoded.has_left else tokens  # type: ignore[attr-defined]


# ---------------------------------------------------------------- the trie


@FEW
@given(cases(), MODES)
def test_every_prefix_has_the_value_of_its_definition(case: Case, mode: str) -> None:
    trie = case.scores.trie
    values = prefix_value(trie, case.affordances, mode)
    for node in range(len(trie)):
        prefix = [int(trie.token[one]) for one in trie.path(node)]
        expected = value_by_hand(trie, case.affordances, prefix, mode)
        assert values[node] == pytest.approx(expected, abs=1e-12)


@FEW
@given(cases())
def test_values_of_children_make_that_of_their_parent(case: Case) -> None:
    trie = case.scores.trie
    highest, total = (prefix_value(trie, case.affordances, mode) for mode in ("max", "sum"))
    for node in trie.internal:
        below = list(trie.children(int(node)))
        assert highest[node] == highest[below].max()
        assert total[node] == pytest.approx(total[below].sum())
    for values in (highest, total):
        assert np.all(values[1:] <= values[trie.parent[1:]] + 1e-12)


@FEW
@given(cases(), st.integers(0, 1000))
def test_a_prior_weighs_the_sum_and_the_mean(case: Case, seed: int) -> None:
    trie = case.scores.trie
    prior = np.random.default_rng(seed).dirichlet(np.ones(len(case.affordances)))
    total = prefix_value(trie, case.affordances, "sum", prior)
    mean = prefix_value(trie, case.affordances, "mean", prior)
    for node in range(len(trie)):
        below = trie.below(node)
        expected = (prior[below] * case.affordances[below]).sum()
        assert total[node] == pytest.approx(expected)
        assert mean[node] == pytest.approx(expected / prior[below].sum())


@FEW
@given(cases())
def test_several_scenes_at_once_equal_one_by_one(case: Case) -> None:
    trie = case.scores.trie
    scenes = np.stack([case.affordances, case.affordances[::-1], case.affordances**2])
    together = prefix_value(trie, scenes)
    for scene, values in zip(scenes, together, strict=True):
        assert np.array_equal(prefix_value(trie, scene), values)


@FEW
@given(cases())
def test_the_trie_keeps_every_skill_and_no_other(case: Case) -> None:
    trie = case.scores.trie
    for skill, tokens in paths_of(trie).items():
        assert " ".join(map(str, tokens[:-1])) == trie.skills[skill]
        assert trie.skill_of_leaf[trie.leaf_of_skill[skill]] == skill
    assert sorted(np.flatnonzero(trie.child_count == 0)) == sorted(trie.leaf_of_skill)
    assert every_skill_tokens(trie) == sum(len(tokens) for tokens in paths_of(trie).values())
    prefixes = {tuple(t[:n]) for t in paths_of(trie).values() for n in range(len(t))}
    assert shared_tokens(trie) == len(prefixes)


def test_a_product_of_colours_and_shapes_is_shared_where_it_can_be() -> None:
    # 3 x 2 "pick" objects, 5 x 1 words between, 3 x 2 targets: branching and contexts by hand
    paths = [
        (70, a, b, 71, 72, c, d)
        for a in range(3)
        for b in range(10, 12)
        for c in range(3)
        for d in range(10, 12)
    ]
    trie = trie_of(paths)
    assert every_skill_tokens(trie) == 36 * 8
    # root, "pick", 3 colours, 6 objects, 6 "and", 6 "on", 18 colours, 36 targets before the end
    assert shared_tokens(trie) == 1 + 1 + 3 + 6 + 6 + 6 + 18 + 36
    assert widest_branching(trie) == 3


@pytest.mark.parametrize(
    ("skills", "tokens", "says"),
    [
        ([], [], "no skill"),
        (["go", "go"], [(1, END), (1, END)], "stands twice"),
        (["go", "go on"], [(1,), (1, 2)], "begins with all of"),
        (["go", ""], [(1,), ()], "has no token"),
    ],
)
def test_lists_that_make_no_trie_are_refused_in_words(
    skills: list[str], tokens: list[tuple[int, ...]], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        SkillTrie.from_skills(skills, tokens)


# ---------------------------------------------------------------- greedy


@FEW
@given(cases(), MODES, VOCABULARIES, st.sampled_from([0.5, 1.0, 2.0]))
def test_greedy_is_algorithm_1(case: Case, mode: str, vocabulary: str, strength: float) -> None:
    rules = Rules(vocabulary=vocabulary, outside=0.05, strength=strength)
    values = prefix_value(case.scores.trie, case.affordances, mode)
    decoded = grounded_greedy(case.scores, values, rules)
    tokens, left = greedy_by_hand(case, mode, rules)
    assert tokens_of(case.scores, decoded) == tokens
    assert decoded.has_left == left
    assert decoded.tokens_scored == len(tokens)
    if not left:
        assert decoded.score == pytest.approx(
            product_by_hand(case, decoded.skill or 0, mode, rules)
        )


@FEW
@given(cases())
def test_without_grounding_greedy_is_the_language_model(case: Case) -> None:
    ones = np.ones(len(case.scores.trie))
    for rules in (Rules(outside=1.0), Rules(strength=0.0)):
        values = ones if rules.strength else prefix_value(case.scores.trie, case.affordances)
        decoded = grounded_greedy(case.scores, values, rules)
        node = 0
        for token in tokens_of(case.scores, decoded):
            options = {
                int(case.scores.trie.token[c]): case.scores.log_probability[c]
                for c in case.scores.trie.children(node)
            }
            options[OUTSIDE] = case.scores.outside_log_probability[node]
            assert options[token] == max(options.values())
            following = [
                c for c in case.scores.trie.children(node) if case.scores.trie.token[c] == token
            ]
            node = following[0] if following else node


@FEW
@given(cases(outside=False, zeros=False))
def test_with_a_uniform_language_model_greedy_follows_the_values(case: Case) -> None:
    trie = case.scores.trie
    uniform = closed_scores(trie, np.zeros(len(trie)))
    values = prefix_value(trie, case.affordances)
    decoded = grounded_greedy(uniform, values)
    assert decoded.skill is not None
    assert case.affordances[decoded.skill] == case.affordances.max()


@FEW
@given(cases(), st.integers(1, 6), COMBINATIONS)
def test_closed_decoding_never_gives_an_infeasible_skill(
    case: Case, width: int, combination: str
) -> None:
    values = prefix_value(case.scores.trie, case.affordances)
    rules = Rules(vocabulary="closed", combination=combination)
    for found in grounded_beam(case.scores, values, width, rules).finished[:1]:
        assert case.affordances[found.skill] > 0.0
    skill = grounded_greedy(case.scores, values, rules).skill
    assert skill is not None
    assert case.affordances[skill] > 0.0
    assert case.affordances[saycan(case.scores, case.affordances).skill] > 0.0


@FEW
@given(cases(), VOCABULARIES)
def test_greedy_does_not_see_which_product_it_is(case: Case, vocabulary: str) -> None:
    values = prefix_value(case.scores.trie, case.affordances)
    paper, telescoped = (
        grounded_greedy(case.scores, values, Rules(vocabulary, combination=combination))
        for combination in ("paper", "telescoped")
    )
    assert paper.nodes == telescoped.nodes
    assert paper.outside_token == telescoped.outside_token


@FEW
@given(cases(), st.floats(0.01, 1.0))
def test_a_constant_factor_of_the_grounding_changes_no_greedy_choice(
    case: Case, factor: float
) -> None:
    values = prefix_value(case.scores.trie, case.affordances)
    one = grounded_greedy(case.scores, values, Rules(outside=0.01))
    other = grounded_greedy(case.scores, values * factor, Rules(outside=0.01 * factor))
    assert one.nodes == other.nodes
    assert one.outside_token == other.outside_token


def test_a_premature_end_costs_the_small_value() -> None:
    # the model wants to end after "pick": the terminator is no child there
    trie = trie_of([(1, 2), (1, 3)])
    rng = np.random.default_rng(0)
    scores = language_of(trie, rng, outside=0.3)
    node = next(c for c in trie.children(0) if trie.token[c] == 1)
    eager = np.array(scores.outside_log_probability)
    eager[node] = np.log(0.9)
    rest = np.array(scores.log_probability)
    rest[list(trie.children(node))] = np.log(0.05)
    scores = replace(scores, outside_log_probability=eager, log_probability=rest)
    values = prefix_value(trie, np.ones(2))
    assert grounded_greedy(scores, values).skill is not None
    assert grounded_greedy(scores, values, Rules(outside=0.2)).has_left


def test_an_almost_forbidden_word_is_chosen_only_when_nothing_else_is_alive() -> None:
    trie = trie_of([(1, 5), (1, 6)])
    log_probability = np.zeros(len(trie))
    red, green = (next(n for n in range(len(trie)) if trie.token[n] == t) for t in (5, 6))
    log_probability[red], log_probability[green] = np.log(0.999), np.log(0.001)
    scores = closed_scores(trie, log_probability)
    for other, expected in ((1.0, 1), (0.01, 1), (0.0, 0)):
        values = prefix_value(trie, np.array([1e-6, other]))
        assert grounded_greedy(scores, values).skill == expected
        assert grounded_beam(scores, values, 4).best.skill == expected


# ---------------------------------------------------------------- beam and SayCan


@FEW
@given(cases(), MODES, VOCABULARIES, COMBINATIONS)
def test_a_beam_of_one_is_greedy(case: Case, mode: str, vocabulary: str, combination: str) -> None:
    rules = Rules(vocabulary=vocabulary, outside=0.05, combination=combination)
    values = prefix_value(case.scores.trie, case.affordances, mode)
    beam = grounded_beam(case.scores, values, 1, rules).best
    tokens, left = greedy_by_hand(case, mode, rules)
    assert (tokens_of(case.scores, beam), beam.has_left) == (tokens, left)


def plain_beam(case: Case, width: int) -> tuple[list[tuple[tuple[int, ...], float]], int]:
    """The language model's own beam over explicit token sequences: the finished, contexts read."""
    trie, finished, alive, read = case.scores.trie, [], [((), 0, 0.0)], 0
    while alive:
        read += len(alive)
        grown = [
            ((*tokens, int(trie.token[n])), int(n), score + float(case.scores.log_probability[n]))
            for tokens, node, score in alive
            for n in trie.children(node)
        ]
        grown.sort(key=lambda one: -one[2])
        kept = grown[:width]
        finished += [(tokens, score) for tokens, _, score in kept if tokens[-1] == END]
        alive = [one for one in kept if one[0][-1] != END]
    return sorted(finished, key=lambda one: -one[1]), read


@FEW
@given(cases(), st.integers(1, 4), COMBINATIONS)
def test_without_grounding_a_beam_is_the_language_models_own(
    case: Case, width: int, combination: str
) -> None:
    expected, read = plain_beam(case, width)
    for rules in (Rules("closed", combination=combination), replace(CLOSED, strength=0.0)):
        values = np.ones(len(case.scores.trie))
        if not rules.strength:
            values = prefix_value(case.scores.trie, np.maximum(case.affordances, 0.01))
        beam = grounded_beam(case.scores, values, width, rules)
        found = [tuple(tokens_of(case.scores, one)) for one in beam.finished]
        assert sorted(found) == sorted(tokens for tokens, _ in expected)
        assert tuple(tokens_of(case.scores, beam.best)) == expected[0][0]
        assert beam.best.score == pytest.approx(expected[0][1])
        assert beam.best.tokens_scored == read


@FEW
@given(cases(), MODES, COMBINATIONS, st.sampled_from([0.5, 1.0, 3.0]))
def test_an_exhaustive_beam_is_brute_force(
    case: Case, mode: str, combination: str, strength: float
) -> None:
    rules = Rules("closed", combination=combination, strength=strength)
    values = prefix_value(case.scores.trie, case.affordances, mode)
    beam = grounded_beam(case.scores, values, 10_000, rules)
    products = np.array(
        [product_by_hand(case, s, mode, rules) for s in range(len(case.affordances))]
    )
    assert beam.best.score == pytest.approx(products.max())
    assert products[beam.best.skill] == pytest.approx(products.max())
    trie = case.scores.trie
    assert len(beam.finished) == np.isfinite(products).sum()
    assert beam.best.tokens_scored == (values[trie.internal] > 0).sum()  # the dead are not read


@FEW
@given(cases())
def test_an_exhaustive_telescoped_beam_with_the_value_at_the_leaf_is_saycan(case: Case) -> None:
    values = prefix_value(case.scores.trie, case.affordances)
    rules = Rules("closed", combination="telescoped")
    beam = grounded_beam(case.scores, values, 10_000, rules)
    chosen = saycan(case.scores, case.affordances)
    assert beam.best.skill == chosen.skill
    assert beam.best.score == pytest.approx(chosen.log_scores[chosen.skill])


@FEW
@given(cases(), st.floats(0.0, 3.0))
def test_saycan_is_brute_force_over_skills(case: Case, strength: float) -> None:
    tokens = paths_of(case.scores.trie)
    with np.errstate(divide="ignore"):
        expected = [
            product_by_hand(replace(case, affordances=np.ones(len(tokens))), s, "max", Rules())
            + (strength * np.log(case.affordances[s]) if strength else 0.0)
            for s in tokens
        ]
    found = saycan(case.scores, case.affordances, strength=strength)
    assert found.log_scores == pytest.approx(np.array(expected))
    assert found.log_scores[found.skill] == found.log_scores.max()


@FEW
@given(cases(), st.integers(1, 5))
def test_a_beam_reads_no_more_than_its_width_at_each_depth(case: Case, width: int) -> None:
    trie = case.scores.trie
    values = prefix_value(trie, case.affordances)
    read = grounded_beam(case.scores, values, width, CLOSED).best.tokens_scored
    # a wider one can read less than a narrower: what it keeps more may be what ends first
    per_depth = np.bincount(trie.depth[trie.internal][values[trie.internal] > 0])
    assert read <= np.minimum(per_depth, width).sum() <= shared_tokens(trie)


def test_what_left_the_list_soon_loses_its_place_in_the_beam_of_the_paper() -> None:
    # "well" (p = 0.9 outside) is far likelier than any skill at the first token
    trie = trie_of([(1, 2, 3), (4, 5, 6), (7, 8, 9)])
    log_probability = np.zeros(len(trie))
    first = list(trie.children(0))
    log_probability[first] = np.log([0.05, 0.03, 0.02])
    scores = replace(
        closed_scores(trie, log_probability),
        outside_log_probability=np.where(np.arange(len(trie)) == 0, np.log(0.9), -np.inf),
        outside_token=np.where(np.arange(len(trie)) == 0, OUTSIDE, -1),
    )
    values = prefix_value(trie, np.array([1.0, 1.0, 1.0]))
    rules = Rules(outside=0.1)  # outside 0.09 is the best first hypothesis, 0.009 one token later
    beam = grounded_beam(scores, values, 2, rules)
    # by hand: kept at the first token are "outside" and 0.05; at the second 0.05 alone is left
    assert [level.kept for level in beam.levels] == [2, 1, 1, 1]
    assert beam.best.skill == 0
    wide = grounded_beam(scores, values, 3, rules)
    assert [one.skill for one in wide.finished] == [0, 1]
    frozen = grounded_beam(scores, values, 2, replace(rules, combination="telescoped"))
    assert frozen.best.skill == 0


@FEW
@given(cases(), st.integers(1, 6), COMBINATIONS)
def test_a_beam_holds_no_more_than_its_width(case: Case, width: int, combination: str) -> None:
    values = prefix_value(case.scores.trie, case.affordances)
    rules = Rules(outside=0.2, combination=combination)
    for level in grounded_beam(case.scores, values, width, rules).levels:
        assert level.kept <= width
        assert np.array_equal(level.score, np.sort(level.score)[::-1])


def test_soft_values_early_in_the_command_mislead_the_paper_product_only() -> None:
    # "mean" gives the shared beginning of many half-good skills less than its one good rival
    trie = trie_of([(1, 2, 3), (4, 5, 6)])
    log_probability = np.log(np.array([1.0, 0.6, 0.4, 1, 1, 1, 1, 1, 1]))[: len(trie)]
    scores = closed_scores(trie, log_probability)
    values = prefix_value(trie, np.array([0.8, 1.0]))
    # by hand: 0.6 · 0.8^4 = 0.246 < 0.4 against 0.6 · 0.8 = 0.48 > 0.4
    assert grounded_beam(scores, values, 9, Rules("closed")).best.skill == 1
    assert (
        grounded_beam(scores, values, 9, Rules("closed", combination="telescoped")).best.skill == 0
    )


def test_forcing_a_token_replays_the_rest() -> None:
    trie = trie_of([(1, 2), (1, 3), (4, 5)])
    scores = language_of(trie, np.random.default_rng(3), outside=0.0)
    values = prefix_value(trie, np.ones(3))
    for start in trie.children(0):
        decoded = grounded_greedy(scores, values, CLOSED, start=start)
        assert decoded.nodes[0] == start
        assert decoded.tokens_scored == 3


def test_forcing_the_whole_command_leaves_nothing_to_choose() -> None:
    trie = trie_of([(1, 2), (1, 3)])
    scores = language_of(trie, np.random.default_rng(3), outside=0.3)
    for skill, leaf in enumerate(trie.leaf_of_skill):
        for width in (1, 3):
            beam = grounded_beam(scores, prefix_value(trie, np.ones(2)), width, start=int(leaf))
            assert beam.best.skill == skill
            assert beam.best.tokens_scored == 3
            assert beam.best.log_language == pytest.approx(scores.log_skill[skill])


@FEW
@given(cases(outside=False), st.sampled_from([0.0, 0.5, 1.0]))
def test_discounting_the_prior_subtracts_it(case: Case, beta: float) -> None:
    other = language_of(case.scores.trie, np.random.default_rng(1), outside=0.0)
    found = discount_prior(case.scores, other, beta)
    assert found.log_skill == pytest.approx(case.scores.log_skill - beta * other.log_skill)


@FEW
@given(cases())
def test_changing_the_scene_touches_no_language_score(case: Case) -> None:
    before = [a.tobytes() for a in (case.scores.log_probability, case.scores.outside_mass)]
    for affordances in (case.affordances, 1.0 - case.affordances):
        values = prefix_value(case.scores.trie, affordances)
        grounded_beam(case.scores, values, 3)
        saycan(case.scores, affordances)
    after = [a.tobytes() for a in (case.scores.log_probability, case.scores.outside_mass)]
    assert before == after


def test_a_beam_needs_a_width() -> None:
    trie = trie_of([(1,)])
    with pytest.raises(ValueError, match="at least 1"):
        grounded_beam(closed_scores(trie, np.zeros(len(trie))), np.ones(len(trie)), 0)
