"""Next tokens, token lists and embeddings against the libraries' own answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.server.operations.recording import RecordingControl, run_batch, run_one
from workbench.errors import CancelledError, InputError
from workbench.models.language_model import LanguageModel
from workbench.server.api import Request
from workbench.server.operation import Output
from workbench.server.operations import embed_text, next_token, tokenize_text
from workbench.server.operations.catalog import OPERATIONS

TEXTS = ["The cat sat on the mat.", "yes", "What is the colour of the house? " * 4, "مرحبا 😀"]


def test_the_next_token_distribution_is_the_models_softmax(causal: LanguageModel) -> None:
    requests = [{"prompt": text, "top": 5, "full": True} for text in TEXTS]
    outputs = run_batch(next_token.OPERATION, causal, requests)
    for text, output in zip(TEXTS, outputs, strict=True):
        assert isinstance(output, Output)
        with torch.no_grad():
            logits = causal.model(torch.tensor([causal.tokenizer(text)["input_ids"]])).logits
        expected = logits[0, -1].double().softmax(-1).numpy()
        np.testing.assert_allclose(output.arrays["distribution"], expected, atol=1e-5)
        assert output.arrays["distribution"].sum() == pytest.approx(1, abs=1e-6)
        np.testing.assert_allclose(
            output.arrays["probabilities"], np.sort(expected)[::-1][:5], atol=1e-5
        )
        ids = output.arrays["ids"].tolist()
        assert output.values["tokens"] == [causal.tokenizer.decode([i]) for i in ids]


def test_more_tokens_than_the_vocabulary_holds_gives_the_vocabulary(llama: LanguageModel) -> None:
    output = run_one(next_token.OPERATION, llama, {"prompt": "The", "top": 1000})
    assert sorted(output.arrays["ids"].tolist()) == list(range(llama.model.config.vocab_size))
    assert "distribution" not in output.arrays


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_cover_their_text(llama: LanguageModel, text: str) -> None:
    output = run_one(tokenize_text.OPERATION, llama, {"prompt": text})
    assert output.arrays["ids"].tolist() == llama.tokenizer(text)["input_ids"]
    assert output.values["count"] == len(output.arrays["ids"])
    starts, ends = output.arrays["offsets"].T
    assert starts[0] == 0
    assert ends[-1] == len(text)
    assert (starts[1:] <= ends[:-1]).all()
    assert llama.tokenizer.decode(output.arrays["ids"].tolist()) == text


def test_a_text_of_a_hundred_thousand_tokens_is_refused_with_the_limit(
    llama: LanguageModel,
) -> None:
    for operation in (tokenize_text.OPERATION, next_token.OPERATION):
        (outcome,) = run_batch(operation, llama, [{"prompt": "A B " * 50_000}])
        assert isinstance(outcome, InputError)
        assert "100,00" in str(outcome)
        assert "at most 256" in str(outcome)


def own_embedding(bert: LanguageModel, text: str) -> np.ndarray:
    with torch.no_grad():
        hidden = bert.model(torch.tensor([bert.tokenizer(text)["input_ids"]])).last_hidden_state
    mean = hidden[0].double().mean(dim=0)
    return (mean / mean.norm()).numpy()


def test_embeddings_are_unit_means_whatever_they_are_batched_with(
    bert: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed_text, "step_tokens", lambda _device: 40)  # several passes
    requests = [{"texts": TEXTS}, {"texts": TEXTS[:1]}, {"texts": TEXTS[::-1]}]
    first, second, reverse = run_batch(embed_text.OPERATION, bert, requests)
    assert isinstance(first, Output)
    assert isinstance(second, Output)
    assert isinstance(reverse, Output)
    expected = np.stack([own_embedding(bert, text) for text in TEXTS])
    np.testing.assert_allclose(first.arrays["embeddings"], expected, atol=1e-5)
    np.testing.assert_allclose(second.arrays["embeddings"], expected[:1], atol=1e-5)
    np.testing.assert_allclose(reverse.arrays["embeddings"], expected[::-1], atol=1e-5)
    assert first.arrays["token_counts"].tolist() == [
        len(bert.tokenizer(text)["input_ids"]) for text in TEXTS
    ]


def test_texts_too_long_to_embed_are_refused_or_cut_on_request(bert: LanguageModel) -> None:
    long = "The cat sat on the mat. " * 200
    with pytest.raises(InputError, match=r"Text 2 has .* tokens; tiny-bert takes at most 256"):
        run_one(embed_text.OPERATION, bert, {"texts": ["yes", long]})
    cut = run_one(embed_text.OPERATION, bert, {"texts": ["yes", long], "truncate": True})
    assert cut.arrays["token_counts"].tolist()[1] == 256


@pytest.mark.parametrize("texts", [[], [""], ["  \n"], "yes"])
def test_empty_texts_are_refused(texts: object) -> None:
    with pytest.raises(InputError):
        embed_text.prepare(Request("language.embed_text", "m", {"texts": texts}))  # type: ignore[dict-item]


def test_left_requests_are_not_embedded(bert: LanguageModel) -> None:
    control = RecordingControl()
    control.left = {1}
    kept, left = run_batch(
        embed_text.OPERATION, bert, [{"texts": ["a"]}, {"texts": ["b"]}], control=control
    )
    assert isinstance(kept, Output)
    assert isinstance(left, CancelledError)


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    for operation in OPERATIONS:
        assert operation.name.count(".") == 1
        assert operation.summary.endswith(".")
        assert operation.version >= 1
