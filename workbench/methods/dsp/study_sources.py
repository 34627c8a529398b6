"""Whose hints help? Summaries with hints of every source, on the same articles.

arXiv:2302.11520, section 3.1. Every source gives at most four phrases. Beside the policy stand
hints that cost nothing to make, hints that must not help, and the reference's own as an upper
bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.methods.dsp.asking import ask_rouge
from workbench.methods.dsp.comparison import (
    AGAINST,
    METRIC,
    SOURCE,
    STEMMER,
    Comparison,
    compare_sources,
    summarise_comparison,
)
from workbench.methods.dsp.phrases import lead
from workbench.methods.dsp.records import SourceRecords
from workbench.methods.dsp.source_records import SourceSettings, ask_sources
from workbench.methods.dsp.study_bench import DEMONSTRATIONS, TEST_ARTICLES, WRITER
from workbench.methods.dsp.training import TrainingSettings
from workbench.params import Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

SHOWN_ARTICLES = 30


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    metric: Annotated[str, METRIC] = "rouge1"
    against: Annotated[str, AGAINST] = "none"
    source: Annotated[str, SOURCE] = "reinforced"
    article: Annotated[int, Range(1, SHOWN_ARTICLES, 1, "Article to read", live=True)] = 1
    stemmer: Annotated[bool, STEMMER] = True
    articles: Annotated[
        int,
        Range(2, TEST_ARTICLES, 1, "Test articles", help="More take longer and say more."),
    ] = 40
    model: Annotated[str, WRITER] = "smollm2-135m-instruct"
    demonstrations: Annotated[int, DEMONSTRATIONS] = 1
    seed: Annotated[
        int,
        Range(0, 10_000, 1, "Random seed", help="Of the policy's training and the random hints."),
    ] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """The records, and ``(n, 3)`` F1 of the first two sentences without stemmer."""

    records: SourceRecords
    lead2_unstemmed: np.ndarray


def gather(client: ModelClient, params: Params) -> Inputs:
    """Train the policies, and let the language model write with every source's hints."""
    training = TrainingSettings(
        model=params.model, demonstrations=params.demonstrations, seed=params.seed
    )
    records = ask_sources(client, SourceSettings(params.articles, params.seed, training))
    articles = records.articles
    unstemmed = ask_rouge(
        client,
        [lead(one.text) for one in articles],
        [one.reference for one in articles],
        stemmer=False,
    )
    return Inputs(records, unstemmed)


def compute(inputs: Inputs, params: Params) -> Comparison:
    """Means, intervals and paired differences."""
    del params  # which of them is shown is live
    return compare_sources(inputs.records, inputs.lead2_unstemmed)


def summarise(found: Comparison) -> Summary:
    """ROUGE of each source with intervals, gains over no hint, and the number of articles."""
    return summarise_comparison(found)


COMPARE: Study[Params, Inputs, Comparison] = Study(
    slug="dsp",
    title="Whose hints help",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
