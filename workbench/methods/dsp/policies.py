"""What a training asks of the phrase policy: its view of candidates, its labels, its hints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.methods.dsp.asking import Source
from workbench.methods.dsp.keywords import pseudo_label_keywords
from workbench.methods.dsp.sources import MAX_PHRASES, TABLE_CANDIDATES, Hint
from workbench.server.api import Arrays, Json, ModelClient, Request

ENCODER = "all-minilm-l6-v2"


def ask_supervised(client: ModelClient, sources: Sequence[Source], seed: int) -> np.ndarray:
    """``(p,)`` weights of a policy fine-tuned on the pseudo-labels of some articles.

    Each article is shown with all its candidates and with a few of them at a time, as many as
    training offers, so that the policy learns to stop when nothing good is left.

    Raises:
        WorkbenchError: what the server refused.
    """
    arrays = ask_description(client, sources)
    present = draw_offers(arrays["present"], seed)
    times = len(present) // len(sources)
    answer = client.call(
        Request(
            operation="policy.fit_phrases",
            arguments={"epochs": _EPOCHS},
            arrays={
                "features": np.tile(arrays["features"], (times, 1, 1)),
                "similarity": np.tile(arrays["similarity"], (times, 1, 1)),
                "present": present,
                "labels": pseudo_labels([*sources] * times, present),
            },
            seed=seed,
            dtype="float32",
            label="Learning the pseudo-labels",
        )
    )
    return answer.arrays["weights"]


_EPOCHS = 8
_OFFERS = 4


def draw_offers(present: np.ndarray, seed: int) -> np.ndarray:
    """``(5 a, c)`` bool: all candidates of a articles, then four draws of a few of them."""
    random = np.random.default_rng(seed)
    rows = [present]
    for _ in range(_OFFERS):
        lots = np.where(present, random.random(present.shape), np.inf)
        rank = lots.argsort(axis=1).argsort(axis=1)
        rows.append(present & (rank < TABLE_CANDIDATES))
    return np.concatenate(rows)


def pseudo_labels(sources: Sequence[Source], present: np.ndarray | None = None) -> np.ndarray:
    """``(a, MAX_PHRASES)`` places of each article's labels in the reference's order, then -1.

    Where there are more, TextRank says which are kept.

    Args:
        sources: a articles.
        present: ``(a, c)`` bool, candidates that may be labels; all of them without it.
    """
    found = np.full((len(sources), MAX_PHRASES), -1, dtype=np.int64)
    for row, one in enumerate(sources):
        article = one.article
        rank = dict(zip(article.candidates, one.ranks, strict=True))
        offered = [
            phrase
            for place, phrase in enumerate(article.candidates)
            if present is None or present[row, place]
        ]
        labels = pseudo_label_keywords(article.text, article.reference, offered)
        best = set(sorted(labels, key=lambda phrase: -rank[phrase])[:MAX_PHRASES])
        places = [article.candidates.index(label) for label in labels if label in best]
        found[row, : len(places)] = places
    return found


def ask_description(client: ModelClient, sources: Sequence[Source]) -> Arrays:
    """What the policy sees of each article's candidates: ``features``, ``similarity``, ``present``.

    Only the articles are sent, never a reference.

    Raises:
        WorkbenchError: what the server refused.
    """
    articles: list[Json] = [
        {
            "article": one.article.text,
            "phrases": list(one.article.candidates),
            "ranks": list(one.ranks),
        }
        for one in sources
    ]
    answer = client.call(
        Request(
            operation="policy.describe_phrases",
            model=ENCODER,
            arguments={"articles": articles},
            dtype="float32",
            label="Reading the candidates",
        )
    )
    return answer.arrays


def ask_choices(client: ModelClient, description: Arrays, weights: np.ndarray) -> np.ndarray:
    """``(a, MAX_PHRASES)`` places of the phrases of a policy's likeliest hints, then -1.

    Raises:
        WorkbenchError: what the server refused.
    """
    answer = client.call(
        Request(
            operation="policy.choose_phrases",
            arrays={**description, "weights": weights},
            dtype="float32",
        )
    )
    return answer.arrays["choices"]


def choices_to_hints(choices: np.ndarray, sources: Sequence[Source]) -> tuple[Hint, ...]:
    """Phrases of each choice, in the article's order."""
    return tuple(
        tuple(one.article.candidates[place] for place in sorted(row[row >= 0].tolist()))
        for row, one in zip(choices, sources, strict=True)
    )
