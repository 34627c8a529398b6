"""Hints of every source compared on the same articles: how good are the summaries, and the hints?

Two different questions, never merged: ROUGE judges what the language model wrote, hint precision
judges what the policy chose (arXiv:2302.11520). The baseline that costs nothing, the article's
first two sentences, always stands beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.methods.dsp.intervals import bootstrap
from workbench.methods.dsp.marking import occurs
from workbench.methods.dsp.records import (
    METRIC_NAMES,
    METRICS,
    SOURCE_NAMES,
    SOURCES,
    Article,
    SourceRecords,
)
from workbench.methods.intervals import Interval, Spread
from workbench.params import Choice, Flag, Range

LEAD2 = "lead2"
ROW_NAMES = dict(zip(SOURCES, SOURCE_NAMES, strict=True)) | {LEAD2: "First two sentences"}
ALL_METRICS = (*METRICS, "mean")
ALL_METRIC_NAMES = (*METRIC_NAMES, "Mean of the three")
BASELINES = ("none", "random", LEAD2)

METRIC = Choice(
    ALL_METRICS,
    "Score",
    live=True,
    names=ALL_METRIC_NAMES,
    help="F1 of the words shared with the reference: single words, pairs, longest common run.",
)
AGAINST = Choice(
    BASELINES,
    "Compare with",
    live=True,
    names=tuple(ROW_NAMES[name] for name in BASELINES),
    help="Differences are paired: the same articles, with one hint and with the other.",
)
STEMMER = Flag(
    "Stem words (“ferries” counts as “ferry”)",
    live=True,
    help="On in the paper's reward; its own example, 34.48, was computed with it off.",
)
READ = 30
READ_ARTICLE = Range(
    1, READ, 1, "Article to read", live=True, help="Its summaries are under “Read them”."
)
SOURCE = Choice(
    SOURCES[1:],
    "Hint of",
    live=True,
    names=SOURCE_NAMES[1:],
    help="Whose hint the article's second summary was given.",
)


@dataclass(frozen=True)
class Comparison:
    """What the records say of every source.

    Axes: b stemmer off and on, m ``ALL_METRICS``, r ``rows``, g ``BASELINES``, s sources, n
    articles.

    Args:
        articles: n of them.
        sources: s names.
        rows: the sources and, last, the first two sentences.
        hints: phrases by source and article.
        outputs: summaries by source and article.
        model: the language model.
        by_article: ``(b, m, r, n)`` F1 in [0, 1].
        scores: ``(b, m, r)`` means over articles.
        gains: ``(b, m, g, r)`` row less baseline, paired by article.
        precision: ``(s,)`` share of a hint's phrases that stand in the reference; NaN for "none".
        hits: ``(s,)`` number of such phrases.
        phrases: ``(s,)`` number of phrases.
        used: ``(s,)`` share of a hint's phrases that stand in the summary; NaN for "none".
    """

    articles: tuple[Article, ...]
    sources: tuple[str, ...]
    rows: tuple[str, ...]
    hints: tuple[tuple[tuple[str, ...], ...], ...]
    outputs: tuple[tuple[str, ...], ...]
    model: str
    by_article: np.ndarray
    scores: Spread
    gains: Spread
    precision: Spread
    hits: Spread
    phrases: Spread
    used: Spread

    def gain(
        self, row: str, against: str, metric: str = "rouge1", stemmer: bool = True
    ) -> Interval:
        """Paired difference of a row and a baseline."""
        return self.gains.at(
            int(stemmer),
            ALL_METRICS.index(metric),
            BASELINES.index(against),
            self.rows.index(row),
        )


def compare_sources(records: SourceRecords, lead2_unstemmed: np.ndarray) -> Comparison:
    """Mean scores, paired differences, and what the hints themselves are worth.

    Args:
        records: of one split; "none" and "random" must be among its sources.
        lead2_unstemmed: ``(n, 3)`` F1 of the first two sentences without stemmer.
    """
    n = len(records.articles)
    stemmed = np.concatenate([records.rouge, records.lead2[None]])
    unstemmed = np.concatenate([records.rouge_unstemmed, lead2_unstemmed[None]])
    three = np.stack([unstemmed, stemmed])  # (b, r, n, 3)
    by_article = np.moveaxis(np.concatenate([three, three.mean(-1, keepdims=True)], -1), -1, 1)
    rows = (*records.sources, LEAD2)
    baseline = by_article[:, :, [rows.index(name) for name in BASELINES]]
    return Comparison(
        articles=records.articles,
        sources=records.sources,
        rows=rows,
        hints=records.hints,
        outputs=records.outputs,
        model=records.model,
        by_article=by_article,
        scores=bootstrap(by_article),
        gains=bootstrap(by_article[:, :, None] - baseline[:, :, :, None]),
        precision=_over_hinted(records.hint_precision),
        hits=bootstrap(records.hits.astype(float)),
        phrases=bootstrap(np.array([[float(len(h)) for h in row] for row in records.hints])),
        used=_over_hinted(
            np.array(
                [
                    [_share_used(records.hints[s][a], records.outputs[s][a]) for a in range(n)]
                    for s in range(len(records.sources))
                ]
            )
        ),
    )


def _share_used(hint: tuple[str, ...], output: str) -> float:
    return sum(occurs(phrase, output) for phrase in hint) / len(hint) if hint else np.nan


def _over_hinted(values: np.ndarray) -> Spread:
    """Means over the articles that have a hint; NaN for a source that has none."""
    found = np.full((3, len(values)), np.nan)
    for s, row in enumerate(values):
        kept = row[np.isfinite(row)]
        if len(kept):
            spread = bootstrap(kept)
            found[:, s] = float(spread.mean), float(spread.low), float(spread.high)
    return Spread(*found)


def summarise_comparison(found: Comparison) -> dict[str, float | int]:
    """ROUGE of every source with its interval, gains over no hint, and hint precision.

    ROUGE is with the stemmer, as in the paper's reward.
    """
    numbers: dict[str, float | int] = {"articles": len(found.articles)}
    for r, row in enumerate(found.rows):
        for m, metric in enumerate(METRICS):
            found.scores.at(1, m, r).put(numbers, f"{metric}_{row}", 6)
        if row != "none":
            found.gain(row, "none").put(numbers, f"rouge1_gain_{row}", 6)
    for s, source in enumerate(found.sources):
        if np.isfinite(found.precision.mean[s]):
            found.precision.at(s).put(numbers, f"hint_precision_{source}", 6)
            found.used.at(s).put(numbers, f"hint_used_{source}", 6)
    return numbers
