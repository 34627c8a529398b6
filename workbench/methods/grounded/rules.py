"""How the language model's word and the scene's are combined."""

from __future__ import annotations

from dataclasses import dataclass

OUTSIDE_VALUE = 1e-4
"""Value of a token that leaves the list of skills; positive, so that it can be chosen at all."""
COMBINATIONS = ("paper", "telescoped")
VOCABULARIES = ("open", "closed")


@dataclass(frozen=True, slots=True)
class Rules:
    """How language and grounding are combined.

    Args:
        vocabulary: "open" or "closed".
        outside: value of a token that leaves the trie, above 0.
        strength: λ, the exponent of p_G; 0 is the language model alone.
        combination: "paper" multiplies p_G of every prefix, "telescoped" only the last.
        length_exponent: finished hypotheses of a beam are ranked by score / length^α.
    """

    vocabulary: str = "open"
    outside: float = OUTSIDE_VALUE
    strength: float = 1.0
    combination: str = "paper"
    length_exponent: float = 0.0


PAPER = Rules()
