"""Summaries of the test articles with hints of every source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workbench.methods.dsp.asking import (
    Source,
    Writer,
    ask_articles,
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
        training: of the policies; its language model writes the summaries.
    """

    articles: int = 100
    seed: int = 0
    training: TrainingSettings = field(default_factory=TrainingSettings)


def ask_sources(client: ModelClient, settings: SourceSettings) -> SourceRecords:
    """Train the policies, take every source's hints, and let the language model write.

    Policies and extractors see the article alone; only "reference" and "wrong" read references.

    Raises:
        WorkbenchError: what the server refused.
    """
    every = ask_articles(client, "test")
    found = every[: settings.articles]
    writer = Writer(settings.training.model, settings.training.demonstrations)
    training = train(client, settings.training)
    description = ask_description(client, every)
    hints: dict[str, tuple[Hint, ...]] = {
        "none": ((),) * len(found),
        "extractor": tuple(extractor_hint(one) for one in found),
        "random": tuple(random_hint(one, settings.seed) for one in found),
        "wrong": tuple(wrong_hint(every, place) for place in range(len(found))),
        "reference": tuple(reference_hint(one) for one in found),
    }
    for name, weights in zip(_LEARNT, (training.supervised, training.reinforced), strict=True):
        hints[name] = choices_to_hints(ask_choices(client, description, weights), every)
    outputs = _ask_outputs(client, writer, found, hints)
    return judge(client, found, hints, outputs, settings.training.model)


def _ask_outputs(
    client: ModelClient,
    writer: Writer,
    sources: Sequence[Source],
    hints: dict[str, tuple[Hint, ...]],
) -> dict[str, tuple[str, ...]]:
    texts = [one.article.text for one in sources]
    plain = ask_without_hints(client, writer, texts, "Test articles, no hint")
    columns: dict[str, list[str]] = {name: [] for name in (*_FIXED, *_LEARNT)}
    for place, text in enumerate(texts):
        # policies apart: another training then finds the other sources written already
        for names in (_FIXED, _LEARNT):
            some = [hints[name][place] for name in names]
            label = f"Test article {place + 1} of {len(texts)}"
            written = [plain[place]] * len(some)
            if any(some):
                asked = [hint for hint in some if hint]
                answers = iter(ask_with_hints(client, writer, text, asked, label))
                written = [next(answers) if hint else plain[place] for hint in some]
            for name, one in zip(names, written, strict=True):
                columns[name].append(one)
    return {"none": plain, **{name: tuple(column) for name, column in columns.items()}}


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
