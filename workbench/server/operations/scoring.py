"""Log-probabilities of many candidates in few tokens: what they share is read once.

Candidates that begin alike, within one request or in several, have their common beginning read
once and its keys and values reused; a candidate that is the beginning of another is read from
that one's row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.server.operation import Control
from workbench.server.operations.forward import Row, cut_prefix, prefill, read_logits
from workbench.server.operations.scores import log_probabilities

_ALIKE_TOKENS = 16
"""Candidates whose first so many tokens agree are read together."""

Key = tuple[int, int]
"""Number of the request in its batch, number of the candidate in its request."""


@dataclass(frozen=True)
class Candidate:
    """One candidate in context: all token ids, and where its own begin (at least at 1)."""

    ids: tuple[int, ...]
    start: int

    @property
    def tokens(self) -> tuple[int, ...]:
        """The candidate's own token ids."""
        return self.ids[self.start :]


@dataclass(frozen=True)
class Question:
    """One request in tokens; ``prefix`` holds ids whose keys and values are worth keeping."""

    candidates: tuple[Candidate, ...]
    prefix: tuple[int, ...]


def shared_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences share from their start."""
    for position, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return position
    return min(len(first), len(second))


def score(
    loaded: Any, questions: Mapping[int, Question], control: Control
) -> dict[Key, np.ndarray]:
    """Score every candidate of some requests.

    Args:
        loaded: a causal language model.
        questions: by number of the request in its batch.
        control: asked between passes who still waits, and told the progress.

    Returns:
        For each candidate the log-probabilities of its own tokens, float64.
    """
    groups: dict[tuple[bool, tuple[int, ...]], dict[Key, Candidate]] = defaultdict(dict)
    for number, question in questions.items():
        for c, candidate in enumerate(question.candidates):
            alike = question.prefix or candidate.ids[:_ALIKE_TOKENS]
            groups[bool(question.prefix), alike][number, c] = candidate
    found: dict[Key, np.ndarray] = {}
    for (is_given, ids), group in groups.items():
        prefix_ids = ids if is_given else _common_beginning(group)
        for key, value in _score_group(loaded, prefix_ids, group, control, keep=is_given):
            found[key] = value
            total = len(questions[key[0]].candidates)
            done = sum((key[0], c) in found for c in range(total))
            control.progress(key[0], done / total, "scoring")
    return found


def _common_beginning(group: Mapping[Key, Candidate]) -> tuple[int, ...]:
    if len(group) == 1:
        return ()
    all_ids = [candidate.ids for candidate in group.values()]
    first, last = min(all_ids), max(all_ids)
    return first[: shared_length(first, last)]


def _score_group(
    loaded: Any,
    prefix_ids: tuple[int, ...],
    group: Mapping[Key, Candidate],
    control: Control,
    *,
    keep: bool,
) -> list[tuple[Key, np.ndarray]]:
    """Score candidates that begin with (most of) the same prefix."""
    # Every row keeps at least the token before its candidate, from which the first is predicted.
    cut = min(min(shared_length(prefix_ids, one.ids), one.start - 1) for one in group.values())
    is_worth = keep or len(_merge_rows(group, 0)[0]) > 1
    prefix = None
    if cut > 0 and is_worth:
        prefix = prefill(loaded, prefix_ids if keep else prefix_ids[:cut], control.check, keep=keep)
    cut = cut if prefix else 0
    rows, places = _merge_rows(group, cut)
    waiting: dict[int, list[Key]] = defaultdict(list)
    for key, row in places.items():
        waiting[row].append(key)
    found: list[tuple[Key, np.ndarray]] = []
    shared = cut_prefix(prefix, cut) if prefix else None
    for row, logits in read_logits(loaded, rows, shared, control.check):
        reads = {position: place for place, position in enumerate(rows[row].read)}
        for key in waiting[row]:
            one = group[key]
            picked = [reads[one.start - 1 - cut + i] for i in range(len(one.tokens))]
            found.append((key, log_probabilities(logits[picked], one.tokens)))
    return found


def _merge_rows(group: Mapping[Key, Candidate], cut: int) -> tuple[list[Row], dict[Key, int]]:
    """Rows to read, each once, and the row from which each candidate is read."""
    inputs = {key: one.ids[cut:-1] for key, one in group.items()}
    places: dict[Key, int] = {}
    kept: list[tuple[int, ...]] = []
    reads: list[set[int]] = []
    # In descending order, whatever begins with a row stands directly before it.
    for key in sorted(inputs, key=lambda k: inputs[k], reverse=True):
        row = inputs[key]
        if not (kept and kept[-1][: len(row)] == row):
            kept.append(row)
            reads.append(set())
        reads[-1].update(range(group[key].start - 1 - cut, len(row)))
        places[key] = len(kept) - 1
    rows = [Row(ids, tuple(sorted(read))) for ids, read in zip(kept, reads, strict=True)]
    return rows, places
