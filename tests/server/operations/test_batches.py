"""Several texts in one request: the same answers as one by one, told and left as one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.operations.recording import RecordingControl, run_batch, run_one
from tests.server.operations.test_remote_generation import endpoint, events
from workbench.errors import CancelledError, InputError, UnreachableError
from workbench.models.language_model import LanguageModel
from workbench.server.api import Request
from workbench.server.operation import Output
from workbench.server.operations import generate, generate_batch, score_batch, score_choices
from workbench.server.operations.several import MAX_TEXTS, PartControl
from workbench.server.operations.shared_prefix import attend

SHOTS = "Q: What is the colour of the house?\nA: red\n\nQ: Is the cat on the mat?\nA: yes\n\n"
PROMPTS = ["Q: The dog?\nA:", "Q: Is the capital of France on the cat and the mat?\nA:", "The"]
CANDIDATES = [" yes", " no", " red and blue"]


def one_by_one(
    loaded: LanguageModel, prefix: str, prompts: Sequence[str], seed: int | None, **settings: Any
) -> list[Output]:
    """Whole prompts, one request each: no shared prefix, no batch."""
    return [
        run_one(generate.OPERATION, loaded, {"prompt": prefix + p, **settings}, seed=seed)
        for p in prompts
    ]


def assert_same_answers(together: Output, alone: Sequence[Output]) -> None:
    for name, one in {
        "texts": "text",
        "finishes": "finish",
        "prompt_tokens": "prompt_tokens",
        "new_tokens": "new_tokens",
    }.items():
        assert together.values[name] == [output.values[one] for output in alone]
    ids = [output.arrays["token_ids"] for output in alone]
    assert together.arrays["token_counts"].tolist() == [len(one) for one in ids]
    assert together.arrays["token_ids"].tolist() == np.concatenate(ids).tolist()
    np.testing.assert_allclose(
        together.arrays["token_log_probabilities"],
        np.concatenate([output.arrays["token_log_probabilities"] for output in alone]),
        atol=1e-4,
    )


@pytest.mark.parametrize("prefix", [SHOTS, ""])
def test_answers_of_a_batch_are_those_of_single_requests(
    causal: LanguageModel, prefix: str
) -> None:
    request = {"prefix": prefix, "prompts": PROMPTS, "max_new_tokens": 14, "stop": ["\n\n"]}
    together = run_one(generate_batch.OPERATION, causal, request)
    alone = one_by_one(causal, prefix, PROMPTS, None, max_new_tokens=14, stop=["\n\n"])
    assert_same_answers(together, alone)
    assert len(set(together.values["texts"])) > 1  # type: ignore[arg-type]


def test_drawn_answers_of_a_batch_are_those_of_single_requests(causal: LanguageModel) -> None:
    drawing = {"max_new_tokens": 10, "temperature": 1.3, "top_p": 0.9}
    request = {"prefix": SHOTS, "prompts": PROMPTS, **drawing}
    together = run_one(generate_batch.OPERATION, causal, request, seed=9)
    assert_same_answers(together, one_by_one(causal, SHOTS, PROMPTS, 9, **drawing))


def test_an_encoder_decoder_answers_a_batch_as_single_requests(t5: LanguageModel) -> None:
    request = {"prefix": SHOTS, "prompts": PROMPTS, "max_new_tokens": 6}
    together = run_one(generate_batch.OPERATION, t5, request)
    assert_same_answers(together, one_by_one(t5, SHOTS, PROMPTS, None, max_new_tokens=6))


def test_a_single_request_may_name_its_prefix(causal: LanguageModel) -> None:
    requests = [
        {"prefix": SHOTS, "prompt": prompt, "max_new_tokens": 9, "temperature": 0.0}
        for prompt in PROMPTS
    ]
    named = run_batch(generate.OPERATION, causal, requests)
    for output, whole in zip(
        named, one_by_one(causal, SHOTS, PROMPTS, None, max_new_tokens=9), strict=True
    ):
        assert isinstance(output, Output)
        assert output.values == whole.values


def test_requests_with_different_prefixes_never_share_a_batch() -> None:
    buckets = {
        generate.prepare(
            Request("language.generate", "m", {"prompt": "a", "prefix": prefix})
        ).bucket
        for prefix in ("", "one", "two")
    }
    assert len(buckets) == 3


def test_the_prefix_is_read_once_for_all_prompts(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    llama.prefixes.clear()
    read: list[int] = []
    forward = type(llama.model.base_model).forward

    def counting(self: Any, input_ids: torch.Tensor, **options: Any) -> Any:
        read.append(input_ids.numel())
        return forward(self, input_ids=input_ids, **options)

    monkeypatch.setattr(type(llama.model.base_model), "forward", counting)
    request = {"prefix": SHOTS, "prompts": PROMPTS, "max_new_tokens": 2}
    run_one(generate_batch.OPERATION, llama, request)
    rows = [len(ids) for ids in llama.tokenizer([SHOTS + p for p in PROMPTS])["input_ids"]]
    shots = len(llama.tokenizer(SHOTS)["input_ids"])
    assert read[0] == shots
    width = max(rows) - shots
    assert sum(read[1:]) <= len(PROMPTS) * (width + 1 + 2)  # a merged token may be read again
    assert llama.prefixes.used_bytes > 0


def test_the_usual_attention_is_back_afterwards(llama: LanguageModel) -> None:
    usual = llama.model.config._attn_implementation
    run_one(
        generate_batch.OPERATION,
        llama,
        {"prefix": SHOTS, "prompts": PROMPTS, "max_new_tokens": 2},
    )
    assert llama.model.config._attn_implementation == usual


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 4)] * 5),
    groups=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_attention_to_a_shared_prefix_is_attention_to_a_repeated_one(
    sizes: tuple[int, int, int, int, int], groups: int, seed: int
) -> None:
    n, k, t, p, d = sizes
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    s = t + 1
    query, keys, values = normal(n, k * groups, t, d), normal(n, k, s, d), normal(n, k, s, d)
    shared = normal(1, k, p, d), normal(1, k, p, d)
    allowed = torch.rand(n, 1, t, s, generator=draw) < 0.6
    found = attend(query, (keys, values), shared, allowed, 0.7)
    whole = [
        torch.cat([one.expand(n, -1, -1, -1), own], dim=2).repeat_interleave(groups, dim=1)
        for one, own in zip(shared, (keys, values), strict=True)
    ]
    mask = torch.cat([torch.ones(n, 1, t, p, dtype=torch.bool), allowed], dim=-1)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, *whole, attn_mask=mask, scale=0.7
    )
    # the softmax is in float32, as the library's own
    torch.testing.assert_close(found, expected.transpose(1, 2), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "t5"])
def test_scores_of_a_batch_are_those_of_single_requests(
    tiny_models: dict[str, LanguageModel], architecture: str
) -> None:
    loaded = tiny_models[architecture]
    asked = [
        {"prompt": prompt, "candidates": CANDIDATES[: 1 + number]}
        for number, prompt in enumerate(PROMPTS)
    ]
    together = run_one(score_batch.OPERATION, loaded, {"prefix": SHOTS, "questions": asked})
    alone = [run_one(score_choices.OPERATION, loaded, {"prefix": SHOTS, **q}) for q in asked]
    for name in ("log_probabilities", "token_counts", "token_ids", "token_log_probabilities"):
        np.testing.assert_allclose(
            together.arrays[name], np.concatenate([one.arrays[name] for one in alone]), atol=1e-4
        )
    assert together.arrays["candidate_counts"].tolist() == [1, 2, 3]
    assert together.values["best"] == [one.values["best"] for one in alone]


def test_streamed_texts_grow_one_after_the_other(llama: LanguageModel) -> None:
    control = RecordingControl()
    request = {"prefix": SHOTS, "prompts": PROMPTS, "max_new_tokens": 12, "temperature": 2.0}
    output = run_one(generate_batch.OPERATION, llama, request, seed=4, control=control)
    texts = output.values["texts"]
    assert isinstance(texts, list)
    parts = [int(str(values["part"])) for _, values in control.partials]
    assert parts == sorted(parts)
    assert len(control.partials) >= 10
    for _, values in control.partials:
        assert str(texts[int(str(values["part"]))]).startswith(str(values["text"]))


def test_progress_only_rises_and_ends_at_one(llama: LanguageModel) -> None:
    control = RecordingControl()
    request = {"prompts": PROMPTS, "max_new_tokens": 8}
    run_one(generate_batch.OPERATION, llama, request, control=control)
    fractions = [fraction for _, fraction in control.progresses]
    assert fractions == sorted(fractions, key=float)  # type: ignore[arg-type]
    assert fractions[-1] == 1.0
    assert {item for item, _ in control.progresses} == {0}


def test_a_batch_stops_within_one_step_of_everybody_leaving(llama: LanguageModel) -> None:
    def leave(check: int) -> None:
        if check == 8:
            raise CancelledError("left")

    control = RecordingControl(on_check=leave)
    request = {"prefix": SHOTS, "prompts": PROMPTS, "max_new_tokens": 200, "temperature": 2.0}
    with pytest.raises(CancelledError):
        run_one(generate_batch.OPERATION, llama, request, seed=0, control=control)
    assert control.checks == 8


def test_a_left_batch_has_no_answer(llama: LanguageModel) -> None:
    control = RecordingControl()

    def leave(check: int) -> None:
        if check == 6:
            control.left = {0}

    control._on_check = leave
    request = {"prompts": PROMPTS, "max_new_tokens": 50}
    with pytest.raises(CancelledError):
        run_one(generate_batch.OPERATION, llama, request, control=control)


def test_the_text_that_is_too_long_is_named(llama: LanguageModel) -> None:
    texts = ["The cat", "word " * 2000]
    with pytest.raises(InputError, match=r"Text 2 of 2: .*tiny-llama takes at most 256"):
        run_one(generate_batch.OPERATION, llama, {"prompts": texts})
    asked = [{"prompt": text, "candidates": [" yes"]} for text in texts]
    with pytest.raises(InputError, match=r"Text 2 of 2: .*takes at most 256"):
        run_one(score_batch.OPERATION, llama, {"questions": asked})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompts": []}, "prompts"),
        ({"prompts": ["a"] * (MAX_TEXTS + 1)}, "prompts"),
        ({"prompts": ["a", ""]}, r"prompts\.1"),
        ({"prompts": ["a"], "prompt": "b"}, "prompt"),
    ],
)
def test_wrong_batches_are_refused_by_name(arguments: Mapping[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate_batch.prepare(Request("language.generate_batch", "m", arguments))


def test_a_prefix_does_not_go_with_a_conversation() -> None:
    turns = [{"role": "user", "content": "Hello"}]
    with pytest.raises(InputError, match="prefix goes with prompt"):
        generate.prepare(Request("language.generate", "m", {"messages": turns, "prefix": "a"}))


def test_an_endpoint_is_given_whole_prompts_and_its_answers_keep_their_order() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        prompt = json.loads(request.content)["prompt"]
        assert prompt.startswith("Shots. ")
        return httpx.Response(200, content=events([prompt[7:], " ok"], chat=False))

    request = {"prefix": "Shots. ", "prompts": [f"number {n}" for n in range(19)]}
    control = RecordingControl()
    output = run_one(generate_batch.OPERATION, endpoint(answer), request, control=control)
    assert output.values["texts"] == [f"number {n} ok" for n in range(19)]
    assert control.progresses[-1] == (0, 1.0)


def test_an_endpoint_that_fails_one_prompt_fails_the_batch_with_its_reason() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if json.loads(request.content)["prompt"] == "bad":
            return httpx.Response(500, text="out of order")
        return httpx.Response(200, content=events(["fine"], chat=False))

    with pytest.raises(UnreachableError, match="out of order"):
        run_one(generate_batch.OPERATION, endpoint(answer), {"prompts": ["good", "bad"]})


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), max_size=40))
def test_progress_of_parts_never_falls(told: list[tuple[int, float]]) -> None:
    control = RecordingControl()
    parts = PartControl(control, 2, 4)
    for part, fraction in told:
        parts.progress(part, fraction)
    fractions = [fraction for _, fraction in control.progresses]
    assert fractions == sorted(fractions, key=float)  # type: ignore[arg-type]
