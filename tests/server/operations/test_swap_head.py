"""One head replaced inside the model: what is replaced, what is not, and how it is measured."""

from __future__ import annotations

import copy
import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from tests.server.operations.recording import RecordingControl, run_batch, run_one
from workbench.errors import CancelledError, InputError, UnknownNameError
from workbench.methods.attention.causal import average_values
from workbench.methods.attention.stand_ins import BASELINES, baseline, calibrate
from workbench.models.language_model import LanguageModel
from workbench.server.api import Request
from workbench.server.operations import swap_head
from workbench.server.operations.capture import capture_layers
from workbench.server.operations.catalog import OPERATIONS
from workbench.server.operations.replaced_head import Replacement, replaced_head

TEXT = "The cat sat on the mat and the dog sat on the cat."
WIDTH = 8
"""Dimensions of the tiny models' heads."""
ROWS = {"taylor-4": 0, "taylor-30": 1, **{name: 2 + i for i, name in enumerate(BASELINES)}}


@pytest.fixture(scope="module")
def sharp_models(tiny_models: dict[str, LanguageModel]) -> dict[str, LanguageModel]:
    """The tiny models with larger queries: attention that is worth approximating."""
    models = {
        name: dataclasses.replace(tiny_models[name], model=copy.deepcopy(tiny_models[name].model))
        for name in ("llama", "gpt2")
    }
    for layer in models["llama"].model.model.layers:
        layer.self_attn.q_proj.weight.data.mul_(8.0)
    for block in models["gpt2"].model.transformer.h:
        block.attn.c_attn.weight.data[:, : 4 * WIDTH].mul_(8.0)  # the columns of the queries
    return models


@pytest.fixture
def llama(sharp_models: dict[str, LanguageModel]) -> LanguageModel:
    return sharp_models["llama"]


@pytest.fixture(params=["llama", "gpt2"])
def causal(request: pytest.FixtureRequest, sharp_models: dict[str, LanguageModel]) -> LanguageModel:
    return sharp_models[request.param]


def arguments(**changes: Any) -> dict[str, Any]:
    return {
        "text": TEXT,
        "layer": 1,
        "head": 3,
        "dimension": WIDTH,
        "polynomials": [{"kind": "taylor", "degree": 4}, {"kind": "taylor", "degree": 30}],
        "new_tokens": 0,
        **changes,
    }


def read(loaded: LanguageModel) -> torch.Tensor:
    return torch.tensor(loaded.tokenizer(TEXT)["input_ids"])


