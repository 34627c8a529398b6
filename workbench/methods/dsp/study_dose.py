"""Dose and response: do more keywords help more, and does their order matter?

The keywords of a source come by importance: those of the reference and of TextRank by their
TextRank score, random ones by lot. A hint lists them in the order of its text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.dsp.asking import Source, Writer, ask_articles, ask_rouge, ask_with_hints
from workbench.methods.dsp.comparison import ALL_METRICS, METRIC
from workbench.methods.dsp.dose_response import DoseResponse, dose_response
from workbench.methods.dsp.sources import (
    MAX_PHRASES,
    Hint,
    extractor_hint,
    random_hint,
    reference_hint,
)
from workbench.methods.dsp.study_bench import DEMONSTRATIONS, TEST_ARTICLES, WRITER
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary, rounded

DOSED = ("reference", "extractor", "random")


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    metric: Annotated[str, METRIC] = "mean"
    articles: Annotated[
        int, Range(2, TEST_ARTICLES, 1, "Test articles", help="More take longer and say more.")
    ] = 8
    most: Annotated[int, Range(1, 8, 1, "Most keywords in a hint")] = MAX_PHRASES
    shuffles: Annotated[
        int, Range(1, 8, 1, "Shuffled orders", help="Of the reference's keywords, per article.")
    ] = 3
    model: Annotated[str, WRITER] = "smollm2-135m-instruct"
    demonstrations: Annotated[int, DEMONSTRATIONS] = 1
    seed: Annotated[int, Range(0, 10_000, 1, "Random seed")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """ROUGE with stemmer of every hint.

    Args:
        doses: ``(s, k, n, 3)`` by source, number of keywords from 0, and article.
        orders: ``(1 + p, n, 3)`` the reference's keywords in order, then shuffled.
    """

    doses: np.ndarray
    orders: np.ndarray


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask for the summaries of every hint, article by article, and for their ROUGE."""
    sources = ask_articles(client, "test")[: params.articles]
    writer = Writer(params.model, params.demonstrations)
    random = np.random.default_rng(params.seed)
    doses: list[list[list[Hint]]] = []
    orders: list[list[Hint]] = []
    for source in sources:
        doses.append(dose_hints(source, params.most, params.seed))
        orders.append(shuffle(doses[-1][0][-1], params.shuffles, random))
    scores: dict[tuple[int, Hint], np.ndarray] = {}
    for a, source in enumerate(sources):
        hints = list(dict.fromkeys([h for row in doses[a] for h in row] + orders[a]))
        outputs = ask_with_hints(
            client, writer, source.article.text, hints, f"Article {a + 1} of {len(sources)}"
        )
        rouge = ask_rouge(client, outputs, [source.article.reference] * len(hints))
        scores |= {(a, hint): row for hint, row in zip(hints, rouge, strict=True)}
    n, count = len(sources), params.most + 1
    return Inputs(
        doses=np.array(
            [
                [[scores[a, doses[a][s][k]] for a in range(n)] for k in range(count)]
                for s in range(len(DOSED))
            ]
        ),
        orders=np.array(
            [[scores[a, orders[a][p]] for a in range(n)] for p in range(params.shuffles + 1)]
        ),
    )


def dose_hints(source: Source, most: int, seed: int) -> list[list[Hint]]:
    """By source, the hints of 0 to ``most`` keywords, or of as many as there are.

    Each holds the one before it; the last is the hint of the comparison of sources.
    """
    counts = range(most + 1)
    return [
        [reference_hint(source, k) for k in counts],
        [extractor_hint(source, k) for k in counts],
        [random_hint(source, seed, k) for k in counts],
    ]


def shuffle(hint: Hint, count: int, random: np.random.Generator) -> list[Hint]:
    """The hint in its own order, then ``count`` times in a random one (which may be its own)."""
    return [
        hint,
        *(tuple(hint[i] for i in random.permutation(len(hint))) for _ in range(count)),
    ]


def compute(inputs: Inputs, params: Params) -> DoseResponse:
    """Means with paired gains, and the permutation test."""
    counts = range(params.most + 1)
    return dose_response(inputs.doses, inputs.orders, DOSED, list(counts), params.model)


def summarise(found: DoseResponse) -> Summary:
    """Mean ROUGE at every dose, its gain over none with interval, and the order's p-value."""
    m = len(ALL_METRICS) - 1
    numbers: dict[str, float | int] = {"articles": found.articles}
    for s, source in enumerate(found.sources):
        for k, count in enumerate(found.counts):
            numbers[f"rouge_{source}_{count}"] = float(found.scores.mean[s, k, m])
        found.gains.at(s, -1, m).put(numbers, f"gain_{source}")
    numbers["order_p_value"] = found.orders[m].p_value
    return rounded(numbers)


DOSE: Study[Params, Inputs, DoseResponse] = Study(
    slug="dsp.dose",
    title="How many keywords?",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
