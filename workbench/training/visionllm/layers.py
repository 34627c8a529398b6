"""Layers: attention that can show its weights, and the block that every part is made of."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, arXiv:1706.03762).

    Args:
        width: d.
        heads: h, which divides d.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(
        self, queries: torch.Tensor, memory: torch.Tensor, allowed: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Look from ``(b, q, d)`` at ``(b, k, d)``.

        Args:
            queries: who looks.
            memory: what is looked at.
            allowed: bool that fits ``(b, h, q, k)``; false places are not looked at.

        Returns:
            ``(b, q, d)``.
        """
        seen = functional.scaled_dot_product_attention(
            self._split(self.query(queries)),
            self._split(self.key(memory)),
            self._split(self.value(memory)),
            attn_mask=allowed,
        )
        return self.out(seen.transpose(1, 2).flatten(2))

    def weights(
        self, queries: torch.Tensor, memory: torch.Tensor, allowed: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The attention itself: ``(b, h, q, k)``, rows add up to 1."""
        query, key = self._split(self.query(queries)), self._split(self.key(memory))
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
        if allowed is not None:
            scores = scores.masked_fill(~allowed, -torch.inf)
        return scores.softmax(-1)

    def _split(self, features: torch.Tensor) -> torch.Tensor:
        return features.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Block(nn.Module):
    """Self-attention, attention to a memory if it has one, and two linear layers; norms first.

    Args:
        width, heads, feed_forward: sizes.
        has_memory: whether it also looks at a memory.
    """

    def __init__(self, width: int, heads: int, feed_forward: int, *, has_memory: bool) -> None:
        super().__init__()
        self.own = Attention(width, heads)
        self.own_norm = nn.LayerNorm(width)
        self.other = Attention(width, heads) if has_memory else None
        self.other_norm = nn.LayerNorm(width) if has_memory else None
        self.feed = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, feed_forward),
            nn.ReLU(),
            nn.Linear(feed_forward, width),
        )

    def forward(
        self,
        features: torch.Tensor,
        allowed: torch.Tensor | None = None,
        memory: torch.Tensor | None = None,
        memory_allowed: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """``(b, q, d)`` → ``(b, q, d)``."""
        return self.finish(self.look_at_own(features, allowed), memory, memory_allowed)

    def look_at_own(
        self, features: torch.Tensor, allowed: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The first part: self-attention."""
        normal = self.own_norm(features)
        return features + self.own(normal, normal, allowed)

    def finish(
        self,
        features: torch.Tensor,
        memory: torch.Tensor | None = None,
        memory_allowed: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The rest: the memory and the linear layers."""
        if self.other is not None and self.other_norm is not None and memory is not None:
            features = features + self.other(self.other_norm(features), memory, memory_allowed)
        return features + self.feed(features)

    def memory_weights(
        self, features: torch.Tensor, memory: torch.Tensor, memory_allowed: torch.Tensor | None
    ) -> torch.Tensor:
        """Attention to the memory, ``(b, h, q, k)``, of features that have looked at their own."""
        if self.other is None or self.other_norm is None:
            raise ValueError("this block has no memory")
        return self.other.weights(self.other_norm(features), memory, memory_allowed)
