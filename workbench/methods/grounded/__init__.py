"""Grounded Decoding (Huang et al., NeurIPS 2023, arXiv:2303.00855)."""

from __future__ import annotations

from workbench.methods.grounded.decoder import Rules, grounded_beam, grounded_greedy
from workbench.methods.grounded.saycan import saycan
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.trie import SkillTrie, prefix_value

__all__ = [
    "LanguageScores",
    "Rules",
    "SkillTrie",
    "grounded_beam",
    "grounded_greedy",
    "prefix_value",
    "saycan",
]
