"""Grounded Decoding (Huang et al., NeurIPS 2023, arXiv:2303.00855)."""

from __future__ import annotations

from workbench.methods.grounded.comparison import COMPARISON
from workbench.methods.grounded.decoder import Rules, grounded_beam, grounded_greedy
from workbench.methods.grounded.kitchen import KITCHEN
from workbench.methods.grounded.manifold import MANIFOLD
from workbench.methods.grounded.mixer import MIXER
from workbench.methods.grounded.one_step import BEAM, TRIE
from workbench.methods.grounded.race import COST
from workbench.methods.grounded.saycan import saycan
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.telling import TELLING
from workbench.methods.grounded.theatre import THEATRE
from workbench.methods.grounded.trie import SkillTrie, prefix_value

STUDIES = (COMPARISON, THEATRE, TRIE, MIXER, BEAM, COST, MANIFOLD, TELLING, KITCHEN)

__all__ = [
    "STUDIES",
    "LanguageScores",
    "Rules",
    "SkillTrie",
    "grounded_beam",
    "grounded_greedy",
    "prefix_value",
    "saycan",
]
