"""Generation: what batching, streaming, stopping and leaving may and may not change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.operations.recording import RecordingControl, run_batch, run_one
from workbench.errors import CancelledError, InputError
from workbench.models.language_model import LanguageModel
from workbench.server.api import Request
from workbench.server.operation import Output
from workbench.server.operations import decoding, generate
from workbench.server.operations.sampling import Sampling, _most_probable, choose, generator_for
from workbench.server.operations.transcript import cut_at_stop, safe_part

PROMPTS = ("The", "What is the colour of the house? Answer:", "The cat sat on the mat. " * 8)


def greedy(loaded: LanguageModel, prompt: str, count: int) -> list[int]:
    """Greedy decoding by whole forward passes, without cache or padding."""
    ids = loaded.tokenizer(prompt)["input_ids"]
    new: list[int] = []
    for _ in range(count):
        with torch.no_grad():
            token = int(loaded.model(torch.tensor([ids + new])).logits[0, -1].argmax())
        if token == loaded.tokenizer.eos_token_id:
            break
        new.append(token)
    return new


def test_greedy_answers_equal_whole_forward_passes_alone_and_batched(
    causal: LanguageModel,
) -> None:
    requests = [{"prompt": prompt, "max_new_tokens": 12} for prompt in PROMPTS]
    expected = [greedy(causal, prompt, 12) for prompt in PROMPTS]
    batched = run_batch(generate.OPERATION, causal, requests)
    for request, tokens, together in zip(requests, expected, batched, strict=True):
        assert isinstance(together, Output)
        assert together.arrays["token_ids"].tolist() == tokens
        alone = run_one(generate.OPERATION, causal, request)
        assert alone.arrays["token_ids"].tolist() == tokens
        assert together.values == alone.values
        np.testing.assert_allclose(
            together.arrays["token_log_probabilities"],
            alone.arrays["token_log_probabilities"],
            atol=1e-4,
        )


def test_rows_that_leave_early_do_not_disturb_those_that_stay(llama: LanguageModel) -> None:
    lengths = [3, 20, 7]
    requests = [
        {"prompt": prompt, "max_new_tokens": n} for prompt, n in zip(PROMPTS, lengths, strict=True)
    ]
    for request, output in zip(
        requests, run_batch(generate.OPERATION, llama, requests), strict=True
    ):
        assert isinstance(output, Output)
        tokens = greedy(llama, request["prompt"], request["max_new_tokens"])
        assert output.arrays["token_ids"].tolist() == tokens


def test_the_same_seed_gives_the_same_answer_in_any_batch(causal: LanguageModel) -> None:
    request = {"prompt": "The dog", "max_new_tokens": 10, "temperature": 1.0, "top_p": 0.9}
    other = {"prompt": PROMPTS[2], "max_new_tokens": 15, "temperature": 2.0}
    alone = run_one(generate.OPERATION, causal, request, seed=7)
    batch = [other, request, request]
    _, same, different = run_batch(generate.OPERATION, causal, batch, seeds=[1, 7, 8])
    assert isinstance(same, Output)
    assert isinstance(different, Output)
    assert same.arrays["token_ids"].tolist() == alone.arrays["token_ids"].tolist()
    assert different.arrays["token_ids"].tolist() != alone.arrays["token_ids"].tolist()


def test_encoder_decoder_answers_equal_its_own_generate(t5: LanguageModel) -> None:
    requests = [{"prompt": prompt, "max_new_tokens": 8} for prompt in PROMPTS]
    for prompt, output in zip(PROMPTS, run_batch(generate.OPERATION, t5, requests), strict=True):
        assert isinstance(output, Output)
        expected = t5.model.generate(
            torch.tensor([t5.tokenizer(prompt)["input_ids"]]), max_new_tokens=8, do_sample=False
        )[0, 1:].tolist()
        ends = [token for token in expected if token != t5.tokenizer.eos_token_id]
        assert output.arrays["token_ids"].tolist() == ends


def test_a_conversation_is_written_with_the_chat_template(llama: LanguageModel) -> None:
    turns = [{"role": "user", "content": "The cat?"}]
    chat = run_one(generate.OPERATION, llama, {"messages": turns, "max_new_tokens": 6})
    raw = run_one(
        generate.OPERATION,
        llama,
        {"prompt": "<|user|>The cat?\n<|assistant|>", "max_new_tokens": 6},
    )
    assert chat.values == raw.values


def test_streamed_text_only_grows_and_the_answer_begins_with_it(llama: LanguageModel) -> None:
    control = RecordingControl()
    request = {"prompt": "The", "max_new_tokens": 40, "temperature": 3.0}
    output = run_one(generate.OPERATION, llama, request, seed=3, control=control)
    texts = [str(values["text"]) for _, values in control.partials]
    assert len(texts) >= 30
    for earlier, later in zip(texts, [*texts[1:], str(output.values["text"])], strict=True):
        assert later.startswith(earlier)


def test_a_stop_string_is_cut_off_exactly(llama: LanguageModel) -> None:
    request = {"prompt": "The", "max_new_tokens": 40, "temperature": 3.0}
    text = str(run_one(generate.OPERATION, llama, request, seed=3).values["text"])
    stop = text[20:23]
    control = RecordingControl()
    output = run_one(
        generate.OPERATION, llama, {**request, "stop": [stop]}, seed=3, control=control
    )
    assert output.values["finish"] == "stop"
    assert output.values["text"] == text[: text.index(stop)]
    for _, values in control.partials:
        assert str(output.values["text"]).startswith(str(values["text"]))


def test_generation_stops_within_one_step_of_everybody_leaving(llama: LanguageModel) -> None:
    def leave(check: int) -> None:
        if check == 6:
            raise CancelledError("left")

    control = RecordingControl(on_check=leave)
    request = {"prompt": "The", "max_new_tokens": 200, "temperature": 2.0}
    with pytest.raises(CancelledError):
        run_one(generate.OPERATION, llama, request, seed=0, control=control)
    assert len(control.partials) <= 5


def test_a_long_prompt_can_be_left_while_it_is_read(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(decoding._PREFILL_TOKENS, "cpu", 16)
    control = RecordingControl()
    request = {"prompt": PROMPTS[2], "max_new_tokens": 1}
    whole = run_one(generate.OPERATION, llama, request, control=control)
    assert control.checks >= len(llama.tokenizer(PROMPTS[2])["input_ids"]) // 16
    assert whole.arrays["token_ids"].tolist() == greedy(llama, PROMPTS[2], 1)


def test_one_left_request_leaves_the_batch_and_the_other_is_answered(llama: LanguageModel) -> None:
    control = RecordingControl()

    def leave(check: int) -> None:
        if check == 4:
            control.left = {0}

    control._on_check = leave
    request = {"prompt": "The", "max_new_tokens": 10}
    left, kept = run_batch(generate.OPERATION, llama, [request, request], control=control)
    assert isinstance(left, CancelledError)
    assert isinstance(kept, Output)
    assert kept.arrays["token_ids"].tolist() == greedy(llama, "The", 10)


def test_an_answer_ends_where_the_models_context_ends(llama: LanguageModel) -> None:
    words = "The cat sat on the mat. " * 100
    ids = llama.tokenizer(words)["input_ids"][: llama.max_tokens - 5]
    prompt = llama.tokenizer.decode(ids)
    tokens = len(llama.tokenizer(prompt)["input_ids"])
    request = {"prompt": prompt, "max_new_tokens": 50, "temperature": 1.0}
    output = run_one(generate.OPERATION, llama, request, seed=1)
    assert output.values["prompt_tokens"] == tokens
    assert tokens + int(str(output.values["new_tokens"])) <= llama.max_tokens


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt": "a", "temperature": 9.0}, "temperature: Input should be less than or equal"),
        ({"prompt": "a", "max_new_tokens": 0}, "max_new_tokens"),
        ({"prompt": "a", "max_new_tokens": 2.5}, "max_new_tokens"),
        ({"prompt": "a", "top_p": 0.0}, "top_p"),
        ({"prompt": "a", "stop": [""]}, "stop.0"),
        ({"prompt": ""}, "the prompt is empty"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, "every message is empty"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate.prepare(Request("language.generate", "m", arguments))


def test_texts_longer_than_the_model_takes_are_refused_with_the_limit(
    llama: LanguageModel,
) -> None:
    with pytest.raises(InputError, match=r"tiny-llama takes at most 256"):
        run_one(generate.OPERATION, llama, {"prompt": "word " * 100_000})


@pytest.mark.parametrize(
    "prompt", ["\x00\x01\x1b[2J", "مرحبا بالعالم", "👩‍👩‍👧 😀", "\ufeff", "a\u0301" * 50]
)
def test_unusual_text_is_answered(llama: LanguageModel, prompt: str) -> None:
    output = run_one(generate.OPERATION, llama, {"prompt": prompt, "max_new_tokens": 3})
    assert output.values["finish"] in ("end", "length")


def test_only_repeatable_answers_are_kept() -> None:
    def keep(seed: int | None, **arguments: Any) -> bool:
        return generate.OPERATION.is_cacheable(
            Request("language.generate", "m", {"prompt": "a", **arguments}, seed=seed)
        )

    assert keep(None)
    assert keep(3, temperature=1.0)
    assert not keep(None, temperature=1.0)


def test_choosing_follows_the_probabilities() -> None:
    # 4,000 draws: a frequency is within 4 standard errors of its probability.
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    source = generator_for(11)
    count = 4000
    drawn = Counter(
        choose(probabilities.log(), Sampling(temperature=1.0), source) for _ in range(count)
    )
    for token, probability in enumerate(probabilities.tolist()):
        error = (probability * (1 - probability) / count) ** 0.5
        assert abs(drawn[token] / count - probability) < 4 * error


@pytest.mark.parametrize(
    ("sampling", "allowed"),
    [
        (Sampling(temperature=0.0), {1}),
        (Sampling(temperature=1e-6), {1}),
        (Sampling(temperature=1.0, top_k=2), {1, 2}),
        (Sampling(temperature=1.0, top_p=0.5), {1}),
        (Sampling(temperature=1.0, top_p=0.81), {1, 2, 0}),
    ],
)
def test_sampling_stays_within_its_limits(sampling: Sampling, allowed: set[int]) -> None:
    logits = torch.tensor([0.15, 0.5, 0.3, 0.05]).log()
    source = generator_for(5)
    drawn = {choose(logits, sampling, source) for _ in range(400)}
    assert drawn == allowed


@pytest.mark.parametrize("top_p", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("spread", [0.01, 1.0, 5.0])
def test_the_nucleus_is_the_smallest_set_that_holds_the_share(top_p: float, spread: float) -> None:
    logits = torch.randn(5000, generator=torch.Generator().manual_seed(2)) * spread
    probabilities = logits.double().softmax(0).sort(descending=True)
    smallest = int((probabilities.values.cumsum(0) < top_p).sum()) + 1
    weights = logits.double().exp()
    kept, ids = _most_probable(weights, Sampling(temperature=1.0, top_p=top_p))
    assert set(ids.tolist()) == set(probabilities.indices[:smallest].tolist())
    np.testing.assert_allclose(kept / weights.sum(), probabilities.values[:smallest], rtol=1e-9)


letters = st.text("ab\ufffd", max_size=30)


@settings(max_examples=300)
@given(text=letters, stops=st.lists(st.text("ab", min_size=1, max_size=4), max_size=3))
def test_no_streamed_part_is_ever_taken_back(text: str, stops: list[str]) -> None:
    final, _ = cut_at_stop(text, stops)
    for end in range(len(text) + 1):
        so_far, stopped = cut_at_stop(text[:end], stops)
        if stopped:
            break
        assert final.startswith(safe_part(so_far, stops))


@given(text=letters, stops=st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3))
def test_cut_text_holds_no_stop_string_and_ends_where_the_first_began(
    text: str, stops: list[str]
) -> None:
    cut, stopped = cut_at_stop(text, stops)
    assert text.startswith(cut)
    assert not any(stop in cut for stop in stops)
    assert stopped == (cut != text)
    assert not stopped or any(text[len(cut) :].startswith(stop) for stop in stops)


def test_a_conversation_the_template_refuses_is_refused_with_its_reason(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = "{{ raise_exception('roles must alternate') }}"
    monkeypatch.setattr(llama.tokenizer, "chat_template", template)
    request: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
    with pytest.raises(InputError, match="refuses the messages: roles must alternate"):
        run_one(generate.OPERATION, llama, request)


def test_chat_without_a_template_is_refused_kindly(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama.tokenizer, "chat_template", None)
    request: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
    with pytest.raises(InputError, match="no chat template; give prompt"):
        run_one(generate.OPERATION, llama, request)
