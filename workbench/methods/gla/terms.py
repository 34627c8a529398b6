"""The four terms of GLA for some pictures, and what they and every method guess."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.methods.gla.comparison import find_temperature
from workbench.methods.gla.emoji import FineTuned, Pictures
from workbench.methods.gla.estimate import estimate_log_prior
from workbench.methods.gla.outside import Outside
from workbench.methods.gla.softmax import softmax

TERMS = ("zero_shot", "pretrain_prior", "fine_tuned", "downstream_prior")
CANDIDATES = 7
"""Classes shown for a picture: those that some combination of terms ranks highest."""
METHODS = ("zero_shot", "fine_tuned", "ensemble", "wise_ft", "gla")
METHOD_NAMES = ("Zero-shot", "Fine-tuned", "Ensemble", "WiSE-FT", "GLA")
LIKELY = 6
"""Classes shown for a picture: those that some method finds likeliest."""
UNKNOWN = -1
"""Class of a picture that somebody brings."""


@dataclass(frozen=True)
class Terms:
    """The four terms of every picture, temperatures applied.

    Args:
        values: ``(4, n, k)`` in the order of ``TERMS``; a prior's rows are all the same.
        wise: ``(n, k)`` WiSE-FT's logits, at the fine-tuned model's temperature.
        labels: ``(n,)``.
        temperatures: of the zero-shot and of the fine-tuned model.
    """

    values: np.ndarray
    wise: np.ndarray
    labels: np.ndarray
    temperatures: tuple[float, float]


def find_terms(estimate: Pictures, test: Pictures, fine_tuned: FineTuned) -> Terms:
    """The four terms of the test pictures, with the prior and temperatures of the labelled ones."""
    cold = find_temperature("joint", estimate.logits, estimate.labels)
    warm = find_temperature("joint", fine_tuned.estimate_logits, estimate.labels)
    log_prior = estimate_log_prior(estimate.logits / cold, estimate.labels)
    z = test.logits / cold
    return Terms(
        np.stack(
            [
                z,
                np.broadcast_to(-log_prior, z.shape),
                fine_tuned.test_logits / warm,
                np.broadcast_to(-fine_tuned.log_prior, z.shape),
            ]
        ),
        fine_tuned.wise_logits / warm,
        test.labels,
        (cold, warm),
    )


def place_outside(terms: Terms, outside: Outside) -> Terms:
    """The terms of a picture that somebody brought, with the priors found on the emoji."""
    cold, warm = terms.temperatures
    values = [
        outside.zero_shot / cold,
        terms.values[1, 0],
        outside.fine_tuned / warm,
        terms.values[3, 0],
    ]
    return Terms(
        np.stack(values)[:, None],
        outside.wise[None] / warm,
        np.array([UNKNOWN]),
        terms.temperatures,
    )


def operate(terms: Terms) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Candidates ``(m, c)``, their terms ``(m, 4, c)``, and guesses with any of the terms."""
    values, truth = terms.values, terms.labels
    guesses = np.empty((len(truth), 2, 2, 2, 2), dtype=np.int64)
    ranked = np.full(values.shape[1:], -np.inf)
    for present in np.ndindex(2, 2, 2, 2):
        scores = np.tensordot(np.array(present, dtype=float), values, axes=1)
        guesses[(slice(None), *present)] = scores.argmax(axis=1)
        if present[0] or present[2]:
            # by how little a class misses the first place with these terms
            ranked = np.maximum(ranked, scores - scores.max(axis=1, keepdims=True))
    candidates = _best(ranked, truth, CANDIDATES)
    shown = np.take_along_axis(values, candidates[None], axis=2)
    parts = shown - shown.mean(axis=2, keepdims=True)
    order = np.argsort(-parts.sum(axis=0), axis=1)
    return (
        np.take_along_axis(candidates, order, axis=1),
        np.moveaxis(np.take_along_axis(parts, order[None], axis=2), 0, 1),
        guesses,
    )


def guess_by_method(terms: Terms) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Likely classes ``(m, l)``, their chances ``(m, 5, l)`` and guesses ``(m, 5)`` by method."""
    zero_shot, _, fine_tuned, _ = terms.values
    scores = (zero_shot, fine_tuned, zero_shot + fine_tuned, terms.wise, terms.values.sum(axis=0))
    chances = np.stack([softmax(one) for one in scores], axis=1)  # (m, 5, k)
    likely = _best(chances.max(axis=1), terms.labels, LIKELY)
    shown = np.take_along_axis(chances, likely[:, None], axis=2)
    order = np.argsort(-shown[:, METHODS.index("gla")], axis=1, kind="stable")
    return (
        np.take_along_axis(likely, order, axis=1),
        np.take_along_axis(shown, order[:, None], axis=2),
        chances.argmax(axis=2),
    )


def _best(scores: np.ndarray, truth: np.ndarray, count: int) -> np.ndarray:
    """``(m, count)`` classes of the largest scores; the true one, where known, is among them."""
    scores = scores.copy()
    known = np.flatnonzero(truth != UNKNOWN)
    scores[known, truth[known]] = np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]
