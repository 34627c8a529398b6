"""What the head atlas says: names of heads, tokens, and sentences on each quantity."""

from __future__ import annotations

import numpy as np

from workbench.methods.attention.heads import Result
from workbench.methods.attention.low_rank import rank

BOUNDS = ("raw_bound", "balanced_bound", "per_channel_bound", "centred_rotated_bound")
"""Quantities that the paper's threshold speaks of."""


def name_heads(result: Result) -> list[list[str]]:
    """For each layer and head, its name and its largest score."""
    layers, heads, _ = result.peaks.shape

    def title(layer: int, head: int) -> str:
        query, key = (show_token(result.tokens[int(i)]) for i in result.peaks[layer, head])
        ends = (float(result.maps[name][layer, head]) for name in ("lowest_score", "highest_score"))
        largest = f"{max(ends, key=abs):.1f}".replace("-", "\N{MINUS SIGN}")
        return f"<b>Layer {layer}, head {head}</b>: s = {largest} for “{query}” and “{key}”"

    return [[title(layer, head) for head in range(heads)] for layer in range(layers)]


def name_pairs(result: Result) -> list[list[str]]:
    """For each head (rows) and layer (columns), the tokens with the largest score, in words."""
    layers, heads, _ = result.peaks.shape

    def pair(layer: int, head: int) -> str:
        query, key = (show_token(result.tokens[int(i)]) for i in result.peaks[layer, head])
        return f"largest |s|: “{query}” and “{key}”"

    return [[pair(layer, head) for layer in range(layers)] for head in range(heads)]


def show_token(token: str) -> str:
    """A token as it can stand in a hover text: no markup, no control characters."""
    text = "".join(c if c.isprintable() else "␣" for c in token).strip() or "␣"
    return text[:20].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def say_heads(result: Result, name: str) -> str:
    """What the atlas shows when it shows one quantity."""
    values = result.maps[name]
    low, middle, high = float(values.min()), float(np.median(values)), float(values.max())
    tokens, threshold = len(result.tokens), result.threshold_b
    spread = f"between {low:.3g} and {high:.3g}, {middle:.3g} in the middle"
    if name in BOUNDS:
        below = int((values < threshold).sum())
        lead = {
            "raw_bound": f"On these {tokens} tokens the heads' largest entries B lie {spread}",
            "balanced_bound": f"With queries and keys balanced, B lies {spread}",
            "per_channel_bound": f"Balanced channel by channel, B lies {spread}",
            "centred_rotated_bound": (
                f"With keys centred, both rotated and balanced, B lies {spread}"
            ),
        }[name]
        verdict = (
            f"the paper's threshold √(ln n) is {threshold:.2f}, and "
            + ("no head is" if below == 0 else f"{below} of {values.size} heads are")
            + " below it (its constant is unknown)."
        )
        same = "" if name == "raw_bound" else " The attention is exactly the same as before."
        return f"{lead}; {verdict}{same}"
    d = result.head_dimension
    return {
        "max_abs_score": (
            f"The largest scores lie {spread}. B² would allow "
            f"{float(np.median(result.maps['raw_bound'] ** 2 / np.maximum(values, 1e-9))):.0f} "
            "times as much at the median head: entries say little about scores."
        ),
        "row_half_range": (
            f"Softmax forgets a shift of each row, so half a row's range is what a polynomial has "
            f"to cover: {spread}. Without the first token, where many heads rest, the middle is "
            f"{float(np.median(result.maps['row_half_range_without_first'])):.3g}."
        ),
        "value_bound": f"The largest values |V| lie {spread}; every error bound grows with them.",
        "needed_degree": (
            f"To keep each weight within 1 %, a Chebyshev polynomial on the row's range needs a "
            f"degree {spread}."
        ),
        "log10_needed_rank": (
            f"In dimension {d} that degree means 10 to the power of {middle:.0f} columns at the "
            f"median head; for {tokens} tokens the matrix itself has {tokens}. Even degree 4 needs "
            f"{rank(4, d):,}. Real heads are not made fast by small entries, but by structure."
        ),
        "first_token_weight": (
            f"The share of attention that goes to the first token lies {spread}: a resting place, "
            "which widens the scores of many heads."
        ),
    }[name]
