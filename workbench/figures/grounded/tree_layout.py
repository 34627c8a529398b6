"""Where the branches of a skill trie stand when only some of its leaves are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.grounded.scores import LanguageScores


@dataclass(frozen=True)
class Layout:
    """Branches that are shown; tokens without a choice between them are one branch.

    Args:
        last: ``(b,)`` node of the trie that each branch ends at, the root first.
        above: ``(b,)`` branch before each, -1 for the root.
        labels: text of each branch's tokens.
        x: ``(b,)`` column, 0 for the root.
        y: ``(b,)`` row; leaves stand at whole numbers from the top (0) down.
        is_leaf: ``(b,)``.
    """

    last: np.ndarray
    above: np.ndarray
    labels: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray
    is_leaf: np.ndarray


def choose_leaves(scores: LanguageScores, values: np.ndarray, most: int) -> np.ndarray:
    """Leaves worth showing: the likeliest by language alone, and by language times value.

    Args:
        scores: of the language model.
        values: ``(n,)`` p_G of every node.
        most: so many leaves at most.
    """
    leaves = scores.trie.leaf_of_skill
    language = scores.log_skill
    with np.errstate(divide="ignore"):
        product = language + np.log(values[leaves])
    by_language, by_product = np.argsort(-language), np.argsort(-product)
    alternating = np.stack([by_language, by_product], axis=1).ravel().tolist()
    return leaves[np.array(list(dict.fromkeys(alternating))[:most], dtype=np.int64)]


def lay_out(scores: LanguageScores, leaves: Sequence[int] | np.ndarray) -> Layout:
    """Place the branches that lead to some leaves.

    Args:
        scores: of the language model, with the text of every token.
        leaves: nodes to show; each once.
    """
    trie = scores.trie
    children: dict[int, list[int]] = {0: []}
    for leaf in leaves:
        before = 0
        for node in trie.path(int(leaf)):
            children.setdefault(node, [])
            if node not in children[before]:
                children[before].append(node)
            before = node
    rows: list[tuple[int, int, str, int]] = []  # node, branch above, label, column
    ys: dict[int, float] = {}
    leaf_row = 0

    def visit(node: int, above: int, column: int) -> float:
        nonlocal leaf_row
        label = scores.text(node) or "start"
        while len(children[node]) == 1 and above >= 0:
            node = children[node][0]
            label += scores.text(node)
        number = len(rows)
        rows.append((node, above, label, column))
        below = sorted(children[node], key=lambda child: -scores.log_prefix[child])
        if below:
            ys[number] = float(np.mean([visit(child, number, column + 1) for child in below]))
        else:
            ys[number], leaf_row = float(leaf_row), leaf_row + 1
        return ys[number]

    visit(0, -1, 0)
    last = np.array([row[0] for row in rows])
    return Layout(
        last,
        np.array([row[1] for row in rows]),
        tuple(row[2] for row in rows),
        np.array([float(row[3]) for row in rows]),
        np.array([ys[i] for i in range(len(rows))]),
        trie.child_count[last] == 0,
    )
