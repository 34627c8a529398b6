"""Scores equal a plain forward pass over each candidate, however they are shared and batched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.operations.recording import RecordingControl, run_batch, run_one
from workbench.errors import CancelledError, InputError, UnknownNameError
from workbench.models.language_model import LanguageModel
from workbench.server.api import Request
from workbench.server.operation import Output
from workbench.server.operations import score_choices, scoring

TOLERANCE = 2e-5
"""Log-probabilities in float32; other orders of summation were seen to move them by 1e-6."""

SHOTS = "Question: What is the colour of the house? Answer: red\n" * 3
QUESTIONS = [f"Question: What is the colour of the {word}? Answer:" for word in ("cat", "dog and")]
CANDIDATES = [" red", " blue", " the colour of the cat", "yes", " red"]


def plain_scores(loaded: LanguageModel, text: str, candidates: Sequence[str]) -> list[list[float]]:
    """One forward pass for each candidate, no cache, no padding, no sharing."""
    scores = []
    prompt = loaded.tokenizer(text)["input_ids"]
    for candidate in candidates:
        ids = loaded.tokenizer(text + candidate)["input_ids"]
        start = 0
        while start < min(len(prompt), len(ids)) and prompt[start] == ids[start]:
            start += 1
        if start == 0:
            ids, start = [loaded.tokenizer.bos_token_id, *ids], 1
        with torch.no_grad():
            table = loaded.model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
        scores.append([float(table[i - 1, ids[i]]) for i in range(start, len(ids))])
    return scores


def assert_scores(output: Any, expected: Sequence[Sequence[float]]) -> None:
    assert isinstance(output, Output)
    flat = np.concatenate([np.array(one) for one in expected])
    sums = np.array([sum(one) for one in expected])
    arrays = output.arrays
    np.testing.assert_allclose(arrays["token_log_probabilities"], flat, atol=TOLERANCE)
    np.testing.assert_allclose(arrays["log_probabilities"], sums, atol=TOLERANCE * 10)
    assert arrays["token_counts"].tolist() == [len(one) for one in expected]
    np.testing.assert_allclose(
        arrays["mean_log_probabilities"], sums / arrays["token_counts"], atol=TOLERANCE
    )


def test_scores_equal_a_plain_forward_pass(causal: LanguageModel) -> None:
    output = run_one(
        score_choices.OPERATION, causal, {"prompt": QUESTIONS[0], "candidates": CANDIDATES}
    )
    assert_scores(output, plain_scores(causal, QUESTIONS[0], CANDIDATES))
    assert output.values["best"] == int(output.arrays["log_probabilities"].argmax())
    assert output.arrays["byte_counts"].tolist() == [len(c.encode()) for c in CANDIDATES]


def test_a_reused_prefix_changes_no_score(causal: LanguageModel) -> None:
    causal.prefixes.clear()
    requests = [{"prefix": SHOTS, "prompt": q, "candidates": CANDIDATES} for q in QUESTIONS]
    expected = [plain_scores(causal, SHOTS + q, CANDIDATES) for q in QUESTIONS]
    for _ in range(2):  # computed, then taken from the cache
        for output, scores in zip(
            run_batch(score_choices.OPERATION, causal, requests), expected, strict=True
        ):
            assert_scores(output, scores)
    assert causal.prefixes.used_bytes > 0


def test_a_prefix_is_read_once_for_all_questions(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    llama.prefixes.clear()
    read: list[int] = []
    forward = type(llama.model.base_model).forward

    def counting(self: Any, input_ids: torch.Tensor, **options: Any) -> Any:
        read.append(input_ids.numel())
        return forward(self, input_ids=input_ids, **options)

    monkeypatch.setattr(type(llama.model.base_model), "forward", counting)
    requests = [
        {"prefix": SHOTS, "prompt": f"{q} {n}", "candidates": [" yes", " no"]}
        for n in range(4)
        for q in QUESTIONS
    ]
    run_batch(score_choices.OPERATION, llama, requests)
    prefix = len(llama.tokenizer(SHOTS)["input_ids"])
    assert read[0] == prefix
    assert sum(read[1:]) < len(requests) * prefix


def test_batched_scores_equal_single_ones(causal: LanguageModel) -> None:
    requests: list[Mapping[str, Any]] = [
        {"prompt": "The", "candidates": [" cat", " dog sat on the mat"]},
        {"prompt": SHOTS + QUESTIONS[1], "candidates": [" blue"]},
        {"prefix": SHOTS, "prompt": QUESTIONS[0], "candidates": CANDIDATES},
        {"prompt": "مرحبا 😀", "candidates": ["😀", " \x07", "é"]},
        {"messages": [{"role": "user", "content": "The cat?"}], "candidates": ["yes", "no"]},
    ]
    batched = run_batch(score_choices.OPERATION, causal, requests)
    for request, together in zip(requests, batched, strict=True):
        alone = run_one(score_choices.OPERATION, causal, request)
        assert isinstance(together, Output)
        for name, array in alone.arrays.items():
            np.testing.assert_allclose(together.arrays[name], array, atol=TOLERANCE * 10)
        assert together.values == alone.values


def test_what_candidates_share_is_read_once_and_changes_no_score(llama: LanguageModel) -> None:
    prompt = SHOTS + QUESTIONS[0]
    candidates = [f" the {word} sat on the {word}" for word in ("cat", "dog", "mat", "house")]
    output = run_one(score_choices.OPERATION, llama, {"prompt": prompt, "candidates": candidates})
    assert_scores(output, plain_scores(llama, prompt, candidates))


words = st.text(st.sampled_from("The cat?:.\n é😀\u05d0AB"), min_size=1, max_size=12)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    prefix=st.one_of(st.just(""), words),
    prompt=words,
    candidates=st.lists(words, min_size=1, max_size=4),
)
def test_any_text_scores_as_a_plain_forward_pass_does(
    llama: LanguageModel, prefix: str, prompt: str, candidates: list[str]
) -> None:
    request = {"prefix": prefix, "prompt": prompt, "candidates": candidates}
    output = run_one(score_choices.OPERATION, llama, request)
    assert_scores(output, plain_scores(llama, prefix + prompt, candidates))


def test_a_token_that_merges_prompt_and_candidate_is_scored_whole(llama: LanguageModel) -> None:
    assert len(llama.tokenizer(" house")["input_ids"]) == 1
    output = run_one(score_choices.OPERATION, llama, {"prompt": "the hou", "candidates": ["se"]})
    assert output.values["tokens"] == [[" house"]]
    assert_scores(output, plain_scores(llama, "the hou", ["se"]))


def test_encoder_decoder_scores_equal_a_plain_forward_pass(t5: LanguageModel) -> None:
    prompt = QUESTIONS[0]
    output = run_one(score_choices.OPERATION, t5, {"prompt": prompt, "candidates": CANDIDATES})
    expected = []
    encoded = torch.tensor([t5.tokenizer(prompt)["input_ids"]])
    for candidate in CANDIDATES:
        ids = t5.tokenizer(candidate, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logits = t5.model(
                input_ids=encoded, decoder_input_ids=torch.tensor([[0, *ids[:-1]]])
            ).logits[0]
        table = logits.double().log_softmax(-1)
        expected.append([float(table[i, token]) for i, token in enumerate(ids)])
    assert_scores(output, expected)


def test_rows_that_begin_others_are_read_from_them() -> None:
    wholes = [(1, 2, 3, 4), (1, 2, 3, 5, 6), (1, 9, 9), (1, 2, 3)]
    members = {(0, i): scoring.Candidate(ids, 2) for i, ids in enumerate(wholes)}
    rows, places = scoring._merge_rows(members, 0)
    assert {row.ids for row in rows} == {(1, 2, 3, 5), (1, 9)}
    for key, member in members.items():
        row = rows[places[key]]
        assert row.ids[: len(member.ids) - 1] == member.ids[:-1]
        assert set(range(member.start - 1, len(member.ids) - 1)) <= set(row.read)


def test_a_refused_request_does_not_harm_its_neighbours(llama: LanguageModel) -> None:
    long = {"prompt": "The cat sat. " * 200, "candidates": [" yes"]}
    good = {"prompt": QUESTIONS[0], "candidates": [" yes"]}
    first, second = run_batch(score_choices.OPERATION, llama, [long, good])
    assert isinstance(first, InputError)
    assert "at most 256" in str(first)
    assert_scores(second, plain_scores(llama, QUESTIONS[0], [" yes"]))


def test_a_request_nobody_waits_for_is_not_scored(llama: LanguageModel) -> None:
    control = RecordingControl()
    control.left = {0}
    request = {"prompt": QUESTIONS[0], "candidates": [" yes"]}
    left, kept = run_batch(score_choices.OPERATION, llama, [request, request], control=control)
    assert isinstance(left, CancelledError)
    assert isinstance(kept, Output)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt": "a", "candidates": []}, "candidates"),
        ({"prompt": "a", "candidates": [""]}, "candidates.0"),
        ({"prompt": "", "candidates": ["a"]}, "the prompt is empty"),
        ({"candidates": ["a"]}, "either prompt"),
        ({"prompt": 3, "candidates": ["a"]}, "prompt"),
        ({"messages": [{"role": "king", "content": "a"}], "candidates": ["a"]}, "messages.0.role"),
        (
            {"messages": [{"role": "user", "content": "a"}], "prefix": "b", "candidates": ["a"]},
            "prefix goes with prompt",
        ),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        score_choices.prepare(Request("language.score_choices", "m", arguments))


def test_an_unknown_argument_gets_the_nearest_name() -> None:
    request = Request("language.score_choices", "m", {"promt": "a", "candidates": ["b"]})
    with pytest.raises(UnknownNameError, match="Did you mean prompt"):
        score_choices.prepare(request)


def test_arrays_are_refused() -> None:
    request = Request(
        "language.score_choices", "m", {"prompt": "a", "candidates": ["b"]}, {"x": np.ones(1)}
    )
    with pytest.raises(InputError, match="takes no arrays"):
        score_choices.prepare(request)
