"""What was weighed when each token of a plan was chosen: the model's word against the scene's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.grounded.decoder import Rules
from workbench.methods.grounded.episode import Episode, Step
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.trie import prefix_value

CANDIDATES = 10


@dataclass(frozen=True, eq=False)
class Moment:
    """One token about to be chosen, and up to ten that could be.

    Args:
        step: number of the step in the plan, from 0.
        place: number of the token in its step, from 0.
        written: the step's text so far.
        tokens: ``(c,)`` token ids, the likeliest by language first.
        labels: their texts.
        language: ``(c,)`` p_LLM of each.
        grounding: ``(c,)`` p_G of the prefix that each makes.
        product: ``(c,)`` p_LLM · p_G^λ, divided by its largest.
        chosen: row of the token that was chosen.
    """

    step: int
    place: int
    written: str
    tokens: np.ndarray
    labels: tuple[str, ...]
    language: np.ndarray
    grounding: np.ndarray
    product: np.ndarray
    chosen: int


def moments(episode: Episode) -> tuple[Moment, ...]:
    """Every token of an episode's decoded steps, in order; SayCan's steps have none."""
    found: list[Moment] = []
    for number, step in enumerate(episode.steps):
        if step.decoded is None:
            continue
        is_grounded = episode.settings.method != "ungrounded"
        values = (
            prefix_value(step.scores.trie, step.grounding.product, episode.settings.mode)
            if is_grounded
            else np.ones(len(step.scores.trie))
        )
        rules = episode.settings.rules
        outside = rules if is_grounded else Rules(outside=1.0, strength=rules.strength)
        found += _of_step(number, step, values, outside)
    return tuple(found)


def _of_step(number: int, step: Step, values: np.ndarray, rules: Rules) -> list[Moment]:
    decoded, scores = step.decoded, step.scores
    if decoded is None:
        return []
    tokens = [int(scores.trie.token[node]) for node in decoded.nodes]
    if decoded.has_left:
        tokens.append(decoded.outside_token)
    nodes = [0, *decoded.nodes]
    return [
        weigh(scores, values, nodes[place], chosen, rules, (number, place))
        for place, chosen in enumerate(tokens)
    ]


def most_overruled(every: Sequence[Moment]) -> int:
    """Number of the token where the language model was surest of another one than was chosen.

    The first of equals; 0, the first token, where it was never overruled.
    """
    lost = [
        float(m.language.max()) if int(np.argmax(m.language)) != m.chosen else 0.0 for m in every
    ]
    return int(np.argmax(lost)) if lost else 0


def blame(step: Step, moment: Moment, row: int) -> str:
    """The grounder that gives least to the best command which goes on with a candidate.

    Args:
        step: the step that the moment belongs to.
        moment: one of its tokens.
        row: of the candidate.

    Returns:
        A name of ``Grounding.names``; empty when no command goes on so, or no grounder is on.
    """
    ahead = skills_ahead(step, moment, row)
    if not len(ahead) or not step.grounding.names:
        return ""
    best = ahead[int(np.argmax(step.grounding.product[ahead]))]
    return step.grounding.names[int(np.argmin(step.grounding.values[:, best]))]


def skills_ahead(step: Step, moment: Moment, row: int) -> np.ndarray:
    """Numbers of the skills that begin with what is written and a candidate; none outside them."""
    if step.decoded is None:
        return np.array([], dtype=np.int64)
    trie, before = step.scores.trie, step.decoded.nodes[: moment.place]
    for child in trie.children(before[-1] if before else 0):
        if trie.token[child] == moment.tokens[row]:
            return np.asarray(trie.below(child))
    return np.array([], dtype=np.int64)


def weigh(
    scores: LanguageScores,
    values: np.ndarray,
    node: int,
    chosen: int,
    rules: Rules,
    where: tuple[int, int] = (0, 0),
) -> Moment:
    """What was weighed at one node of the trie.

    Args:
        scores: of the language model; n nodes.
        values: ``(n,)`` p_G of every node.
        node: where the token is chosen.
        chosen: id of the token that was.
        rules: how the two were combined.
        where: step and place of the token.
    """
    trie = scores.trie
    child = {int(trie.token[c]): c for c in trie.children(node)}
    language = {
        int(token): float(log)
        for token, log in zip(
            scores.top_tokens[node], scores.top_log_probabilities[node], strict=True
        )
        if token >= 0
    }
    if rules.vocabulary == "closed":
        language = {token: log for token, log in language.items() if token in child}
    elif scores.outside_token[node] >= 0:
        language[int(scores.outside_token[node])] = float(scores.outside_log_probability[node])
    language |= {token: float(scores.log_probability[c]) for token, c in child.items()}
    ids = np.array(list(language))
    log_language = np.array(list(language.values()))
    value = np.array([values[child[t]] if t in child else rules.outside for t in ids.tolist()])
    with np.errstate(divide="ignore"):
        log_product = log_language + (rules.strength * np.log(value) if rules.strength else 0.0)
    kept = _keep(ids, log_language, log_product, chosen)
    highest = log_product[kept].max()
    product = np.exp(log_product[kept] - highest) if np.isfinite(highest) else np.zeros(len(kept))
    return Moment(
        *where,
        scores.text_of_path(node),
        ids[kept],
        tuple(scores.texts.get(int(token), "") for token in ids[kept]),
        np.exp(log_language[kept]),
        value[kept],
        product,
        int(np.flatnonzero(ids[kept] == chosen)[0]),
    )


def _keep(
    ids: np.ndarray, log_language: np.ndarray, log_product: np.ndarray, chosen: int
) -> np.ndarray:
    """The chosen one, the likeliest by language and the best by product, in order of language."""
    by_language, by_product = np.argsort(-log_language), np.argsort(-log_product)
    order = [int(np.flatnonzero(ids == chosen)[0]), *by_language[:6], *by_product, *by_language]
    kept = list(dict.fromkeys(int(place) for place in order))[:CANDIDATES]
    return np.array(sorted(kept, key=lambda place: -log_language[place]))
