"""The hint bench: what does the language model write with your hint, and what without?

arXiv:2302.11520, section 3: the model is frozen and is given the whole article; the hint is the
only thing that changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.errors import InputError
from workbench.methods.dsp.asking import (
    Writer,
    ask_articles,
    ask_rouge,
    ask_with_hints,
    ask_without_hints,
)
from workbench.methods.dsp.bench_result import Bench
from workbench.methods.dsp.comparison import STEMMER
from workbench.methods.dsp.phrases import candidate_phrases, lead
from workbench.methods.dsp.prompts import MAX_DEMONSTRATIONS
from workbench.methods.dsp.records import METRICS, Article
from workbench.methods.dsp.rouge import rouge_scores
from workbench.params import WRITERS, Chips, Model, Range, Text, check, chips
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

TEST_ARTICLES = 100
ARTICLE = Range(1, TEST_ARTICLES, 1, "Test article", help="Written for this project.")
HINT = Chips(
    "Hint",
    max_items=12,
    max_chars=60,
    help="Green phrases stand in the summary and in the reference, rust ones in the summary only.",
)
WRITER = Model(WRITERS, "Language model", help="It is only asked, never trained.")
DEMONSTRATIONS = Range(
    0, MAX_DEMONSTRATIONS, 1, "Solved examples in the prompt", help="The paper has three."
)
WITH, WITHOUT = "With the hint", "Without the hint"
"""Names of the two requests, and of their texts while they grow."""
DEFAULT_HINT = "Norbury Sands; 6,300 signatures; Councillor Odile Prentiss; second-hand heat pump"
"""TextRank's hint of the first test article whose summary it changes with the default model; the
rule, not the result, chose it."""


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    hint: Annotated[str, HINT] = DEFAULT_HINT
    article: Annotated[int, ARTICLE] = 1
    stemmer: Annotated[bool, STEMMER] = True
    text: Annotated[
        str,
        Text("Your own article", max_chars=12_000, lines=4, help="Instead of the test article."),
    ] = ""
    reference: Annotated[
        str,
        Text(
            "Its reference summary",
            max_chars=2_000,
            lines=2,
            help="ROUGE compares with it; the model does not see it.",
        ),
    ] = ""
    model: Annotated[str, WRITER] = "smollm2-135m-instruct"
    demonstrations: Annotated[int, DEMONSTRATIONS] = 1

    def __post_init__(self) -> None:
        check(self)
        if self.text and not self.text.strip():
            raise InputError(
                "Your own article is blank; type some text, or empty the box for the test article."
            )
        if self.reference.strip() and not self.text:
            raise InputError(
                "There is a reference summary without an article; give the article too, or leave "
                "both empty for the test article."
            )


@dataclass(frozen=True)
class Inputs:
    """The article and what was written of it; ``rouge`` is ``(2, 3, 3)``, see ``gather``."""

    article: Article
    outputs: tuple[str, str]
    rouge: np.ndarray


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask for both summaries, the hinted one first, and for their ROUGE.

    ``rouge`` has the axes: stemmer off and on; with hint, without, first two sentences; metric.
    """
    article = ask_article(client, params)
    writer = Writer(params.model, params.demonstrations)
    hint = tuple(chip.text for chip in chips(params.hint))
    hinted = ask_with_hints(client, writer, article.text, [hint], WITH)[0]
    plain = ask_without_hints(client, writer, [article.text], WITHOUT)[0]
    texts = [hinted, plain, lead(article.text)]
    references = [article.reference] * len(texts)
    rouge = np.stack([ask_rouge(client, texts, references, stemmer=s) for s in (False, True)])
    return Inputs(article, (hinted, plain), rouge)


def ask_article(client: ModelClient, params: Params) -> Article:
    """The article that the bench is about: the reader's own, or the test article.

    Raises:
        WorkbenchError: what the server refused.
    """
    if params.text:
        text = " ".join(params.text.split())
        return Article("own", text, " ".join(params.reference.split()), candidate_phrases(text))
    return ask_articles(client, "test")[params.article - 1].article


def judge_so_far(article: Article, params: Params, text: str) -> np.ndarray:
    """``(3,)`` F1 of ROUGE-1, 2 and L of a summary that is still being written."""
    scores = rouge_scores([text.strip()], [article.reference], stemmer=params.stemmer)
    return scores[0, :, 2]


def compute(inputs: Inputs, params: Params) -> Bench:
    """Put the two summaries side by side."""
    hinted, plain, first = np.moveaxis(inputs.rouge, 1, 0)
    return Bench(
        article=inputs.article,
        phrases=tuple(chip.text for chip in chips(params.hint)),
        output_with=inputs.outputs[0],
        output_without=inputs.outputs[1],
        rouge_with=hinted,
        rouge_without=plain,
        rouge_lead2=first,
        model=params.model,
        number=0 if params.text else params.article,
    )


def summarise(found: Bench) -> Summary:
    """ROUGE with the hint, without and of the first two sentences; what became of the phrases."""
    numbers: dict[str, float | int] = {"phrases": len(found.phrases), "hits": found.hits}
    numbers["used"] = round(found.coverage * len(found.phrases))
    for name, scores in (
        ("with", found.rouge_with),
        ("without", found.rouge_without),
        ("lead2", found.rouge_lead2),
    ):
        for m, metric in enumerate(METRICS):
            numbers[f"{metric}_{name}"] = float(f"{scores[1, m]:.6g}")
    return numbers


BENCH: Study[Params, Inputs, Bench] = Study(
    slug="dsp.bench",
    title="Your own hint",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
