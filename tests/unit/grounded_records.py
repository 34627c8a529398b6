"""Language scores made without a model: words as tokens, seeded probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.methods.grounded.scores import LanguageScores
from workbench.skill_trie import SkillTrie


def word_scores(skills: Sequence[str], seed: int = 0, leak: float = 0.05) -> LanguageScores:
    """Scores of a made-up language model over words.

    Args:
        skills: to score; each ends with a line break of its own.
        seed: of the probabilities.
        leak: share of each choice that goes to words which begin no skill.
    """
    words = [[*(f" {word}" for word in skill.split()), "\n"] for skill in skills]
    vocabulary = sorted({word for skill in words for word in skill})
    number = {word: i for i, word in enumerate(vocabulary)}
    trie = SkillTrie.from_skills(skills, [[number[word] for word in skill] for skill in words])
    rng = np.random.default_rng(seed)
    n = len(trie)
    log_probability = np.zeros(n)
    top = np.full((n, 10), -1)
    log_top = np.full((n, 10), -np.inf)
    for node in trie.internal.tolist():
        below = list(trie.children(node))
        chances = (1.0 - leak) * rng.dirichlet(np.full(len(below), 0.4))
        log_probability[below] = np.log(np.maximum(chances, 1e-12))
        order = sorted(below, key=lambda child: -log_probability[child])[:10]
        top[node, : len(order)] = trie.token[order]
        log_top[node, : len(order)] = log_probability[order]
    outside = np.full(n, -np.inf)
    outside[trie.internal] = np.log(leak)
    mass = np.zeros(n)
    mass[trie.internal] = leak
    token = np.full(n, -1)
    token[trie.internal] = len(vocabulary)
    texts = {**dict(enumerate(vocabulary)), len(vocabulary): " well"}
    return LanguageScores(trie, log_probability, outside, token, mass, top, log_top, texts)
