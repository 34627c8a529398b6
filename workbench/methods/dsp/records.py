"""What was measured of Directional Stimulus Prompting, as the studies and figures read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

SOURCES = ("none", "supervised", "reinforced", "extractor", "random", "wrong", "reference")
"""Where the hint comes from: no hint; the policy after supervised fine-tuning; after
reinforcement learning; TextRank; phrases drawn at random from the article; phrases of another
article's reference; phrases of the article's own reference (an upper bound)."""
SOURCE_NAMES = (
    "No hint",
    "Policy, supervised",
    "Policy, reinforced",
    "TextRank",
    "Random phrases",
    "Another article's",
    "Reference's own",
)
METRICS = ("rouge1", "rouge2", "rougeL")
METRIC_NAMES = ("ROUGE-1", "ROUGE-2", "ROUGE-L")


@dataclass(frozen=True)
class Article:
    """One article with its reference summary.

    Args:
        id: as in the data.
        text: the whole article.
        reference: the summary people wrote; never shown to a policy or an extractor.
        candidates: phrases of the article only that a policy may choose from, in the order in
            which the article has them.
    """

    id: str
    text: str
    reference: str
    candidates: tuple[str, ...]


@dataclass(frozen=True)
class SourceRecords:
    """Summaries of one split by one language model, with hints of every source.

    Args:
        articles: A of them.
        sources: S names out of ``SOURCES``.
        hints: phrases by source and article; empty for "none".
        outputs: the model's summaries by source and article.
        rouge: ``(S, A, 3)`` F1 of ROUGE-1, 2 and L in [0, 1], with the Porter stemmer.
        rouge_unstemmed: the same without stemmer.
        hint_precision: ``(S, A)`` share of the hint's phrases that stand in the reference; NaN
            where the hint is empty. It judges the policy, ROUGE judges the language model.
        hits: ``(S, A)`` number of the hint's phrases that stand in the reference.
        lead2: ``(A, 3)`` F1 of the article's first two sentences, with stemmer.
        model: the language model.
    """

    articles: tuple[Article, ...]
    sources: tuple[str, ...]
    hints: tuple[tuple[tuple[str, ...], ...], ...]
    outputs: tuple[tuple[str, ...], ...]
    rouge: np.ndarray
    rouge_unstemmed: np.ndarray
    hint_precision: np.ndarray
    hits: np.ndarray
    lead2: np.ndarray
    model: str


@dataclass(frozen=True)
class Rollout:
    """One hint as the policy wrote it during training, with what it was paid.

    Args:
        article: the article's id.
        phrases: T phrases in the order they were chosen; then the policy stopped.
        step_rewards: ``(T + 1,)`` before coefficients, the last for stopping (always 0).
        kl: ``(T + 1,)`` log π(a) - log π_ref(a) of each action, stopping included; a one-sample
            estimate that may be negative.
        terminal: (R1 + R2 + RL) / 3 of the model's summary, in [0, 1], before its coefficient.
    """

    article: str
    phrases: tuple[str, ...]
    step_rewards: np.ndarray
    kl: np.ndarray
    terminal: float


@dataclass(frozen=True)
class TrainingCurve:
    """One run of the phrase policy over I points: before training, then after each iteration.

    Args:
        settings: what it was trained with.
        reward: ``(I,)`` mean total reward of the rollouts, KL penalty taken off.
        terminal: ``(I,)`` its part from the language model's summary, coefficient applied.
        step: ``(I,)`` its part from the phrases, coefficient applied.
        kl: ``(I,)`` mean KL to the supervised policy per action, in nats.
        beta: ``(I,)`` weight of the KL penalty.
        clip_fraction: ``(I,)`` share of the actions whose ratio was clipped in the update.
        hint_precision: ``(I,)`` share of the chosen phrases that stand in the reference, on the
            validation articles.
        validation_rouge: ``(I,)`` mean of ROUGE-1, 2 and L of the summaries, on the validation
            articles, with stemmer.
        hints: phrases by point and validation article.
        validation_articles: the validation articles' ids.
        rollouts: one stored rollout of each point.
    """

    settings: Mapping[str, float | int | str | bool]
    reward: np.ndarray
    terminal: np.ndarray
    step: np.ndarray
    kl: np.ndarray
    beta: np.ndarray
    clip_fraction: np.ndarray
    hint_precision: np.ndarray
    validation_rouge: np.ndarray
    hints: tuple[tuple[tuple[str, ...], ...], ...]
    validation_articles: tuple[str, ...]
    rollouts: tuple[Rollout, ...]
