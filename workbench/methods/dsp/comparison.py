"""Hints of every source compared on the same articles: how good are the summaries, and the hints?

Two different questions, never merged: ROUGE judges what the language model wrote, hint precision
judges what the policy chose (arXiv:2302.11520). The baseline that costs nothing, the article's
first two sentences, always stands beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
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
LEARNT = ("supervised", "reinforced")
"""Sources whose hints differ from policy to policy."""
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
    articles, k policies trained from different seeds. All but ``of_policies``, hints and outputs
    are means over the policies; intervals are over articles.

    Args:
        articles: n of them.
        sources: s names.
        rows: the sources and, last, the first two sentences.
        hints: phrases by source and article, of the first policy.
        outputs: summaries by source and article, with those hints.
        model: the language model.
        by_article: ``(b, m, r, n)`` F1 in [0, 1].
        of_first: the same of the first policy alone, to be read beside its texts.
        of_policies: ``(k, b, m, r)`` means over articles, each policy for itself.
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
    of_first: np.ndarray
    of_policies: np.ndarray
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


def compare_sources(policies: Sequence[SourceRecords], lead2_unstemmed: np.ndarray) -> Comparison:
    """Mean scores, paired differences, and what the hints themselves are worth.

    Args:
        policies: records of one split, for each policy that was trained; "none" and "random" must
            be among the sources.
        lead2_unstemmed: ``(n, 3)`` F1 of the first two sentences without stemmer.
    """
    records = policies[0]
    each = np.stack([_score(one, lead2_unstemmed) for one in policies])  # (k, b, m, r, n)
    by_article = each.mean(axis=0)
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
        of_first=each[0],
        of_policies=each.mean(axis=-1),
        scores=bootstrap(by_article),
        gains=bootstrap(by_article[:, :, None] - baseline[:, :, :, None]),
        precision=_over_hinted(np.stack([one.hint_precision for one in policies])),
        hits=bootstrap(np.mean([one.hits for one in policies], axis=0)),
        phrases=bootstrap(
            np.mean(
                [[[len(hint) for hint in row] for row in one.hints] for one in policies], axis=0
            )
        ),
        used=_over_hinted(np.stack([_shares_used(one) for one in policies])),
    )


def _score(records: SourceRecords, lead2_unstemmed: np.ndarray) -> np.ndarray:
    """``(b, m, r, n)`` F1 of one policy's records."""
    stemmed = np.concatenate([records.rouge, records.lead2[None]])
    unstemmed = np.concatenate([records.rouge_unstemmed, lead2_unstemmed[None]])
    three = np.stack([unstemmed, stemmed])  # (b, r, n, 3)
    return np.moveaxis(np.concatenate([three, three.mean(-1, keepdims=True)], -1), -1, 1)


def _shares_used(records: SourceRecords) -> np.ndarray:
    """``(s, n)`` share of each hint that its summary took up; NaN for an empty hint."""
    return np.array(
        [
            [_share_used(hint, output) for hint, output in zip(*row, strict=True)]
            for row in zip(records.hints, records.outputs, strict=True)
        ]
    )


def _share_used(hint: tuple[str, ...], output: str) -> float:
    return sum(occurs(phrase, output) for phrase in hint) / len(hint) if hint else np.nan


def _over_hinted(values: np.ndarray) -> Spread:
    """Means of ``(k, s, n)`` over the policies and articles that have a hint; else NaN."""
    there = np.isfinite(values)
    count = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    means = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    found = np.full((3, len(means)), np.nan)
    for s, row in enumerate(means):
        kept = row[np.isfinite(row)]
        if len(kept):
            spread = bootstrap(kept)
            found[:, s] = float(spread.mean), float(spread.low), float(spread.high)
    return Spread(*found)


def summarise_comparison(found: Comparison) -> dict[str, float | int]:
    """ROUGE of every source with its interval, gains over no hint, and hint precision.

    ROUGE is with the stemmer, as in the paper's reward.
    """
    numbers: dict[str, float | int] = {
        "articles": len(found.articles),
        "policies": len(found.of_policies),
    }
    for r, row in enumerate(found.rows):
        for m, metric in enumerate(METRICS):
            found.scores.at(1, m, r).put(numbers, f"{metric}_{row}", 6)
        if row != "none":
            found.gain(row, "none").put(numbers, f"rouge1_gain_{row}", 6)
    for row in LEARNT:
        for k, score in enumerate(found.of_policies[:, 1, 0, found.rows.index(row)], start=1):
            numbers[f"rouge1_{row}_policy_{k}"] = float(f"{score:.6g}")
    for s, source in enumerate(found.sources):
        if np.isfinite(found.precision.mean[s]):
            found.precision.at(s).put(numbers, f"hint_precision_{source}", 6)
            found.used.at(s).put(numbers, f"hint_used_{source}", 6)
    return numbers
