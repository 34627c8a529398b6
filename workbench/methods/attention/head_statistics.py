"""How large the entries and scores of real attention heads are, in the paper's terms.

Pure arithmetic on one layer's queries, keys and values; the operation that reads them from a
model is ``workbench.server.operations.attention``.
"""

from __future__ import annotations

import numpy as np

from workbench.methods.attention.exact import paper_scale
from workbench.methods.attention.symmetries import (
    balance,
    balance_channels,
    centre_keys,
    largest_entry,
    rotate,
)

BLOCK_ROWS = 64
BINS = 40
"""Evenly spaced scores, from a head's lowest to its highest, at which its histograms stand."""

NAMES = (
    "raw_bound",
    "balanced_bound",
    "per_channel_bound",
    "centred_bound",
    "rotated_bound",
    "centred_rotated_bound",
    "max_abs_score",
    "row_half_range",
    "max_abs_score_without_first",
    "row_half_range_without_first",
    "first_token_weight",
    "value_bound",
    "peak_query",
    "peak_key",
    "lowest_score",
    "highest_score",
)
"""Numbers that ``head_statistics`` gives for each head, in order."""

SHARES = ("pair_shares", "attention_shares")
"""Its histograms, ``BINS`` numbers for each head."""


def head_statistics(
    queries: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    *,
    scale: float,
    is_causal: bool,
) -> dict[str, np.ndarray]:
    """Bounds, score ranges and the first token's share for the heads of one layer.

    Entries are multiplied by ``paper_scale(d, scale)``, so that the paper's ``Q Kᵀ / d`` is the
    score before softmax. Scores of masked pairs count nowhere.

    Args:
        queries: ``(h, t, d)`` float32, after position rotation.
        keys: ``(h, t, d)``, likewise.
        values: ``(h, t, d)``.
        scale: the model's scores are ``scale * queries @ keysᵀ``.
        is_causal: whether a token sees only itself and those before it.

    Returns:
        ``(h,)`` float32 arrays. ``raw_bound`` is the paper's B; ``balanced_bound``,
        ``per_channel_bound``, ``centred_bound`` (mean key removed, then balanced),
        ``rotated_bound`` (rotated, then balanced by channel) and ``centred_rotated_bound`` (all
        of them) are B of equivalent queries and keys. ``max_abs_score`` is the largest absolute
        score; ``row_half_range`` half the widest range of scores within one row, the smallest a
        that any shift of rows can reach; both also without the first token. Its mean weight is
        ``first_token_weight``. ``value_bound`` is ``max|V|``. ``peak_query`` and ``peak_key``
        are the positions of the largest absolute score. Scores lie between ``lowest_score`` and
        ``highest_score``; ``(h, BINS)`` ``pair_shares`` and ``attention_shares`` say which share
        of the pairs and which share of all attention lies near each of as many evenly spaced
        scores, both ends included.
    """
    factor = np.float32(paper_scale(queries.shape[-1], scale))
    q, k = queries * factor, keys * factor
    centred = centre_keys(k)
    found = {
        "raw_bound": largest_entry(q, k),
        "balanced_bound": largest_entry(*balance(q, k)),
        "per_channel_bound": largest_entry(*balance_channels(q, k)),
        "centred_bound": largest_entry(*balance(q, centred)),
        "rotated_bound": largest_entry(*balance_channels(*rotate(q, k))),
        "centred_rotated_bound": largest_entry(*balance_channels(*rotate(q, centred))),
        "value_bound": np.abs(values).max(axis=(1, 2)),
    }
    rows = [
        _score_statistics(np.float32(scale) * one, other, is_causal=is_causal)
        for one, other in zip(queries, keys, strict=True)
    ]
    found |= {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {name: found[name].astype(np.float32) for name in (*NAMES, *SHARES)}


def _score_statistics(
    queries: np.ndarray, keys: np.ndarray, *, is_causal: bool
) -> dict[str, float | np.ndarray]:
    """Statistics of one head's scores, in blocks of rows that stay in the processor's cache."""
    tokens = len(queries)
    ends = np.empty((4, tokens), dtype=np.float32)  # highest, lowest; both without the first
    share = np.empty(tokens, dtype=np.float32)
    sums = np.empty(tokens, dtype=np.float32)
    for start in range(0, tokens, BLOCK_ROWS):
        end = min(start + BLOCK_ROWS, tokens)
        seen = end if is_causal else tokens
        scores = queries[start:end] @ keys[:seen].T
        hidden = np.arange(seen) > np.arange(start, end)[:, None] if is_causal else None
        lowest = scores
        if hidden is not None:
            lowest = np.where(hidden, np.inf, scores)
            scores = np.where(hidden, -np.inf, scores)
        ends[0, start:end] = scores.max(axis=1)
        ends[1, start:end] = lowest.min(axis=1)
        ends[2, start:end] = scores[:, 1:].max(axis=1, initial=-np.inf)
        ends[3, start:end] = lowest[:, 1:].min(axis=1, initial=np.inf)
        weights = np.exp(scores - ends[0, start:end, None])
        sums[start:end] = weights.sum(axis=1)
        share[start:end] = weights[:, 0] / sums[start:end]
    largest, half_range = _range(*ends[:2])
    # The first row and column go: models park unused attention on the first token.
    largest_rest, half_range_rest = _range(*ends[2:, 1:])
    peak_query = int(np.maximum(np.abs(ends[0]), np.abs(ends[1])).argmax())
    row = keys[: peak_query + 1 if is_causal else tokens] @ queries[peak_query]
    lowest, highest = float(ends[1].min()), float(ends[0].max())
    pairs, attention = _histograms(
        queries, keys, (lowest, highest), (ends[0], sums), is_causal=is_causal
    )
    return {
        "max_abs_score": largest,
        "row_half_range": half_range,
        "max_abs_score_without_first": largest_rest,
        "row_half_range_without_first": half_range_rest,
        "first_token_weight": float(share[1:].mean()) if tokens > 1 else 1.0,
        "peak_query": float(peak_query),
        "peak_key": float(np.abs(row).argmax()),
        "lowest_score": lowest,
        "highest_score": highest,
        "pair_shares": pairs,
        "attention_shares": attention,
    }


def _histograms(
    queries: np.ndarray,
    keys: np.ndarray,
    ends: tuple[float, float],
    rows: tuple[np.ndarray, np.ndarray],
    *,
    is_causal: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of pairs and of attention near each of ``BINS`` scores from lowest to highest.

    Every pair is divided between its two neighbours by distance (linear binning, Jones and Lotwick
    1984), so that rounding moves no pair from bin to bin. ``rows`` are each row's largest score
    and its sum of ``e^(score - largest)``.
    """
    tokens, (lowest, highest), (largest, sums) = len(queries), ends, rows
    parts_per_score = (BINS - 1) / max(highest - lowest, 1e-30)
    pairs, attention = np.zeros(BINS), np.zeros(BINS)
    for start in range(0, tokens, BLOCK_ROWS):
        end = min(start + BLOCK_ROWS, tokens)
        seen = end if is_causal else tokens
        scores = queries[start:end] @ keys[:seen].T
        weights = np.exp(scores - largest[start:end, None]) / sums[start:end, None]
        if is_causal:
            allowed = np.arange(seen) <= np.arange(start, end)[:, None]
            scores, weights = scores[allowed], weights[allowed]
        place = np.clip((scores.ravel() - lowest) * parts_per_score, 0.0, BINS - 1.0)
        left = np.minimum(place.astype(np.int64), BINS - 2)
        part = place - left
        for total, weight in ((pairs, 1.0), (attention, weights.ravel())):
            total += np.bincount(left, weight * (1.0 - part), minlength=BINS)
            total += np.bincount(left + 1, weight * part, minlength=BINS)
    return pairs / pairs.sum(), attention / tokens


def _range(highest: np.ndarray, lowest: np.ndarray) -> tuple[float, float]:
    """The largest absolute score and half the widest range within a row; 0 without scores."""
    if not highest.size:
        return 0.0, 0.0
    largest = max(abs(float(highest.max())), abs(float(lowest.min())))
    return largest, float((highest - lowest).max()) / 2.0
