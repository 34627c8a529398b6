"""Keys and values of prefixes that many prompts begin with, kept up to a number of bytes."""

from __future__ import annotations

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Prefix:
    """A prefix as the model sees it.

    Args:
        layers: for each layer its keys and values, ``(1, h, t, d)`` each.
        tokens: how many tokens it holds.
    """

    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    tokens: int

    @property
    def size_bytes(self) -> int:
        """Bytes of all keys and values."""
        return sum(t.numel() * t.element_size() for pair in self.layers for t in pair)


class PrefixCache:
    """Prefixes by their token ids; the least recently used leave first.

    Args:
        limit_bytes: most bytes kept; a prefix larger than that is not kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[str, Prefix] = OrderedDict()
        self._lock = Lock()

    @property
    def used_bytes(self) -> int:
        """Bytes kept now."""
        with self._lock:
            return sum(prefix.size_bytes for prefix in self._kept.values())

    def get(self, ids: Sequence[int]) -> Prefix | None:
        """The prefix with these token ids, or ``None``."""
        key = _key(ids)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, ids: Sequence[int], prefix: Prefix) -> None:
        """Keep a prefix; others leave to make room for it."""
        if prefix.size_bytes > self._limit_bytes:
            return
        with self._lock:
            self._kept[_key(ids)] = prefix
            self._kept.move_to_end(_key(ids))
            while sum(one.size_bytes for one in self._kept.values()) > self._limit_bytes:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget every prefix."""
        with self._lock:
            self._kept.clear()


def _key(ids: Sequence[int]) -> str:
    return hashlib.sha256(array("q", ids).tobytes()).hexdigest()
