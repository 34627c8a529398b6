"""Grounded decoding: a language model and a grounding function choose each token together.

Huang et al. 2023 (arXiv:2303.00855), section 3 and algorithm 1:

    p_GD(w_1..N | s, l)  ∝  Π_n  p_LLM(w_n | w_1..n-1, l) · p_G(w_1..n | s)

The values of prefixes come from ``trie.prefix_value``. A token that leaves the list of skills has
the small value ``outside``: the open vocabulary keeps such tokens, the closed one masks them. Not
in the paper: the telescoped product (ratios of successive values, so that one final value remains),
the exponent ``strength`` of p_G, the length exponent of the beam.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from workbench.methods.grounded.rules import PAPER as PAPER
from workbench.methods.grounded.rules import Rules as Rules
from workbench.methods.grounded.scores import NO_TOKEN, LanguageScores


@dataclass(frozen=True, eq=False)
class Decoded:
    """One decoded command.

    Args:
        nodes: of the trie, from the first token on.
        skill: number of the skill, or ``None`` when it left the trie.
        outside_token: id of the token that left the trie, -1 when none did.
        score: log of the combined product, up to a constant.
        log_language: log p_LLM of all its tokens.
        log_grounding: sum of log p_G over its prefixes (paper) or of the last (telescoped),
            before the exponent.
        tokens_scored: contexts that the language model had to read to get here.
    """

    nodes: tuple[int, ...]
    skill: int | None
    outside_token: int
    score: float
    log_language: float
    log_grounding: float
    tokens_scored: int

    @property
    def has_left(self) -> bool:
        """Whether its last token is in no skill."""
        return self.outside_token != NO_TOKEN


@dataclass(frozen=True, eq=False)
class Candidates:
    """What may follow some nodes of the trie.

    Args:
        parent: ``(c,)`` place of the hypothesis that is continued.
        node: ``(c,)`` child, or the node itself when the token leaves the trie.
        token: ``(c,)`` id of the token.
        is_outside: ``(c,)`` bool.
        language: ``(c,)`` log p_LLM of the token.
        grounding: ``(c,)`` log p_G of the prefix that it makes.
    """

    parent: np.ndarray
    node: np.ndarray
    token: np.ndarray
    is_outside: np.ndarray
    language: np.ndarray
    grounding: np.ndarray


def expand(
    scores: LanguageScores, log_values: np.ndarray, nodes: np.ndarray, rules: Rules
) -> Candidates:
    """Every token that may follow some nodes: the children of each, then the way out.

    Args:
        scores: of the language model.
        log_values: ``(n,)`` log p_G of every node.
        nodes: ``(h,)`` internal nodes.
        rules: how to combine.
    """
    trie = scores.trie
    counts = trie.child_count[nodes]
    parent = np.repeat(np.arange(len(nodes)), counts)
    within = np.arange(len(parent)) - np.repeat(np.cumsum(counts) - counts, counts)
    node = trie.first_child[nodes][parent] + within
    token, is_outside = trie.token[node], np.zeros(len(node), dtype=bool)
    language, grounding = scores.highest[node], log_values[node]
    leaving = np.flatnonzero(scores.outside_token[nodes] != NO_TOKEN)
    if rules.vocabulary == "open" and len(leaving):
        out = nodes[leaving]
        joined = (
            (parent, leaving),
            (node, out),
            (token, scores.outside_token[out]),
            (is_outside, np.ones(len(out), dtype=bool)),
            (language, scores.outside_log_probability[out]),
            (grounding, np.full(len(out), np.log(rules.outside))),
        )
        parent, node, token, is_outside, language, grounding = map(np.concatenate, joined)
    return Candidates(parent, node, token, is_outside, language, grounding)


def grounded_greedy(
    scores: LanguageScores, values: np.ndarray, rules: Rules = PAPER, *, start: int = 0
) -> Decoded:
    """Choose the best token again and again until a skill ends (algorithm 1 of the paper).

    Where nothing has a value above 0, the language model decides alone.

    Args:
        scores: of the language model; n nodes.
        values: ``(n,)`` p_G of every prefix; see ``trie.prefix_value``.
        rules: how to combine; greedy choices are the same in paper and telescoped form.
        start: the node to begin at, when its tokens are forced.
    """
    return grounded_beam(scores, values, 1, rules, start=start).best


@dataclass(frozen=True, eq=False)
class Level:
    """One step of a beam search, candidates from the best to the worst.

    Args:
        candidates: what could follow; ``parent`` is the place among the kept of the level before
            that had not ended.
        score: ``(c,)`` combined log score of each hypothesis.
        log_language: ``(c,)`` of each hypothesis so far.
        log_grounding: ``(c,)`` of each hypothesis so far, before the exponent.
        kept: so many of the first are kept.
        is_finished: ``(c,)`` bool, whether the skill ends here.
    """

    candidates: Candidates
    score: np.ndarray
    log_language: np.ndarray
    log_grounding: np.ndarray
    kept: int
    is_finished: np.ndarray


@dataclass(frozen=True, eq=False)
class Beam:
    """A finished search: the best hypothesis, every finished one by score, and the steps."""

    best: Decoded
    finished: tuple[Decoded, ...]
    levels: tuple[Level, ...]


def grounded_beam(
    scores: LanguageScores, values: np.ndarray, width: int, rules: Rules = PAPER, *, start: int = 0
) -> Beam:
    """Keep the best ``width`` hypotheses at each token and give the best finished one.

    The paper does not state its width, only that the beam costs 4.3 times the tokens of greedy
    decoding. A hypothesis of value 0 is kept only while every one is. What follows in a hypothesis
    that left the trie is not scored: it is taken to be certain for the language model, and outside
    for the scene. It is given only when nothing finished.

    Args:
        scores: of the language model; n nodes.
        values: ``(n,)`` p_G of every prefix.
        width: hypotheses kept, at least 1; 1 is greedy decoding.
        rules: how to combine.
        start: the node to begin at, when its tokens are forced.

    Raises:
        ValueError: a width below 1, or above it with skills that were not read.
    """
    if width > 1 and not scores.is_read.all():
        raise ValueError("a beam weighs skills against each other; read them all")
    if width < 1:
        raise ValueError(f"width is {width}; at least 1 is needed")
    with np.errstate(divide="ignore"):
        log_values = np.log(np.asarray(values, dtype=np.float64))
    first = _begin(scores, log_values, rules, start)
    tokens = len(first.nodes)  # forced tokens are read too
    finished = [first] if first.skill is not None else []
    hypotheses = [first] if first.skill is None else []
    levels: list[Level] = []
    while alive := [h for h in hypotheses if not h.has_left]:
        tokens += len(alive)
        left = [_wait(h, rules) for h in hypotheses if h.has_left]
        level = _advance(scores, log_values, alive, rules)
        room = _share_places(level, left, width)
        living = int(np.isfinite(level.score).sum())
        if living or any(np.isfinite(h.score) for h in (*finished, *left)):
            room = min(room, living)
        level, left = replace(level, kept=room), left[: width - room]
        levels.append(level)
        following = _keep(level, alive, scores)
        finished += [h for h in following if h.skill is not None]
        following = [h for h in following if h.skill is None]
        hypotheses = sorted([*left, *following], key=lambda h: _rank(h, PAPER), reverse=True)
    ranked = sorted(finished, key=lambda h: _rank(h, rules), reverse=True)
    best = ranked[0] if ranked else max(hypotheses, key=lambda h: _rank(h, rules))
    counted = [replace(one, tokens_scored=tokens) for one in (best, *ranked)]
    return Beam(counted[0], tuple(counted[1:]), tuple(levels))


def _begin(scores: LanguageScores, log_values: np.ndarray, rules: Rules, start: int) -> Decoded:
    nodes = scores.trie.path(start)
    passed = log_values[list(nodes)] if nodes else np.zeros(1)
    grounding = float(passed.sum() if rules.combination == "paper" else passed[-1])
    language = float(scores.highest[list(nodes)].sum())
    score = language + _weigh(grounding, rules)
    skill = int(scores.trie.skill_of_leaf[start])
    return Decoded(nodes, skill if skill >= 0 else None, NO_TOKEN, score, language, grounding, 0)


def _weigh(grounding: float, rules: Rules) -> float:
    return rules.strength * grounding if rules.strength else 0.0  # 0 · log 0 is 0 here


def _wait(one: Decoded, rules: Rules) -> Decoded:
    """A hypothesis that left the trie, one token later."""
    if rules.combination != "paper":
        return one
    grounding = one.log_grounding + float(np.log(rules.outside))
    return replace(one, score=one.log_language + _weigh(grounding, rules), log_grounding=grounding)


def _share_places(level: Level, left: list[Decoded], width: int) -> int:
    """How many candidates are kept beside hypotheses that left the trie, the best of both.

    Args:
        level: candidates from the best to the worst.
        left: hypotheses from the best to the worst.
        width: places for both together.
    """
    places = 0
    for one in left[:width]:
        better = int(np.searchsorted(-level.score, -one.score, side="right"))
        if better + places >= width:
            break
        places += 1
    return min(width - places, len(level.score))


def _advance(
    scores: LanguageScores,
    log_values: np.ndarray,
    alive: list[Decoded],
    rules: Rules,
) -> Level:
    """Continue hypotheses by one token and rank what comes out."""
    nodes = np.array([h.nodes[-1] if h.nodes else 0 for h in alive])
    found = expand(scores, log_values, nodes, rules)
    language = np.array([h.log_language for h in alive])[found.parent] + found.language
    grounding = found.grounding
    if rules.combination == "paper":
        grounding = np.array([h.log_grounding for h in alive])[found.parent] + grounding
    score = language + (rules.strength * grounding if rules.strength else 0.0)
    # stable, so that of equals the first stays first; at -inf the language model decides
    order = np.lexsort((-language, -score))
    ends = ~found.is_outside & (scores.trie.child_count[found.node] == 0)
    sorted_candidates = Candidates(
        *(getattr(found, name)[order] for name in Candidates.__dataclass_fields__)
    )
    return Level(
        sorted_candidates,
        score[order],
        language[order],
        grounding[order],
        len(order),
        ends[order],
    )


def _keep(level: Level, alive: list[Decoded], scores: LanguageScores) -> list[Decoded]:
    skill_of_leaf = scores.trie.skill_of_leaf
    found = level.candidates
    kept: list[Decoded] = []
    for place in range(level.kept):
        before = alive[int(found.parent[place])].nodes
        is_outside = bool(found.is_outside[place])
        node = int(found.node[place])
        kept.append(
            Decoded(
                nodes=before if is_outside else (*before, node),
                skill=int(skill_of_leaf[node]) if level.is_finished[place] else None,
                outside_token=int(found.token[place]) if is_outside else NO_TOKEN,
                score=float(level.score[place]),
                log_language=float(level.log_language[place]),
                log_grounding=float(level.log_grounding[place]),
                tokens_scored=0,
            )
        )
    return kept


def _rank(one: Decoded, rules: Rules) -> tuple[float, float]:
    length = max(1, len(one.nodes) + one.has_left) ** rules.length_exponent
    return one.score / length, one.log_language / length
