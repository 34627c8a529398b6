"""Scores of candidates: from logits to what a request is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import CancelledError, WorkbenchError
from workbench.server.operation import Output

if TYPE_CHECKING:
    import torch


def log_probabilities(logits: torch.Tensor, tokens: Sequence[int]) -> np.ndarray:
    """Log-probability of each token under its logits.

    Args:
        logits: ``(t, vocabulary)`` float32.
        tokens: t token ids.

    Returns:
        ``(t,)`` float64.
    """
    import torch

    # In float32 the sum over a vocabulary of 50,000 loses the fifth digit.
    wide = logits.cpu().double()
    chosen = wide.gather(1, torch.tensor(tokens).unsqueeze(1)).squeeze(1)
    return (chosen - wide.logsumexp(dim=1)).numpy()


def write_output(
    loaded: Any,
    candidates: Sequence[str],
    tokens: Sequence[Sequence[int]],
    scores: Sequence[np.ndarray | None],
) -> Output | WorkbenchError:
    """Put one request's scores together.

    Returns:
        Arrays over the k candidates: ``log_probabilities`` (sums), ``mean_log_probabilities``
        (per token), ``token_counts``, ``byte_counts``; and over all their tokens, candidate after
        candidate: ``token_ids``, ``token_log_probabilities``. Values: ``tokens``, the text of
        each token; ``best``, the number of the most probable candidate.
    """
    found = [score for score in scores if score is not None]
    if len(found) < len(scores):
        return CancelledError("The request was left before it was scored.")
    sums = np.array([score.sum() for score in found])
    counts = np.array([len(score) for score in found])
    return Output(
        arrays={
            "log_probabilities": sums,
            "mean_log_probabilities": sums / counts,
            "token_counts": counts,
            "byte_counts": np.array([len(text.encode()) for text in candidates]),
            "token_ids": np.concatenate([np.asarray(one, dtype=np.int64) for one in tokens]),
            "token_log_probabilities": np.concatenate(found),
        },
        values={
            "tokens": [[loaded.tokenizer.decode([token]) for token in one] for one in tokens],
            "best": int(sums.argmax()),
        },
    )
