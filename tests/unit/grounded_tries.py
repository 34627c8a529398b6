"""Random skill tries, language models over them and values, for the tests of grounded decoding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from workbench.methods.grounded.scores import NO_TOKEN, LanguageScores
from workbench.methods.grounded.trie import SkillTrie

END = 99
"""The terminator."""
OUTSIDE = 98
"""A token that is in no skill."""


@dataclass(frozen=True)
class Case:
    """One random problem."""

    scores: LanguageScores
    affordances: np.ndarray


def trie_of(paths: list[tuple[int, ...]]) -> SkillTrie:
    return SkillTrie.from_skills(
        [" ".join(map(str, path)) for path in paths], [(*path, END) for path in paths]
    )


def language_of(trie: SkillTrie, rng: np.random.Generator, *, outside: float) -> LanguageScores:
    """A language model that at each node gives some probability to one outside token."""
    n = len(trie)
    log_probability, log_outside = np.zeros(n), np.full(n, -np.inf)
    for node in trie.internal:
        weights = rng.dirichlet(np.ones(int(trie.child_count[node]) + 1) * 0.7) + 1e-9
        if not outside:
            weights[-1] = 0.0
        weights /= weights.sum()
        log_probability[list(trie.children(int(node)))] = np.log(weights[:-1])
        if outside:
            log_outside[node] = np.log(weights[-1])
    return LanguageScores(
        trie=trie,
        log_probability=log_probability,
        outside_log_probability=log_outside,
        outside_token=np.where(np.isfinite(log_outside), OUTSIDE, NO_TOKEN),
        outside_mass=np.exp(log_outside),
        top_tokens=np.full((n, 0), NO_TOKEN),
        top_log_probabilities=np.zeros((n, 0)),
        texts={token: f" {token}" for token in range(100)},
    )


@st.composite
def cases(draw: st.DrawFn, *, outside: bool = True, zeros: bool = True) -> Case:
    """A trie of 1 to 9 skills of 1 to 4 tokens, a language model and affordances."""
    paths = draw(
        st.lists(
            st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple),
            min_size=1,
            max_size=9,
            unique=True,
        )
    )
    trie = trie_of(paths)
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    affordances = rng.uniform(0.01, 1.0, len(paths))
    if zeros:
        affordances[rng.random(len(paths)) < 0.4] = 0.0
        affordances[draw(st.integers(0, len(paths) - 1))] = rng.uniform(0.1, 1.0)
    return Case(language_of(trie, rng, outside=0.3 if outside else 0.0), affordances)
