"""What the language model says of every node of a skill trie, whatever the scene looks like."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from workbench.errors import InputError
from workbench.skill_trie import SkillTrie

NO_TOKEN = -1


@dataclass(frozen=True, eq=False)
class LanguageScores:
    """Log-probabilities of one language model after one prompt, in nats.

    They do not depend on the state of the world: whoever moves an object reads them again.

    Args:
        trie: n nodes.
        log_probability: ``(n,)`` of each node's token given the prompt and the path before it;
            0 for the root, NaN where the model was not asked what follows.
        outside_log_probability: ``(n,)`` of the most probable next token that leaves the trie;
            ``-inf`` for leaves and where no token leaves it.
        outside_token: ``(n,)`` its id, -1 where there is none.
        outside_mass: ``(n,)`` probability of all tokens that leave the trie together.
        top_tokens: ``(n, t)`` the most probable next tokens of all, -1 for leaves.
        top_log_probabilities: ``(n, t)``.
        texts: text of each token id that stands above.
        seconds: what the model took for it; 0 when unknown.
    """

    trie: SkillTrie
    log_probability: np.ndarray
    outside_log_probability: np.ndarray
    outside_token: np.ndarray
    outside_mass: np.ndarray
    top_tokens: np.ndarray
    top_log_probabilities: np.ndarray
    texts: Mapping[int, str] = field(default_factory=dict)
    seconds: float = 0.0

    @cached_property
    def is_read(self) -> np.ndarray:
        """``(m,)`` bool, whether the model was asked for a skill to its end."""
        return ~np.isnan(self.log_probability[self.trie.leaf_of_skill])

    @cached_property
    def highest(self) -> np.ndarray:
        """``(n,)`` log-probability, and its upper bound 0 where the model was not asked."""
        return np.where(np.isnan(self.log_probability), 0.0, self.log_probability)

    @cached_property
    def log_prefix(self) -> np.ndarray:
        """``(n,)`` log-probability of the whole path to each node.

        Raises:
            ValueError: the model was not asked for all skills.
        """
        if not self.is_read.all():
            raise ValueError(f"{(~self.is_read).sum()} skills were not read to their ends")
        return self.trie.sum_along_paths(self.log_probability)

    @property
    def log_skill(self) -> np.ndarray:
        """``(m,)`` log-probability of each whole skill, its terminator included."""
        return self.log_prefix[self.trie.leaf_of_skill]

    def beyond(self, skill: int) -> np.ndarray:
        """``(m,)`` bool, what goes on as a skill does from where the reading of it stopped."""
        path = [0, *self.trie.path(int(self.trie.leaf_of_skill[skill]))]
        found = np.zeros(len(self.trie.skills), dtype=bool)
        for node, following in itertools.pairwise(path):
            if np.isnan(self.log_probability[following]):
                found[self.trie.below(node)] = True
                break
        return found

    def text(self, node: int) -> str:
        """The text of a node's token; the root's is empty."""
        return self.texts.get(int(self.trie.token[node]), "")

    def text_of_path(self, node: int) -> str:
        """The text from the root to a node."""
        return "".join(self.text(one) for one in self.trie.path(node))


def nodes_within(whole: SkillTrie, part: SkillTrie, numbers: Sequence[int]) -> np.ndarray:
    """``(nodes of part,)`` where each node of a trie over some skills stands in that over all.

    Args:
        whole: over all skills.
        part: over some of them.
        numbers: which, in the order of the part.

    Raises:
        InputError: a skill has other tokens in the part.
    """
    found = np.zeros(len(part), dtype=np.int64)
    for leaf, number in zip(part.leaf_of_skill, numbers, strict=True):
        here = list(part.path(int(leaf)))
        there = list(whole.path(int(whole.leaf_of_skill[number])))
        if part.token[here].tolist() != whole.token[there].tolist():
            raise InputError(
                "This model's tokens of a skill depend on what stands before it; choose another "
                "model."
            )
        found[here] = there
    return found


def add_read(
    scores: LanguageScores, part: LanguageScores, numbers: Sequence[int]
) -> LanguageScores:
    """Scores with what was read of some skills by themselves.

    Of the part only nodes count that all skills of the whole trie which go on there are in: what
    leaves a shorter list need not leave the whole one.

    Args:
        scores: over all skills.
        part: over some of them, after the same prompt, with as many top tokens.
        numbers: which, in the order of the part.

    Raises:
        InputError: a skill has other tokens in the part.
    """
    whole, place = scores.trie, nodes_within(scores.trie, part.trie, numbers)
    node = part.trie.internal
    is_new = np.isnan(scores.log_probability[whole.first_child[place[node]]])
    node = node[is_new & (part.trie.child_count[node] == whole.child_count[place[node]])]
    child = np.flatnonzero(np.isin(part.trie.parent, node))

    def joined(name: str, at: np.ndarray = node) -> np.ndarray:
        values = getattr(scores, name).copy()
        values[place[at]] = getattr(part, name)[at]
        return values

    return replace(
        scores,
        log_probability=joined("log_probability", child),
        outside_log_probability=joined("outside_log_probability"),
        outside_token=joined("outside_token"),
        outside_mass=joined("outside_mass"),
        top_tokens=joined("top_tokens"),
        top_log_probabilities=joined("top_log_probabilities"),
        texts={**scores.texts, **part.texts},
        seconds=scores.seconds + part.seconds,
    )


def closed_scores(trie: SkillTrie, log_probability: np.ndarray) -> LanguageScores:
    """Scores of a language model that never leaves the trie.

    Args:
        trie: n nodes.
        log_probability: ``(n,)`` of each node's token given the path before it.
    """
    n = len(trie)
    return LanguageScores(
        trie=trie,
        log_probability=np.asarray(log_probability, dtype=np.float64),
        outside_log_probability=np.full(n, -np.inf),
        outside_token=np.full(n, NO_TOKEN),
        outside_mass=np.zeros(n),
        top_tokens=np.full((n, 0), NO_TOKEN),
        top_log_probabilities=np.zeros((n, 0)),
    )


def discount_prior(
    scores: LanguageScores, without_instruction: LanguageScores, beta: float
) -> LanguageScores:
    """Divide by what the model says without the instruction: p(w|ℓ) / p(w)^β.

    Not in the paper's decoder: its derivation (arXiv:2303.00855, section 3) takes p(w) to be
    uniform, which is β = 0; β = 1 takes that assumption back. The most probable outside token is
    no longer known under the quotient, so the result never leaves the trie when β > 0.

    Args:
        scores: after the prompt with the instruction.
        without_instruction: after the same prompt without it, over the same trie.
        beta: β, 0 or more.

    Raises:
        ValueError: the two are of different tries.
    """
    if len(scores.trie) != len(without_instruction.trie):
        raise ValueError("the two scores are of different skills")
    if beta == 0.0:
        return scores
    return replace(
        scores,
        log_probability=scores.log_probability - beta * without_instruction.log_probability,
        outside_log_probability=np.full(len(scores.trie), -np.inf),
    )
