"""Captured queries and keys are those of the model's own attention."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.server.operations.recording import RecordingControl, run_one
from workbench.errors import CancelledError, InputError
from workbench.models.language_model import LanguageModel
from workbench.server.operations import capture_attention
from workbench.server.operations.capture import capture_layers, visit_layers

TEXT = "The cat sat on the mat and the dog sat on the cat."


def own_attention(loaded: LanguageModel, ids: torch.Tensor) -> list[np.ndarray]:
    """Attention weights as transformers' eager implementation computes them, per layer."""
    usual = loaded.model.config._attn_implementation
    loaded.model.set_attn_implementation("eager")
    with torch.no_grad():
        weights = loaded.model.base_model(ids[None], output_attentions=True).attentions
    loaded.model.set_attn_implementation(usual)
    return [layer[0].numpy() for layer in weights]


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "bert"])
def test_softmax_of_captured_scores_is_the_models_own_attention(
    tiny_models: dict[str, LanguageModel], architecture: str
) -> None:
    loaded = tiny_models[architecture]
    ids = torch.tensor(loaded.tokenizer(TEXT)["input_ids"])
    expected = own_attention(loaded, ids)
    seen = capture_layers(loaded.model, ids)
    assert [layer.layer for layer in seen] == list(range(len(expected)))
    for layer, weights in zip(seen, expected, strict=True):
        scores = layer.scale * layer.queries @ layer.keys.transpose(1, 2)
        if layer.is_causal:
            future = torch.ones_like(scores, dtype=torch.bool).triu(1)
            scores = scores.masked_fill(future, -torch.inf)
        np.testing.assert_allclose(scores.softmax(-1).numpy(), weights, atol=1e-6)
    assert seen[0].is_causal == (architecture != "bert")


def test_grouped_keys_are_repeated_for_their_query_heads(llama: LanguageModel) -> None:
    (layer,) = capture_layers(llama.model, torch.arange(3, 9), layers=[1])
    assert layer.queries.shape == layer.keys.shape == layer.values.shape == (4, 6, 8)
    assert torch.equal(layer.keys[0], layer.keys[1])
    assert not torch.equal(layer.keys[1], layer.keys[2])


def test_the_model_is_left_as_it_was_even_when_a_visitor_fails(llama: LanguageModel) -> None:
    before = llama.model.config._attn_implementation
    ids = torch.arange(3, 12)
    with torch.no_grad():
        expected = llama.model(ids[None]).logits

    def fail(_layer: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        visit_layers(llama.model, ids, fail)
    assert llama.model.config._attn_implementation == before
    with torch.no_grad():
        assert torch.equal(llama.model(ids[None]).logits, expected)


def test_layers_that_do_not_exist_are_refused_with_those_that_do(llama: LanguageModel) -> None:
    with pytest.raises(InputError, match="Layer 7 does not exist; choose 0 to 2"):
        capture_layers(llama.model, torch.arange(3), layers=[7])
    with pytest.raises(InputError, match="at least one"):
        capture_layers(llama.model, torch.arange(3), layers=[])


def test_the_operation_gives_the_chosen_layers_and_heads(llama: LanguageModel) -> None:
    whole = run_one(capture_attention.OPERATION, llama, {"prompt": TEXT})
    part = run_one(
        capture_attention.OPERATION, llama, {"prompt": TEXT, "layers": [2, 0], "heads": [3, 1]}
    )
    tokens = len(llama.tokenizer(TEXT)["input_ids"])
    assert whole.arrays["queries"].shape == (3, 4, tokens, 8)
    assert whole.values["scale"] == pytest.approx(8**-0.5)
    assert "".join(whole.values["tokens"]) == TEXT
    for name in ("queries", "keys", "values"):
        assert part.arrays[name].dtype == np.float32
        np.testing.assert_array_equal(part.arrays[name], whole.arrays[name][[0, 2]][:, [1, 3]])


def test_the_operation_stops_between_layers_when_everybody_has_left(llama: LanguageModel) -> None:
    def leave(check: int) -> None:
        if check == 2:
            raise CancelledError("left")

    control = RecordingControl(on_check=leave)
    with pytest.raises(CancelledError):
        run_one(capture_attention.OPERATION, llama, {"prompt": TEXT}, control=control)
    assert control.progresses == []


def test_captures_too_large_to_send_are_refused_before_they_are_made(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_attention, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="Choose fewer layers or heads"):
        run_one(capture_attention.OPERATION, llama, {"prompt": TEXT})
    with pytest.raises(InputError, match="Head 4 does not exist; choose 0 to 3"):
        run_one(capture_attention.OPERATION, llama, {"prompt": TEXT, "heads": [4]})
