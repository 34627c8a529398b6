"""One forward pass a depth over a trie of token ids, each context read once.

The prompt's keys and values stand in one copy before every row; a node's own ones are taken from
its parent's row, so the work grows with the nodes and not with the skills times their length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.models.prefix_cache import Prefix
from workbench.server.operations import shared_prefix
from workbench.server.operations.forward import Row, cut_prefix, prefill, read_logits, step_tokens
from workbench.server.operations.scoring import shared_length
from workbench.skill_trie import SkillTrie

if TYPE_CHECKING:
    import torch

_ROWS = {"cpu": 256}
_ROWS_ACCELERATOR = 2048


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

    root = np.zeros(1, dtype=np.int64)
    cache = DynamicCache(config=loaded.model.config)
    yield from _expand(loaded, trie, int(stem[-1]), before, (root, cache), check)


def _expand(
    loaded: Any,
    trie: SkillTrie,
    last: int,
    before: Prefix,
    rows: tuple[np.ndarray, Any],
    check: Callable[[], None],
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Read some nodes of one depth and all that is below them."""
    import torch

    nodes, cache = rows
    check()
    depth = int(trie.depth[nodes[0]])
    tokens = torch.tensor(trie.token[nodes] if depth else [last], device=loaded.device)
    allowed = torch.ones(len(nodes), 1, 1, depth + 1, dtype=torch.bool, device=loaded.device)
    positions = torch.full((len(nodes), 1), before.tokens + depth, device=loaded.device)
    with torch.inference_mode(), shared_prefix.after(loaded.model, before):
        logits = loaded.model(
            input_ids=tokens.unsqueeze(1),
            position_ids=positions,
            attention_mask=allowed,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
    yield nodes, logits
    places = np.repeat(np.arange(len(nodes)), trie.child_count[nodes])
    following = np.concatenate([np.asarray(trie.children(int(node))) for node in nodes])
    goes_on = trie.child_count[following] > 0
    places, following = places[goes_on], following[goes_on]
    limit = _ROWS.get(loaded.device, _ROWS_ACCELERATOR)
    for start in range(0, len(following), limit):
        part = slice(start, start + limit)
        below = (following[part], _take(loaded, cache, places[part]))
        yield from _expand(loaded, trie, last, before, below, check)


def _take(loaded: Any, cache: Any, rows: np.ndarray) -> Any:
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
