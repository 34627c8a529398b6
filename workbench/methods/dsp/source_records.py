"""Summaries of the test articles with hints of every source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.methods.dsp.asking import (
    Source,
    Writer,
    ask_articles,
    ask_published_articles,
    ask_rouge,
    ask_with_hints,
    ask_without_hints,
)
from workbench.methods.dsp.phrases import lead
from workbench.methods.dsp.policies import ask_choices, ask_description, choices_to_hints
from workbench.methods.dsp.records import SOURCES, SourceRecords
from workbench.methods.dsp.reward_table import find_hits
from workbench.methods.dsp.sources import (
    Hint,
    extractor_hint,
    random_hint,
    reference_hint,
    wrong_hint,
)
from workbench.methods.dsp.training import TrainingSettings, train
from workbench.server.api import ModelClient

_FIXED = ("extractor", "random", "wrong", "reference")
_LEARNT = ("supervised", "reinforced")


@dataclass(frozen=True)
class SourceSettings:
    """Which articles, and the training whose policies write hints.

    Args:
        articles: test articles, from the first.
        seed: of the random hints.
        policies: how many policies are trained, from the training's seed on.
        training: of the policies; its language model writes the summaries.
        is_published: take CNN/DailyMail's test articles; the policies learn from ours all the
            same.
    """

    articles: int = 100
    seed: int = 0
    policies: int = 1
    is_published: bool = False
    training: TrainingSettings = field(default_factory=TrainingSettings)


def ask_sources(client: ModelClient, settings: SourceSettings) -> tuple[SourceRecords, ...]:
    """Train the policies, take every source's hints, and let the language model write.

    Policies and extractors see the article alone; only "reference" and "wrong" read references.

    Returns:
        Records for each seed of the policies; they differ in the learnt sources only.

    Raises:
        WorkbenchError: what the server refused.
    """
    every = (
        ask_published_articles(client, settings.articles)
        if settings.is_published
        else ask_articles(client, "test")
    )
    found = every[: settings.articles]
    writer = Writer(settings.training.model, settings.training.demonstrations)
    description = ask_description(client, every)
    hints: dict[str, tuple[Hint, ...]] = {
        "none": ((),) * len(found),
        "extractor": tuple(extractor_hint(one) for one in found),
        "random": tuple(random_hint(one, settings.seed) for one in found),
        "wrong": tuple(wrong_hint(every, place) for place in range(len(found))),
        "reference": tuple(reference_hint(one) for one in found),
    }
    of_seeds: list[dict[str, tuple[Hint, ...]]] = []
    for number in range(settings.policies):
        seed = settings.training.seed + number
        training = train(client, replace(settings.training, seed=seed))
        weights = dict(zip(_LEARNT, (training.supervised, training.reinforced), strict=True))
        of_seeds.append(
            hints
            | {
                name: choices_to_hints(ask_choices(client, description, one), every)
                for name, one in weights.items()
            }
        )
    outputs = _ask_outputs(client, writer, found, of_seeds)
    return tuple(
        judge(client, found, one, texts, settings.training.model)
        for one, texts in zip(of_seeds, outputs, strict=True)
    )


def _ask_outputs(
    client: ModelClient,
    writer: Writer,
    sources: Sequence[Source],
    hints: Sequence[dict[str, tuple[Hint, ...]]],
) -> list[dict[str, tuple[str, ...]]]:
    """Summaries of each seed by source; what an earlier seed had written is not asked again."""
    texts = [one.article.text for one in sources]
    plain = ask_without_hints(client, writer, texts, "Test articles, no hint")
    columns: list[dict[str, list[str]]] = [{"none": [*plain]} for _ in hints]
    # policies apart: another training then finds the other sources written already
    groups = [(0, _FIXED), *((seed, _LEARNT) for seed in range(len(hints)))]
    for place, text in enumerate(texts):
        written: dict[Hint, str] = {(): plain[place]}
        label = f"Test article {place + 1} of {len(texts)}"
        for number, (seed, names) in enumerate(groups):
            some = [hints[seed][name][place] for name in names]
            # what the fixed sources and the first policy say is asked whatever the others say
            known = written if number > 1 else {(): plain[place]}
            asked = [hint for hint in some if hint not in known]
            if asked:
                answers = ask_with_hints(client, writer, text, asked, label)
                written |= dict(zip(asked, answers, strict=True))
        for column, of_seed in zip(columns, hints, strict=True):
            for name in (*_FIXED, *_LEARNT):
                column.setdefault(name, []).append(written[of_seed[name][place]])
    return [{name: tuple(column) for name, column in one.items()} for one in columns]


def judge(
    client: ModelClient,
    sources: Sequence[Source],
    hints: dict[str, tuple[Hint, ...]],
    outputs: dict[str, tuple[str, ...]],
    model: str,
) -> SourceRecords:
    """Score summaries by ROUGE, and hints by the reference, apart from each other.

    Raises:
        WorkbenchError: what the server refused.
    """
    articles = tuple(one.article for one in sources)
    references = [one.reference for one in articles]
    count = len(articles)
    texts = [text for name in SOURCES for text in outputs[name]]
    leads = [lead(one.text) for one in articles]
    stemmed = ask_rouge(client, [*texts, *leads], references * (len(SOURCES) + 1))
    plain = ask_rouge(client, texts, references * len(SOURCES), stemmer=False)
    hits = np.array(
        [
            [find_hits(hint, one.reference).sum() for hint, one in zip(row, articles, strict=False)]
            for row in (hints[name] for name in SOURCES)
        ]
    )
    lengths = np.array([[len(hint) for hint in hints[name][:count]] for name in SOURCES])
    precision = np.full(hits.shape, np.nan)
    np.divide(hits, lengths, out=precision, where=lengths > 0)
    shape = (len(SOURCES), count, 3)
    return SourceRecords(
        articles=articles,
        sources=SOURCES,
        hints=tuple(hints[name][:count] for name in SOURCES),
        outputs=tuple(outputs[name] for name in SOURCES),
        rouge=stemmed[: len(texts)].reshape(shape),
        rouge_unstemmed=plain.reshape(shape),
        hint_precision=precision,
        hits=hits,
        lead2=stemmed[len(texts) :],
        model=model,
    )
