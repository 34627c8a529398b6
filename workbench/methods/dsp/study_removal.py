"""Leave one out: what is each phrase of a hint worth?

Beside ROUGE, which jumps when a summary changes, stands the log probability of the reference under
the prompt: one forward pass, nothing sampled. It is not in the paper (arXiv:2302.11520), whose
models do not give it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workbench.errors import InputError
from workbench.methods.dsp import prompts
from workbench.methods.dsp.asking import Writer, ask_articles, ask_rouge, ask_with_hints
from workbench.methods.dsp.comparison import STEMMER
from workbench.methods.dsp.records import Article
from workbench.methods.dsp.removal import Removal
from workbench.methods.dsp.study_bench import ARTICLE, DEFAULT_HINT, DEMONSTRATIONS
from workbench.params import SCORERS, Chip, Chips, Model, check, chips
from workbench.server.api import Json, ModelClient, Request
from workbench.study import Study, Summary


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    hint: Annotated[
        str,
        Chips(
            "Hint",
            max_items=12,
            max_chars=60,
            help="Lock a phrase to keep it in: only the others are left out in turn.",
        ),
    ] = DEFAULT_HINT
    article: Annotated[int, ARTICLE] = 1
    stemmer: Annotated[bool, STEMMER] = True
    model: Annotated[
        str, Model(SCORERS, "Language model", help="It is only asked, never trained.")
    ] = "smollm2-135m-instruct"
    demonstrations: Annotated[int, DEMONSTRATIONS] = 1

    def __post_init__(self) -> None:
        check(self)
        if all(chip.is_locked for chip in chips(self.hint)):
            raise InputError("There is no phrase to leave out; add one, or take a lock off.")


@dataclass(frozen=True)
class Inputs:
    """Summaries, ROUGE ``(2, k + 1, 3)`` and log probabilities ``(k + 1,)``: see ``Removal``."""

    article: Article
    outputs: tuple[str, ...]
    rouge: np.ndarray
    log_probability: np.ndarray


def gather(client: ModelClient, params: Params) -> Inputs:
    """Ask for the summary and the reference's probability under every shortened hint."""
    article = ask_articles(client, "test")[params.article - 1].article
    writer = Writer(params.model, params.demonstrations)
    hints = shorten(chips(params.hint))
    outputs = ask_with_hints(client, writer, article.text, hints, "Without one phrase")
    references = [article.reference] * len(outputs)
    rouge = np.stack([ask_rouge(client, outputs, references, stemmer=s) for s in (False, True)])
    return Inputs(article, outputs, rouge, ask_log_probability(client, writer, article, hints))


def shorten(hint: tuple[Chip, ...]) -> tuple[tuple[str, ...], ...]:
    """The hint, then the hint without each of its phrases in turn; locked ones stay in."""
    texts = tuple(chip.text for chip in hint)
    left_out = [place for place, chip in enumerate(hint) if not chip.is_locked]
    return (texts, *(texts[:place] + texts[place + 1 :] for place in left_out))


def ask_log_probability(
    client: ModelClient, writer: Writer, article: Article, hints: Sequence[tuple[str, ...]]
) -> np.ndarray:
    """``(h,)`` log probability of the reference after the prompt with each hint, in nats.

    Raises:
        WorkbenchError: what the server refused, such as an endpoint that gives no probabilities.
    """
    found = np.zeros(len(hints))
    for is_hinted in (True, False):
        numbers = [i for i, hint in enumerate(hints) if bool(hint) == is_hinted]
        if not numbers:
            continue
        asked: list[Json] = [
            {
                "prompt": prompts.hint_and_answer(hints[i]) if is_hinted else prompts.ANSWER,
                "candidates": [f" {article.reference}"],
            }
            for i in numbers
        ]
        answer = client.call(
            Request(
                operation="language.score_batch",
                model=writer.model,
                arguments={
                    "prefix": prompts.summary_prefix(
                        article.text, with_hint=is_hinted, demonstrations=writer.demonstrations
                    ),
                    "questions": asked,
                },
                dtype="float32",
            )
        )
        found[numbers] = answer.arrays["log_probabilities"]
    return found


def compute(inputs: Inputs, params: Params) -> Removal:
    """Put the shortened hints beside the whole one."""
    hint = chips(params.hint)
    return Removal(
        article=inputs.article,
        hint=tuple(chip.text for chip in hint),
        phrases=tuple(chip.text for chip in hint if not chip.is_locked),
        outputs=inputs.outputs,
        rouge=inputs.rouge,
        log_probability=inputs.log_probability,
        model=params.model,
    )


def summarise(found: Removal) -> Summary:
    """What is lost without each phrase, in mean ROUGE (stemmed) and in nats."""
    numbers: dict[str, float | int] = {"phrases": len(found.phrases)}
    for i in range(len(found.phrases)):
        numbers[f"rouge_lost_{i + 1}"] = float(f"{found.rouge_lost[1, i]:.6g}")
        numbers[f"nats_lost_{i + 1}"] = float(f"{found.log_probability_lost[i]:.6g}")
    return numbers


REMOVAL: Study[Params, Inputs, Removal] = Study(
    slug="dsp.leave_one_out",
    title="Leave one out",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