def logits_of(loaded: LanguageModel, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return loaded.model(ids.reshape(1, -1)).logits[0]


def logits_with(
    loaded: LanguageModel, ids: torch.Tensor, rows: Sequence[Replacement | None], head: int = 3
) -> torch.Tensor:
    with torch.no_grad(), replaced_head(loaded.model, 1, head, rows):
        return loaded.model(ids.reshape(1, -1).expand(len(rows), -1)).logits


def stand_in(loaded: LanguageModel, ids: torch.Tensor, name: str, *, dimension: int) -> Replacement:
    (layer,) = capture_layers(loaded.model, ids, [1])
    q, k = (x[3].double().numpy() for x in (layer.queries, layer.keys))
    weigh = baseline(calibrate(q, k, scale=layer.scale, dimension=dimension), name)
    return lambda q, k, v, allowed: average_values(weigh(q, k, allowed), v)


def test_the_operation_is_in_the_catalogue() -> None:
    assert swap_head.SWAP_HEAD in OPERATIONS


def test_the_exact_exponential_in_every_dimension_changes_nothing(causal: LanguageModel) -> None:
    ids = read(causal)
    same = stand_in(causal, ids, "projected", dimension=WIDTH)
    (found,) = logits_with(causal, ids, [same])
    torch.testing.assert_close(found, logits_of(causal, ids), atol=1e-4, rtol=1e-4)


def test_a_polynomial_of_high_degree_changes_nothing(causal: LanguageModel) -> None:
    output = run_one(swap_head.SWAP_HEAD, causal, arguments(new_tokens=6))
    row = ROWS["taylor-30"]
    assert output.arrays["divergence"][row].max() < 1e-6
    assert output.values["agreement"][row] == 1.0
    assert output.arrays["output_error"][row] < 1e-4
    assert output.values["texts"][row] == output.values["texts"][-1]
    assert output.arrays["divergence"][ROWS["taylor-4"]].max() > 1e-5  # a low degree is seen


def test_fewer_dimensions_cost_accuracy_that_the_exact_exponential_shows(
    llama: LanguageModel,
) -> None:
    errors = [
        run_one(swap_head.SWAP_HEAD, llama, arguments(dimension=d)).arrays["output_error"][
            ROWS["projected"]
        ]
        for d in (1, 4, WIDTH)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-6


def test_no_head_equals_its_part_of_the_output_projection_set_to_zero(
    llama: LanguageModel,
) -> None:
    ids = read(llama)
    (found,) = logits_with(llama, ids, [stand_in(llama, ids, "zero", dimension=1)])
    weight = llama.model.model.layers[1].self_attn.o_proj.weight
    kept = weight.detach().clone()
    weight.data[:, 3 * WIDTH : 4 * WIDTH] = 0.0
    try:
        expected = logits_of(llama, ids)
    finally:
        weight.data.copy_(kept)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(found, logits_of(llama, ids), atol=1e-2)


def test_grouped_keys_are_those_of_the_head_that_looks(llama: LanguageModel) -> None:
    ids = read(llama)
    (layer,) = capture_layers(llama.model, ids, [1])
    for head in range(4):
        seen: list[np.ndarray] = []

        def listen(
            q: np.ndarray,
            k: np.ndarray,
            v: np.ndarray,
            allowed: np.ndarray,
            seen: list[np.ndarray] = seen,
        ) -> np.ndarray:
            seen.extend([q, k, v, allowed])
            return np.zeros((len(q), v.shape[1]))

        logits_with(llama, ids, [listen], head)
        for found, expected in zip(seen, (layer.queries, layer.keys, layer.values), strict=False):
            np.testing.assert_allclose(found, expected[head].numpy(), atol=1e-6)
        np.testing.assert_array_equal(seen[3], np.tril(np.ones((len(ids), len(ids)), dtype=bool)))


def test_the_divergence_is_the_one_torch_computes_from_the_logits(causal: LanguageModel) -> None:
    ids = read(causal)
    output = run_one(swap_head.SWAP_HEAD, causal, arguments(dimension=2))
    p = logits_of(causal, ids).double().log_softmax(-1)
    for name in BASELINES:
        (logits,) = logits_with(causal, ids, [stand_in(causal, ids, name, dimension=2)])
        q = logits.double().log_softmax(-1)
        expected = torch.nn.functional.kl_div(q, p, reduction="none", log_target=True).sum(-1)
        row = output.arrays["divergence"][ROWS[name]]
        np.testing.assert_allclose(row, expected.numpy(), rtol=2e-3, atol=1e-6)
        agrees = (p.argmax(-1) == q.argmax(-1)).numpy()
        assert output.values["agreement"][ROWS[name]] == pytest.approx(agrees.mean())


def test_each_row_has_its_own_replacement(llama: LanguageModel) -> None:
    ids = read(llama)
    rows = [None, *(stand_in(llama, ids, name, dimension=2) for name in ("zero", "mean"))]
    together = logits_with(llama, ids, rows)
    for row, replacement in enumerate(rows):
        (alone,) = logits_with(llama, ids, [replacement])
        torch.testing.assert_close(together[row], alone, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(together[0], logits_of(llama, ids), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["zero", "mean", "projected"])
def test_the_text_is_that_of_reading_everything_again_for_each_token(
    causal: LanguageModel, name: str
) -> None:
    ids = read(causal)
    replacement = stand_in(causal, ids, name, dimension=3)
    written: list[int] = []
    ends = {causal.tokenizer.eos_token_id}
    for _ in range(8):
        longer = torch.cat([ids, torch.tensor(written, dtype=ids.dtype)])
        token = int(logits_with(causal, longer, [replacement])[0, -1].argmax())
        if token in ends:
            break
        written.append(token)
    output = run_one(swap_head.SWAP_HEAD, causal, arguments(dimension=3, new_tokens=8))
    expected = causal.tokenizer.decode(written, skip_special_tokens=True)
    assert output.values["texts"][ROWS[name]] == expected


def test_groups_of_rows_give_what_one_batch_gives(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_one(swap_head.SWAP_HEAD, llama, arguments(new_tokens=4))
    monkeypatch.setattr(swap_head, "LOGITS_BYTES", 1)
    control = RecordingControl()
    parts = run_one(swap_head.SWAP_HEAD, llama, arguments(new_tokens=4), control=control)
    np.testing.assert_allclose(
        parts.arrays["divergence"], whole.arrays["divergence"], rtol=1e-2, atol=1e-6
    )
    assert parts.values["texts"] == whole.values["texts"]
    fractions = [fraction for _, fraction in control.progresses]
    assert fractions == sorted(fractions)
    assert len(fractions) == 3 * 5  # three groups of two rows, each read once and written 4 times


def test_a_polynomial_that_cannot_be_had_is_no_number(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap_head, "can_fit", lambda _calibration, kind: kind != "minimax")
    asked = [{"kind": "minimax", "degree": 4}, {"kind": "taylor", "degree": 4}]
    output = run_one(swap_head.SWAP_HEAD, llama, arguments(polynomials=asked))
    assert np.isnan(output.arrays["divergence"][0]).all()
    assert np.isnan(output.arrays["output_error"][0])
    assert np.isfinite(output.arrays["divergence"][1:]).all()


# ---------------------------------------------------------------- the model stays as it was


def raise_in_the_middle(*_: np.ndarray) -> np.ndarray:
    raise ZeroDivisionError


def cancel_after(checks: int) -> Callable[[int], None]:
    def leave(check: int) -> None:
        if check == checks:
            raise CancelledError("left")

    return leave


@pytest.mark.parametrize("how", ["finished", "failed", 4, 20])
def test_the_model_is_left_as_it_was(causal: LanguageModel, how: str | int) -> None:
    ids = read(causal)
    before, usual = logits_of(causal, ids), causal.model.config._attn_implementation
    if how == "finished":
        run_one(swap_head.SWAP_HEAD, causal, arguments(new_tokens=2))
    elif how == "failed":
        with pytest.raises(ZeroDivisionError):
            logits_with(causal, ids, [raise_in_the_middle])
    else:  # cancelled while reading, or while writing
        control = RecordingControl(on_check=cancel_after(int(how)))
        with pytest.raises(CancelledError):
            run_one(swap_head.SWAP_HEAD, causal, arguments(new_tokens=8), control=control)
        assert control.checks == how
        assert (len(control.progresses) > 1) is (how == 20)
    assert causal.model.config._attn_implementation == usual
    assert torch.equal(logits_of(causal, ids), before)


def test_another_thread_sees_the_model_as_it_is(llama: LanguageModel) -> None:
    ids = read(llama)
    expected, found = logits_of(llama, ids), []
    zero = stand_in(llama, ids, "zero", dimension=1)
    with replaced_head(llama.model, 1, 3, [zero]):
        thread = threading.Thread(target=lambda: found.append(logits_of(llama, ids)))
        thread.start()
        thread.join()
        own = logits_of(llama, ids)
    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(own, expected, atol=1e-2)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layer": 3}, "Layer 3 does not exist in this model; choose 0 to 2"),
        ({"head": 4}, "Head 4 does not exist in this model; choose 0 to 3"),
        ({"dimension": 9}, "8 dimensions; choose 1 to 8 to keep, not 9"),
        ({"text": "a"}, "1 token; the swap reads 2 to 256. Lengthen it"),
        ({"text": "a b " * 300}, "the swap reads 2 to 256. Shorten it"),
        ({"text": "a b " * 120, "new_tokens": 64}, "the swap reads 2 to 192. Shorten it"),
    ],
)
def test_what_does_not_fit_the_model_is_refused_with_what_does(
    llama: LanguageModel, changes: dict[str, Any], said: str
) -> None:
    good, bad = run_batch(swap_head.SWAP_HEAD, llama, [arguments(), arguments(**changes)])
    assert not isinstance(good, Exception)
    assert isinstance(bad, InputError)
    assert said in str(bad)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": " \n"}, "text is empty"),
        ({"polynomials": []}, "polynomials"),
        ({"polynomials": [{"kind": "remez", "degree": 2}]}, "kind"),
        ({"polynomials": [{"kind": "taylor", "degree": 65}]}, "degree"),
        ({"dimension": 0}, "dimension"),
        ({"new_tokens": 65}, "new_tokens"),
    ],
)
def test_a_wrong_request_is_refused_before_any_model(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        swap_head.prepare(Request("attention.swap_head", "any", arguments(**changes)))


def test_an_unknown_argument_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean head"):
        swap_head.prepare(Request("attention.swap_head", "any", arguments(heads=1)))


def test_a_model_that_caps_its_scores_is_refused_and_left_as_it_was() -> None:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        attn_logit_softcapping=50.0,
    )
    model = Gemma2ForCausalLM(config).eval()
    usual, ids = model.config._attn_implementation, torch.arange(3, 9)
    with (
        pytest.raises(InputError, match="caps its scores"),
        torch.no_grad(),
        replaced_head(model, 1, 0, [None]),
    ):
        model(ids[None])
    with pytest.raises(InputError, match="caps its scores"):
        capture_layers(model, ids)
    assert model.config._attn_implementation == usual


def test_a_sliding_window_hides_from_the_replacement_what_it_hides_from_the_model() -> None:
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        sliding_window=3,
    )
    model = MistralForCausalLM(config).eval()
    seen: list[np.ndarray] = []

    def listen(q: np.ndarray, k: np.ndarray, v: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        del k
        seen.append(allowed)
        return np.zeros((len(q), v.shape[1]))

    with torch.no_grad(), replaced_head(model, 1, 0, [listen]):
        model(torch.arange(3, 11)[None])
    distance = np.arange(8)[:, None] - np.arange(8)
    np.testing.assert_array_equal(seen[0], (distance >= 0) & (distance < 3))


def test_a_model_whose_attention_does_not_pass_is_refused(llama: LanguageModel) -> None:
    with (
        pytest.raises(InputError, match="cannot be replaced in layer 1; choose another"),
        replaced_head(llama.model, 1, 0, [None]),
    ):
        pass  # no attention is computed at all
