"""Few forward passes over a trie of token ids, each context read once.

The tokens of a trie are known before it is read, so nodes of every depth share a pass: they stand
behind one another, depth first, and each looks at the prompt, at the nodes that lead to it and at
nothing else. There are as many passes as the nodes fill, whatever the length of the paths; between
two of them only the path to the next node is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.models.prefix_cache import Prefix, shared_length
from workbench.server.operations.forward import Row, cut_prefix, prefill, read_logits, step_tokens
from workbench.skill_trie import SkillTrie

if TYPE_CHECKING:
    import torch

_TOKENS = {"cpu": 256}
_TOKENS_ACCELERATOR = 2048
"""Most tokens of a pass: each takes the memory of a whole vocabulary of logits."""


def read_trie(
    loaded: Any,
    trie: SkillTrie,
    wanted: np.ndarray,
    stem: Sequence[int],
    prefix: Sequence[int],
    check: Callable[[], None],
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Yield nodes and the logits of what follows them, ``(nodes, vocabulary)``.

    Args:
        loaded: a causal language model.
        trie: of token ids.
        wanted: nodes to read, and with each the nodes that lead to it.
        stem: token ids of the whole prompt before the trie, at least one.
        prefix: token ids that most prompts begin with and whose keys and values are worth keeping.
        check: called between passes; may raise to stop.
    """
    before = _read_prompt(loaded, stem[:-1], prefix, check) if len(stem) > 1 else None
    if before is None:
        yield from _read_whole_paths(loaded, trie, wanted, stem, check)
        return
    # from the root, depth first
    order = wanted[np.lexsort((trie.depth[wanted], trie.begin[wanted]))]
    limit = _TOKENS.get(loaded.device, _TOKENS_ACCELERATOR)
    above, cache = np.zeros(0, dtype=np.int64), _cache(loaded, before.layers)
    for start in range(0, len(order), limit):
        check()
        now = _Pass(trie, above, order[start : start + limit])
        yield now.nodes, _forward(loaded, now, int(stem[-1]), before.tokens, cache)
        if start + limit < len(order):
            # depth first, only the next node's own path is looked back to
            above = np.array([0, *trie.path(int(order[start + limit]))[:-1]])
            cache = _keep(loaded, cache, before.tokens, now.places(above))


@dataclass(frozen=True, eq=False)
class _Pass:
    """Nodes to read together.

    Args:
        trie: of token ids.
        above: nodes that were read before and that ``nodes`` come after.
        nodes: ``(t,)`` to read.
    """

    trie: SkillTrie
    above: np.ndarray
    nodes: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """``(s,)`` nodes whose keys and values there are."""
        return np.concatenate([self.above, self.nodes])

    def places(self, nodes: np.ndarray) -> np.ndarray:
        """``(n,)`` where some nodes stand in ``seen``."""
        place = np.zeros(len(self.trie), dtype=np.int64)
        place[self.seen] = np.arange(len(self.seen))
        return place[nodes]

    def allowed(self) -> np.ndarray:
        """``(t, s)`` bool: each node may look at itself and at the nodes that lead to it."""
        trie, one, other = self.trie, self.nodes[:, None], self.seen[None]
        return (
            (trie.begin[other] <= trie.begin[one])
            & (trie.end[one] <= trie.end[other])
            & (trie.depth[other] <= trie.depth[one])
        )


def _forward(loaded: Any, now: _Pass, last: int, before: int, cache: Any) -> torch.Tensor:
    """Logits ``(t, vocabulary)`` of what follows each node of a pass, after ``before`` tokens."""
    import torch

    trie, nodes = now.trie, now.nodes
    tokens = np.where(nodes == 0, last, trie.token[nodes])
    allowed = torch.from_numpy(np.pad(now.allowed(), ((0, 0), (before, 0)), constant_values=True))
    dtype = cache.layers[0].keys.dtype
    # added to the scores, which every attention understands; a bool mask is only sdpa's
    mask = torch.zeros(allowed.shape, dtype=dtype).masked_fill_(~allowed, torch.finfo(dtype).min)
    with torch.inference_mode():
        logits = loaded.model(
            input_ids=torch.tensor(tokens, device=loaded.device)[None],
            position_ids=torch.tensor(before + trie.depth[nodes], device=loaded.device)[None],
            attention_mask=mask.to(loaded.device)[None, None],
            past_key_values=cache,
            use_cache=True,
        ).logits
    return logits[0]


def _cache(loaded: Any, layers: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> Any:
    """A cache that holds some keys and values, ``(1, h, t, d)`` each."""
    from transformers import DynamicCache

    cache = DynamicCache(config=loaded.model.config)
    for number, (keys, values) in enumerate(layers):
        cache.update(keys, values, number)
    return cache


def _keep(loaded: Any, cache: Any, before: int, places: np.ndarray) -> Any:
    """A cache with the first ``before`` tokens of another and some of those after them."""
    import torch

    index = torch.from_numpy(np.concatenate([np.arange(before), before + places]))
    index = index.to(loaded.device)
    return _cache(
        loaded, [(one.keys[..., index, :], one.values[..., index, :]) for one in cache.layers]
    )


def _read_prompt(
    loaded: Any, ids: Sequence[int], prefix: Sequence[int], check: Callable[[], None]
) -> Prefix | None:
    """Keys and values of a prompt; what it shares with one that is kept is not read again.

    The next prompt of a plan is this one with a step behind it, so the whole is kept.

    Returns:
        ``None`` when this model's memory is not plain keys and values for every token.
    """
    import torch

    kept, shared = loaded.prefixes.closest(ids)
    if shared < shared_length(prefix, ids):
        kept, shared = prefill(loaded, prefix, check, keep=True), shared_length(prefix, ids)
        if kept is None:
            return None
    if kept is None:
        return prefill(loaded, ids, check, keep=True)
    if shared == len(ids):
        return cut_prefix(kept, shared)
    cache = _cache(loaded, cut_prefix(kept, shared).layers)
    tokens = torch.tensor([list(ids[shared:])], device=loaded.device)
    step = step_tokens(loaded.device)
    with torch.inference_mode():
        for start in range(0, tokens.shape[1], step):
            check()
            loaded.model.base_model(
                input_ids=tokens[:, start : start + step], past_key_values=cache, use_cache=True
            )
    layers: list[Any] = list(cache.layers)
    whole = Prefix(tuple((layer.keys, layer.values) for layer in layers), len(ids))
    loaded.prefixes.put(ids, whole)
    return whole


def _read_whole_paths(
    loaded: Any,
    trie: SkillTrie,
    wanted: np.ndarray,
    stem: Sequence[int],
    check: Callable[[], None],
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Read every path from its start, for models whose memory cannot be shared between rows."""
    leaves = trie.leaf_of_skill[trie.order]
    wanted_nodes = set(wanted.tolist())
    left = set(wanted_nodes)
    rows: list[Row] = []
    read: list[list[int]] = []
    for leaf in leaves:
        path = [node for node in (0, *trie.path(int(leaf))) if node in wanted_nodes]
        new = [node for node in path if node in left]
        if not new:
            continue
        left.difference_update(new)
        ids = (*stem, *(int(trie.token[node]) for node in path[1:]))
        rows.append(Row(ids, tuple(len(stem) - 1 + int(trie.depth[node]) for node in new)))
        read.append(new)
    for number, logits in read_logits(loaded, rows, None, check):
        yield np.array(read[number]), logits
