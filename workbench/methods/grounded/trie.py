"""How much of what the robot can do is still ahead of a half-written command.

Huang et al. 2023 (arXiv:2303.00855), section 3: a grounding function scores a prefix of the
command, p_G(w_1..n | s), from the state alone. The paper learns it from commands cut short; here
it is computed exactly, from the values of the whole commands that begin with the prefix.
"""

from __future__ import annotations

import numpy as np

from workbench.skill_trie import SkillTrie as SkillTrie

MODES = ("max", "mean", "sum")
MODE_NAMES = ("Best completion", "Mean completion", "Sum over completions")


def prefix_value(
    trie: SkillTrie, affordances: np.ndarray, mode: str = "max", prior: np.ndarray | None = None
) -> np.ndarray:
    """The value of every prefix, from those of the whole skills below it.

    ``max`` says that some completion is feasible, as the paper describes it. ``sum`` adds
    prior times value over the completions, and ``mean`` divides that by the prior's own sum: how
    much of the mass is feasible. Both favour prefixes that many skills share.

    Args:
        trie: of m skills in n nodes.
        affordances: ``(…, m)`` value of each skill in [0, 1].
        mode: "max", "mean" or "sum".
        prior: ``(m,)`` weight of each skill for "mean" and "sum"; equal weights when ``None``.

    Returns:
        ``(…, n)`` float64; the root first, and at the leaf of a skill its own value (times its
        prior under "sum").

    Raises:
        ValueError: no such mode, or weights for "max".
    """
    values = np.asarray(affordances, dtype=np.float64)[..., trie.order]
    if mode == "max":
        if prior is not None:
            raise ValueError("the best completion needs no prior")
        return _reduce(np.maximum, values, trie)
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; choose one of {', '.join(MODES)}")
    count = len(trie.skills)
    weights = np.full(count, 1.0 / count) if prior is None else np.asarray(prior, dtype=np.float64)
    weights = weights[trie.order]
    sums = _reduce(np.add, values * weights, trie)
    return sums if mode == "sum" else sums / _reduce(np.add, weights, trie)


def _reduce(operation: np.ufunc, values: np.ndarray, trie: SkillTrie) -> np.ndarray:
    """Reduce sorted skills over each node's range."""
    # reduceat wants each end inside the array, so one element more stands behind the last skill
    padded = np.concatenate([values, values[..., -1:]], axis=-1)
    bounds = np.stack([trie.begin, trie.end], axis=1).ravel()
    return operation.reduceat(padded, bounds, axis=-1)[..., ::2]
