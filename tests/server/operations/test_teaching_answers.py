"""What the teaching tab reads from a model, against the model itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tests.server.operations.recording import run_one
from tests.unit.teaching_client import RECEIPT
from workbench.data.teaching.question import YES_NO, Question
from workbench.data.teaching.sets import load_questions
from workbench.errors import InputError
from workbench.methods.teaching import prompts, roles
from workbench.methods.teaching.asking import Asker
from workbench.methods.teaching.examples import draw_examples
from workbench.models.language_model import LanguageModel
from workbench.server.api import ModelClient, ModelEntry, Request, Result
from workbench.server.operation import Operation
from workbench.server.operations import count_tokens, generate_batch, score_batch


def _as_client(client: Any) -> ModelClient:
    return client


OPERATIONS = {
    one.name: one
    for one in (generate_batch.OPERATION, score_batch.OPERATION, count_tokens.OPERATION)
}


class TinyClient:
    """The real operations on one tiny model."""

    def __init__(self, loaded: Any) -> None:
        self.loaded = loaded

    def models(self) -> tuple[ModelEntry, ...]:
        return ()

    def call(self, request: Request) -> Result:
        operation: Operation = OPERATIONS[request.operation]
        output = run_one(operation, self.loaded, request.arguments, seed=request.seed)
        return Result(output.arrays, output.values, RECEIPT)


@pytest.mark.parametrize("option_texts", [YES_NO, ("red house", "blue", "a cat"), ("1234",)])
def test_answer_probabilities_equal_a_direct_forward_pass(
    causal: LanguageModel, option_texts: tuple[str, ...]
) -> None:
    question = Question("q", "What is the colour?", option_texts, 0, "The house is red.")
    prefix, prompt = "Q: The cat?\nA: The answer is yes\n\n", prompts.ask_bare(question)
    asker = Asker(_as_client(TinyClient(causal)), "tiny")
    (found,) = asker.score(prefix, [prompt], [question], "test")
    tokenizer = causal.tokenizer
    stem = tokenizer(prefix + prompt)["input_ids"]
    for option, text in enumerate(prompts.candidates(question)):
        ids = tokenizer(prefix + prompt + text)["input_ids"]
        start = next(i for i in range(len(ids)) if i >= len(stem) or ids[i] != stem[i])
        with torch.no_grad():
            table = causal.model(torch.tensor([ids])).logits[0].double().softmax(-1)
        steps = [float(table[i - 1, ids[i]]) for i in range(start, len(ids))]
        expected = math.prod(steps)
        if len(option_texts) == 1:  # the mean over the number's digits, as in the released code
            expected = float(np.mean(steps[-len(option_texts[0]) :]))
        assert found[option] == pytest.approx(expected, rel=1e-4)
    assert len(option_texts) == 1 or found.sum() <= 1.0


def test_tokens_are_counted_text_by_text(llama: LanguageModel) -> None:
    asker = Asker(_as_client(TinyClient(llama)), "tiny")
    texts = ["The cat sat.", "", "The house is red and blue"]
    expected = [len(llama.tokenizer(t, add_special_tokens=False)["input_ids"]) for t in texts]
    assert asker.count_tokens(texts).tolist() == expected


def test_an_explanation_longer_than_the_context_is_refused_by_its_place(
    llama: LanguageModel,
) -> None:
    asker = Asker(_as_client(TinyClient(llama)), "tiny")
    questions = load_questions("strategyqa", "test")[:2]
    asked = [prompts.ask_helped(questions[0], "a"), prompts.ask_helped(questions[1], "red " * 400)]
    with pytest.raises(InputError, match=r"Text 2 of 2: .*takes at most 256"):
        asker.score("", asked, questions, "test")


def test_an_encoder_decoder_reasons_and_answers_too(t5: LanguageModel) -> None:
    asker = Asker(_as_client(TinyClient(t5)), "tiny", max_new_tokens=6)
    questions = load_questions("strategyqa", "test")[:3]
    examples, _ = draw_examples(load_questions("strategyqa", "train"), 1, 41)
    alone = roles.reason(asker, examples, questions, "alone")
    prefix = prompts.reasoning_prefix(examples)
    for number, question in enumerate(questions):
        ids = torch.tensor([t5.tokenizer(prefix + prompts.ask_alone(question))["input_ids"]])
        written = t5.model.generate(ids, max_new_tokens=6, do_sample=False)[0]
        text = t5.tokenizer.decode(written, skip_special_tokens=True)
        assert alone.texts[number] == text.split("\n", 1)[0]
    assert ((alone.probabilities > 0) & (alone.probabilities < 1)).all()
    assert alone.probabilities.sum(axis=1).max() <= 1.0
