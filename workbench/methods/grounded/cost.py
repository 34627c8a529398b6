"""How many tokens a language model reads to choose one command.

What the examples and the instruction cost is the same for every method and is left out.
"""

from __future__ import annotations

from workbench.skill_trie import SkillTrie


def every_skill_tokens(trie: SkillTrie) -> int:
    """Tokens of all skills: what SayCan reads when it scores each skill on its own."""
    return int(trie.depth[trie.leaf_of_skill].sum())


def shared_tokens(trie: SkillTrie) -> int:
    """Contexts in which a token of some skill follows: what SayCan needs with a shared cache."""
    return len(trie.internal)


def widest_branching(trie: SkillTrie) -> int:
    """Most tokens that may follow one prefix."""
    return int(trie.child_count.max())
