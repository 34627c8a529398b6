"""Numbers as only the figures of this method say them."""

from __future__ import annotations


def say_distance(nats: float) -> str:
    """A KL divergence: two digits that matter, at least three decimals."""
    return f"{nats:.3f}" if nats >= 0.001 else "below 0.001"
