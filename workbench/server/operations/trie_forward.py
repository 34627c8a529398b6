"""Few forward passes over a trie of token ids, each context read once.

What follows a token without a choice is read in the same pass, so there are as many passes as
choices on the longest path, and not as many as tokens. The prompt's keys and values stand in one
copy before every row; a node's own are taken from its parent's row, so the work grows with the
nodes and not with the skills times their length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.models.prefix_cache import Prefix
from workbench.server.operations import shared_prefix
from workbench.server.operations.forward import Row, cut_prefix, prefill, read_logits, step_tokens
from workbench.server.operations.scoring import shared_length
from workbench.skill_trie import SkillTrie

if TYPE_CHECKING:
    import torch

_TOKENS = {"cpu": 256}
_TOKENS_ACCELERATOR = 2048
"""Most tokens of a pass: each takes the memory of a whole vocabulary of logits."""


def read_trie(
    loaded: Any,
    trie: SkillTrie,
    stem: Sequence[int],
    prefix: Sequence[int],
    check: Callable[[], None],
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Yield nodes with children and the logits of what follows them, ``(nodes, vocabulary)``.

    Args:
        loaded: a causal language model.
        trie: of token ids.
        stem: token ids of the whole prompt before the trie, at least one.
        prefix: token ids that most prompts begin with and whose keys and values are worth keeping.
        check: called between passes; may raise to stop.
    """
    before = _read_prompt(loaded, stem[:-1], prefix, check) if len(stem) > 1 else None
    if before is None:
        yield from _read_whole_paths(loaded, trie, stem, check)
        return
    from transformers import DynamicCache

    cache = DynamicCache(config=loaded.model.config)
    pending = [_Pass(_chains(trie, np.zeros(1, dtype=np.int64))[0], cache)]
    while pending:
        check()
        now = pending.pop()
        nodes = now.chains.ravel()
        yield nodes, _forward(loaded, trie, int(stem[-1]), before, now)
        ends = now.chains[:, -1]
        rows = np.repeat(np.arange(len(ends)), trie.child_count[ends])
        following = np.concatenate([np.asarray(trie.children(int(node))) for node in ends])
        goes_on = trie.child_count[following] > 0
        place = dict(zip(following.tolist(), rows.tolist(), strict=True))
        for chains in _chains(trie, following[goes_on]):
            limit = max(1, _TOKENS.get(loaded.device, _TOKENS_ACCELERATOR) // chains.shape[1])
            for start in range(0, len(chains), limit):
                part = chains[start : start + limit]
                taken = _take(loaded, now.cache, [place[int(node)] for node in part[:, 0]])
                pending.append(_Pass(part, taken))


@dataclass(frozen=True, eq=False)
class _Pass:
    """Nodes to read together.

    Args:
        chains: ``(rows, length)`` nodes of one depth, and after each the nodes that follow it
            without a choice.
        cache: keys and values of what stands between the prompt and each chain.
    """

    chains: np.ndarray
    cache: Any


def _chains(trie: SkillTrie, nodes: np.ndarray) -> list[np.ndarray]:
    """Nodes with children, each followed by those that can be read with it; by length."""
    found: dict[int, list[list[int]]] = defaultdict(list)
    for node in nodes.tolist():
        chain = [node]
        while trie.child_count[chain[-1]] == 1:
            following = int(trie.first_child[chain[-1]])
            if not trie.child_count[following]:
                break
            chain.append(following)
        found[len(chain)].append(chain)
    return [np.array(chains) for chains in found.values()]


def _forward(loaded: Any, trie: SkillTrie, last: int, before: Prefix, now: _Pass) -> torch.Tensor:
    """Logits ``(rows · length, vocabulary)`` of what follows each node of a pass."""
    import torch

    rows, length = now.chains.shape
    depth = int(trie.depth[now.chains[0, 0]])
    tokens = np.where(now.chains == 0, last, trie.token[now.chains])
    causal = torch.ones(length, depth + length, dtype=torch.bool, device=loaded.device)
    allowed = causal.tril(depth).expand(rows, 1, -1, -1)
    first = before.tokens + depth
    positions = torch.arange(first, first + length, device=loaded.device)
    with torch.inference_mode(), shared_prefix.after(loaded.model, before):
        logits = loaded.model(
            input_ids=torch.tensor(tokens, device=loaded.device),
            position_ids=positions.expand(rows, -1),
            attention_mask=allowed,
            past_key_values=now.cache,
            use_cache=True,
        ).logits
    return logits.flatten(0, 1)


def _take(loaded: Any, cache: Any, rows: Sequence[int]) -> Any:
    """A cache with some rows of another, each as often as wanted."""
    import torch
    from transformers import DynamicCache

    index = torch.tensor(rows, device=loaded.device)
    taken = DynamicCache(config=loaded.model.config)
    for number, layer in enumerate(cache.layers):
        taken.update(layer.keys[index], layer.values[index], number)
    return taken


def _read_prompt(
    loaded: Any, ids: Sequence[int], prefix: Sequence[int], check: Callable[[], None]
) -> Prefix | None:
    """Keys and values of a prompt; those of its prefix are kept for the next one.

    Returns:
        ``None`` when this model's memory is not plain keys and values for every token.
    """
    import torch
    from transformers import DynamicCache

    shared = shared_length(prefix, ids)
    if not shared:
        return prefill(loaded, ids, check, keep=False)
    kept = prefill(loaded, prefix, check, keep=True)
    if kept is None or shared == len(ids):
        return kept and cut_prefix(kept, shared)
    cache = DynamicCache(config=loaded.model.config)
    for number, (keys, values) in enumerate(cut_prefix(kept, shared).layers):
        cache.update(keys, values, number)
    tokens = torch.tensor([list(ids[shared:])], device=loaded.device)
    step = step_tokens(loaded.device)
    with torch.inference_mode():
        for start in range(0, tokens.shape[1], step):
            check()
            loaded.model.base_model(
                input_ids=tokens[:, start : start + step], past_key_values=cache, use_cache=True
            )
    layers: list[Any] = list(cache.layers)
    return Prefix(tuple((layer.keys, layer.values) for layer in layers), len(ids))


def _read_whole_paths(
    loaded: Any, trie: SkillTrie, stem: Sequence[int], check: Callable[[], None]
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Read every path from its start, for models whose memory cannot be shared between rows."""
    leaves = trie.leaf_of_skill[trie.order]
    seen: set[int] = set()
    rows: list[Row] = []
    read: list[list[int]] = []
    for leaf in leaves:
        path = [0, *trie.path(int(leaf))[:-1]]
        new = [node for node in path if node not in seen]
        if not new:
            continue
        seen.update(new)
        ids = (*stem, *(int(trie.token[node]) for node in path[1:]))
        rows.append(Row(ids, tuple(len(stem) - 1 + int(trie.depth[node]) for node in new)))
        read.append(new)
    for number, logits in read_logits(loaded, rows, None, check):
        yield np.array(read[number]), logits
