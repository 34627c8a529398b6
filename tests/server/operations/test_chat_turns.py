"""Prompts as turns of a conversation, against transformers' own template and forward pass."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np
import pytest
import torch

from tests.server.operations.recording import run_one
from tests.server.operations.test_remote_generation import endpoint, events
from workbench.errors import InputError
from workbench.models.language_model import LanguageModel
from workbench.server.api import Request
from workbench.server.operations import generate_batch, score_batch, score_choices

TURNS = [
    {"role": "user", "content": "Q: What is the colour of the house?"},
    {"role": "assistant", "content": "The house is red. The answer is red"},
]
PROMPTS = ["Q: The dog?", "Q: Is the capital of France on the mat?"]
BEGINS = ["", "The mat is blue. The answer is"]
CANDIDATES = [" yes", " no", " red and blue"]


def written(loaded: LanguageModel, number: int) -> str:
    """The conversation as transformers writes it."""
    turns = [*TURNS, {"role": "user", "content": PROMPTS[number]}]
    if not BEGINS[number]:
        return loaded.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )
    turns.append({"role": "assistant", "content": BEGINS[number]})
    text = loaded.tokenizer.apply_chat_template(turns, tokenize=False, continue_final_message=True)
    assert text.endswith(BEGINS[number])
    return text


def token_ids(loaded: LanguageModel, text: str) -> list[int]:
    return loaded.tokenizer(text, add_special_tokens=False)["input_ids"]


def test_answers_in_a_conversation_are_those_of_transformers(causal: LanguageModel) -> None:
    request = {"turns": TURNS, "prompts": PROMPTS, "begins": BEGINS, "max_new_tokens": 8}
    found = run_one(generate_batch.OPERATION, causal, request)
    for number in range(len(PROMPTS)):
        ids = token_ids(causal, written(causal, number))
        assert found.values["prompt_tokens"][number] == len(ids)  # type: ignore[index]
        answer = causal.model.generate(torch.tensor([ids]), max_new_tokens=8, do_sample=False)
        text = causal.tokenizer.decode(answer[0, len(ids) :], skip_special_tokens=True)
        assert found.values["texts"][number] == text  # type: ignore[index]


@pytest.mark.parametrize("turns", [TURNS, []])
def test_scores_in_a_conversation_are_those_of_a_direct_forward_pass(
    causal: LanguageModel, turns: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "TURNS", turns)
    questions = [
        {"prompt": prompt, "begin": begin, "candidates": CANDIDATES}
        for prompt, begin in zip(PROMPTS, BEGINS, strict=True)
    ]
    found = run_one(score_batch.OPERATION, causal, {"turns": turns, "questions": questions})
    expected: list[float] = []
    for number in range(len(PROMPTS)):
        stem = written(causal, number)
        before = token_ids(causal, stem)
        for candidate in CANDIDATES:
            ids = token_ids(causal, stem + candidate)
            start = next(i for i in range(len(ids)) if i >= len(before) or ids[i] != before[i])
            with torch.no_grad():
                table = causal.model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
            expected.append(math.fsum(float(table[i - 1, ids[i]]) for i in range(start, len(ids))))
    np.testing.assert_allclose(found.arrays["log_probabilities"], expected, rtol=1e-4)


def test_a_model_without_a_template_is_refused_in_words(
    llama: LanguageModel, t5: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for loaded in (llama, t5):
        monkeypatch.setattr(loaded.tokenizer, "chat_template", None)
        asked = [{"prompt": PROMPTS[0], "candidates": CANDIDATES}]
        with pytest.raises(InputError, match=f"{loaded.name} has no chat template. Switch"):
            run_one(score_batch.OPERATION, loaded, {"turns": [], "questions": asked})
        with pytest.raises(InputError, match=f"{loaded.name} has no chat template. Switch"):
            run_one(generate_batch.OPERATION, loaded, {"turns": [], "prompts": PROMPTS})


def test_a_template_that_drops_the_begun_answer_is_refused(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama.tokenizer, "chat_template", "{{ messages[0]['content'] }}")
    request = {"turns": TURNS, "prompts": PROMPTS, "begins": BEGINS}
    with pytest.raises(InputError, match="tiny-llama refuses the messages: continue_final"):
        run_one(generate_batch.OPERATION, llama, request)


def test_an_endpoint_is_given_turns_and_the_begun_answer_with_the_question() -> None:
    seen: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/v1/chat/completions"
        seen.append(json.loads(request.content))
        return httpx.Response(200, content=events(["yes"], chat=True))

    request = {"turns": TURNS, "prompts": PROMPTS, "begins": BEGINS}
    found = run_one(generate_batch.OPERATION, endpoint(answer), request)
    assert found.values["texts"] == ["yes", "yes"]
    last = sorted(one["messages"][-1]["content"] for one in seen)
    assert last == sorted([PROMPTS[0], f"{PROMPTS[1]}\nA: {BEGINS[1]}"])
    assert all(one["messages"][:2] == TURNS for one in seen)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompts": ["a"], "turns": [], "prefix": "b"}, "turns of a conversation have no prefix"),
        ({"prompts": ["a"], "begins": ["b"]}, "give turns too"),
        ({"prompts": ["a", "b"], "turns": [], "begins": ["b"]}, "one text for each prompt"),
    ],
)
def test_prompts_are_either_plain_or_turns(arguments: Mapping[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate_batch.prepare(Request("language.generate_batch", "m", arguments))


def test_only_an_answer_can_be_continued() -> None:
    given = {"messages": TURNS[:1], "continues": True, "candidates": ["a"]}
    with pytest.raises(InputError, match="end in the assistant's turn"):
        score_choices.prepare(Request("language.score_choices", "m", given))
