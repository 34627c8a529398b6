"""Skills in tokens, as a trie: what they begin with in common is one path.

The model server scores the nodes of such a trie and the decoders of ``methods/grounded`` walk it;
both build it from the same tokens, so a node has the same number on both sides.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError


@dataclass(frozen=True, eq=False)
class SkillTrie:
    """A trie over token ids; node 0 is its root, before the first token.

    Nodes are numbered by depth and, within a depth, in the order of their token ids from the root,
    so the children of a node stand together. Every skill ends at a leaf, because its last token
    (the terminator) stands nowhere else.

    Args:
        skills: m texts.
        parent: ``(n,)`` int64, -1 for the root.
        token: ``(n,)`` int64 token id that leads to the node, -1 for the root.
        depth: ``(n,)`` int64 number of tokens from the root.
        first_child: ``(n,)`` int64; the children are ``first_child`` and the ``child_count - 1``
            nodes after it.
        child_count: ``(n,)`` int64, 0 for leaves.
        leaf_of_skill: ``(m,)`` int64 node at which each skill ends.
        order: ``(m,)`` int64 the skills sorted by their token ids.
        begin: ``(n,)`` int64; below a node lie the skills ``order[begin:end]``.
        end: ``(n,)`` int64.
    """

    skills: tuple[str, ...]
    parent: np.ndarray
    token: np.ndarray
    depth: np.ndarray
    first_child: np.ndarray
    child_count: np.ndarray
    leaf_of_skill: np.ndarray
    order: np.ndarray
    begin: np.ndarray
    end: np.ndarray

    @classmethod
    def from_skills(cls, skills: Sequence[str], token_ids: Sequence[Sequence[int]]) -> SkillTrie:
        """Build the trie of some skills.

        Args:
            skills: m different texts.
            token_ids: the tokens of each, leading space and terminator included.

        Raises:
            InputError: no skill, a skill without tokens, two equal skills, or a skill that
                another begins with.
        """
        if not skills:
            raise InputError("There is no skill to choose from; give at least one.")
        paths = [tuple(int(token) for token in one) for one in token_ids]
        order = sorted(range(len(skills)), key=paths.__getitem__)
        _refuse_unclear(skills, paths, order)
        parent, token, depth, begin, end = [-1], [-1], [0], [0], [len(order)]
        leaf_of_skill = np.zeros(len(order), dtype=np.int64)
        node = 0
        while node < len(parent):
            # begun at the node's first skill; a skill that ends here is alone below the node
            length, place = depth[node], begin[node]
            if len(paths[order[place]]) == length:
                leaf_of_skill[order[place]] = node
            else:
                while place < end[node]:
                    following = paths[order[place]][length]
                    start = place
                    while place < end[node] and paths[order[place]][length] == following:
                        place += 1
                    for column, value in zip(
                        (parent, token, depth, begin, end),
                        (node, following, length + 1, start, place),
                        strict=True,
                    ):
                        column.append(value)
            node += 1
        above = np.array(parent[1:], dtype=np.int64)
        count = np.bincount(above, minlength=len(parent))
        return cls(
            skills=tuple(skills),
            parent=np.array(parent),
            token=np.array(token),
            depth=np.array(depth),
            first_child=1 + np.concatenate([[0], np.cumsum(count)[:-1]]),
            child_count=count,
            leaf_of_skill=leaf_of_skill,
            order=np.array(order),
            begin=np.array(begin),
            end=np.array(end),
        )

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def internal(self) -> np.ndarray:
        """Numbers of the nodes with children: the contexts in which a token is to be chosen."""
        return np.flatnonzero(self.child_count)

    @property
    def skill_of_leaf(self) -> np.ndarray:
        """``(n,)`` int64 number of the skill that ends at a node, -1 elsewhere."""
        found = np.full(len(self), -1, dtype=np.int64)
        found[self.leaf_of_skill] = np.arange(len(self.skills))
        return found

    def children(self, node: int) -> range:
        """Nodes one token further."""
        first = int(self.first_child[node])
        return range(first, first + int(self.child_count[node]))

    def path(self, node: int) -> tuple[int, ...]:
        """Nodes from the first token to this one, the root left out."""
        found: list[int] = []
        while node > 0:
            found.append(node)
            node = int(self.parent[node])
        return tuple(reversed(found))

    def leading_to(self, skills: Sequence[int] | np.ndarray) -> np.ndarray:
        """Numbers of the nodes after which some skills go on, the root always among them."""
        found = np.zeros(len(self), dtype=bool)
        found[0] = True
        nodes = self.parent[self.leaf_of_skill[np.asarray(skills, dtype=np.int64)]]
        while len(nodes := nodes[~found[nodes]]):
            found[nodes] = True
            nodes = self.parent[nodes]
        return np.flatnonzero(found)

    def below(self, node: int) -> np.ndarray:
        """Numbers of the skills that begin as this node does."""
        return self.order[self.begin[node] : self.end[node]]

    def sum_along_paths(self, values: np.ndarray) -> np.ndarray:
        """Add up values of the nodes from the root to each node.

        Args:
            values: ``(…, n)``.

        Returns:
            ``(…, n)``.
        """
        total = np.array(values, dtype=np.float64)
        for level in range(1, int(self.depth.max()) + 1):
            here = np.flatnonzero(self.depth == level)
            total[..., here] += total[..., self.parent[here]]
        return total


def _refuse_unclear(
    skills: Sequence[str], paths: Sequence[tuple[int, ...]], order: Sequence[int]
) -> None:
    if len(skills) != len(paths):
        raise ValueError(f"{len(skills)} skills with the tokens of {len(paths)}")
    for skill, path in zip(skills, paths, strict=True):
        if not path:
            raise InputError(f"The skill {skill[:60]!r} has no token; give it some text.")
    for first, second in itertools.pairwise(order):
        if paths[first] == paths[second]:
            raise InputError(
                f"The skill {skills[second][:60]!r} stands twice in the list; give the two objects "
                "different names."
            )
        if paths[second][: len(paths[first])] == paths[first]:
            raise InputError(
                f"The skill {skills[second][:60]!r} begins with all of {skills[first][:60]!r}; "
                "end every skill with a terminator."
            )
